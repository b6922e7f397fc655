"""Recipe + Registry -> Plan: every name resolved, every option checked, every wire sized, without a weight.

Nothing stops at the first misfit but the wire behind it: `MismatchError` lists them all.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from ganzoo.assemble_phases import PhaseAssembler
from ganzoo.components import (
    Conditioning,
    Dataset,
    Discriminator,
    Stage,
    TextEncoder,
)
from ganzoo.misfits import MismatchError, names, use
from ganzoo.plan import ConditioningPlan, Plan, StagePlan
from ganzoo.remedies import judges_of, remedy
from ganzoo.specs import DataSpec, DiscriminatorGiven, StageGiven, StageSpec, TextSpec

if TYPE_CHECKING:
    from ganzoo.plugins import Registry
    from ganzoo.recipe import Node, Recipe


def assemble(recipe: Recipe, registry: Registry) -> Plan:
    """Connect what `recipe` names. Raises MismatchError with every misfit."""
    return _Assembler(recipe, registry).plan()


class _Assembler(PhaseAssembler):
    """Walks the wires left to right, collecting misfits; None stands for what a misfit leaves unknown."""

    def plan(self) -> Plan:
        recipe = self.recipe
        data = self.resolve("datasets", recipe.data)
        data_spec = self.told(recipe.data, data.yields) if data and recipe.data else None
        text = self.resolve("text_encoders", recipe.text)
        text_spec = self.text_spec(text, data, data_spec)
        image = self.resolve("image_encoders", recipe.image) if recipe.image else None
        self.words = bool(text_spec and text_spec.words)
        conditionings, reads = self.conditionings(text_spec, data_spec)
        stages = self.stages(conditionings, reads)
        phases = self.phases(data_spec, text, text_spec, image, conditionings, stages)
        if self.misfits:
            raise MismatchError(recipe.name, self.misfits)
        assert data and data_spec and text and text_spec
        return Plan(
            recipe, data, data_spec, text, text_spec, image,
            tuple(c for c in conditionings if c), recipe.noise, tuple(s for s in stages if s), tuple(phases),
        )  # fmt: skip

    # -- the wires --------------------------------------------------------------------------

    def text_spec(
        self, text: TextEncoder | None, dataset: Dataset | None, data: DataSpec | None
    ) -> TextSpec | None:
        node = self.recipe.text
        if text is None or node is None:
            return None
        spec = self.told(node, text.yields)
        if spec is None:
            return None
        for need in sorted(text.requires() - data.offers) if data else ():
            self.misfit(
                f"text {node.use} needs `{need}`; the data {use(self.recipe.data)} gives only "
                f"{names(data.offers) if data else ''}",
                node,
                remedy(self.registry, need),
                need=need,
            )
        if data and data.embedding and "embedding" in text.requires() and spec.sentence != data.embedding:
            self.misfit(
                f"text {node.use} reads embeddings of width {spec.sentence}; the data "
                f"{use(self.recipe.data)} gives width {data.embedding}; set `size: {data.embedding}`",
                node,
            )
        if dataset and dataset.average > 1:  # the mean of several captions has a sentence but no words
            self.average = dataset.average
            spec = replace(spec, words=0)
            trained = [name for name, phase in self.recipe.phases.items() if "encoders" in phase.updates]
            if trained:
                self.misfit(
                    f"`data.average: {dataset.average}` averages features of a frozen text encoder, but "
                    f"phase {trained[0]} trains it; set `data.average: 1`",
                    node,
                )
        return spec

    def conditionings(
        self, text: TextSpec | None, data: DataSpec | None
    ) -> tuple[list[ConditioningPlan | None], list[int]]:
        """The distinct conditionings, and for each stage which of them it reads."""
        plans: list[ConditioningPlan | None] = []
        reads: list[int] = []
        shared: int | None = None
        for entry in self.recipe.stages:
            if entry.conditioning is None:
                if shared is None:
                    shared = len(plans)
                    plans.append(self.conditioning(self.recipe.conditioning, text, data))
                reads.append(shared)
            else:
                reads.append(len(plans))
                plans.append(self.conditioning(entry.conditioning, text, data))
        return plans, reads

    def conditioning(
        self, node: Node | None, text: TextSpec | None, data: DataSpec | None
    ) -> ConditioningPlan | None:
        component: Conditioning | None = self.resolve("conditionings", node)
        if component is None or text is None or data is None:
            return None
        assert node is not None
        offered = {"sentence"} if text.sentence else set()
        offered |= ({"words"} if text.words else set()) | (data.offers & {"boxes", "keypoints"})
        missing = component.requires() - offered
        for need in sorted(missing):
            text_or_data = need in ("sentence", "words")
            why = self.no_text(need) if text_or_data else f"{use(self.recipe.data)} does not give it"
            self.lacks(f"conditioning {node.use}", need, why, node)
        if missing:
            return None
        spec = self.told(node, lambda: component.yields(text))
        if spec is None:
            return None
        spec = replace(spec, boxes=data.boxes, keypoints=data.keypoints)
        return ConditioningPlan(component, spec, component.epsilon(text))

    def stages(
        self, conditionings: list[ConditioningPlan | None], reads: list[int]
    ) -> list[StagePlan | None]:
        plans: list[StagePlan | None] = []
        previous: StageSpec | None = None
        for level, entry in enumerate(self.recipe.stages):
            component: Stage | None = self.resolve("stages", entry.stage)
            judge = self.resolve("discriminators", entry.discriminator) if entry.discriminator else None
            condition = conditionings[reads[level]]
            broken_before = level > 0 and plans[-1] is None
            if component is None or condition is None or broken_before:
                plans.append(None)
                continue
            given = StageGiven(self.recipe.noise, condition.spec, previous)
            fits = self.stage_fits(level, component, given, entry.stage)
            previous = self.told(entry.stage, partial(component.yields, given)) if fits else None
            if previous is None:
                plans.append(None)
                continue
            plan = StagePlan(component, given, previous, reads[level], judge)
            if judge and entry.discriminator:
                self.discriminator_fits(
                    level, judge, plan.judged, entry.discriminator, draws_keypoints=bool(previous.keypoints)
                )
            plans.append(plan)
        return plans

    def stage_fits(self, level: int, component: Stage, given: StageGiven, node: Node) -> bool:
        condition, previous = given.condition, given.previous
        offered = {"noise"} if given.noise else set()
        offered |= {"generator_code"} if condition.generator_code else set()
        offered |= {name for name in ("words", "gaussian", "boxes", "keypoints") if getattr(condition, name)}
        offered |= {name for name in ("image", "hidden") if previous and getattr(previous, name)}
        missing = sorted(component.requires() - offered - condition.extra)
        for need in missing:
            self.lacks(f"stages[{level}] {node.use}", need, self.why_no(need, level), node)
        return not missing

    def why_no(self, need: str, level: int) -> str:
        """Why a stage does not get `need`."""
        recipe = self.recipe
        if need in ("image", "hidden"):
            return (
                f"{use(recipe.stages[level - 1].stage)} does not give it"
                if level
                else "no stage is before it"
            )
        if need == "noise":
            return "the recipe has none"
        if need in ("boxes", "keypoints"):
            return f"{use(recipe.data)} does not give it"
        if need == "words" and not self.words:
            return self.no_text(need)
        return f"{use(recipe.stages[level].conditioning or recipe.conditioning)} does not give it"

    def discriminator_fits(
        self,
        level: int,
        judge: Discriminator,
        given: DiscriminatorGiven,
        node: Node,
        *,
        draws_keypoints: bool,
    ) -> None:
        offered = {name for name in ("boxes", "keypoints") if getattr(given.condition, name)}
        self.told(node, lambda: judge.check(given))
        stage, drawn = use(self.recipe.stages[level].stage), "keypoints" if draws_keypoints else "pictures"
        if judge.judges != drawn:
            self.misfit(
                f"discriminator of stages[{level}] {node.use} judges {judge.judges}; {stage} draws {drawn}",
                node,
                judges_of(self.registry, drawn),
            )
        for need in sorted(judge.requires() - offered):
            why = f"{use(self.recipe.data)} does not give it"
            self.lacks(f"discriminator of stages[{level}] {node.use}", need, why, node)
