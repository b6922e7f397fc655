"""Recipe + Registry -> Plan: every name resolved, every option checked, every wire sized, without a weight.

Nothing stops at the first misfit but the wire behind it: `MismatchError` lists them all.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from ganzoo.components import (
    Conditioning,
    Dataset,
    Discriminator,
    ImageEncoder,
    Loss,
    Metric,
    Stage,
    TextEncoder,
)
from ganzoo.misfits import Misfits, MismatchError, names, use
from ganzoo.optimizers import OPTIMIZERS, Optimizer
from ganzoo.plan import ConditioningPlan, PhasePlan, Plan, StagePlan, UpdatePlan
from ganzoo.specs import DataSpec, DiscriminatorGiven, ImageSpec, StageGiven, StageSpec, TextSpec

if TYPE_CHECKING:
    from ganzoo.plugins import Registry
    from ganzoo.recipe import Node, Phase, Recipe


def assemble(recipe: Recipe, registry: Registry) -> Plan:
    """Connect what `recipe` names. Raises MismatchError with every misfit."""
    return _Assembler(recipe, registry).plan()


class _Assembler(Misfits):
    """Walks the wires left to right, collecting misfits; None stands for what a misfit leaves unknown."""

    def plan(self) -> Plan:
        recipe = self.recipe
        data = self.resolve("datasets", recipe.data)
        data_spec = data.yields() if data else None
        text = self.resolve("text_encoders", recipe.text)
        text_spec = self.text_spec(text, data, data_spec)
        image = self.resolve("image_encoders", recipe.image) if recipe.image else None
        conditionings, reads = self.conditionings(text_spec, data_spec)
        stages = self.stages(conditionings, reads)
        phases = self.phases(data_spec, text_spec, image, conditionings, stages)
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
            )
        if data and data.embedding and "embedding" in text.requires() and spec.sentence != data.embedding:
            self.misfit(
                f"text {node.use} reads embeddings of width {spec.sentence}; the data "
                f"{use(self.recipe.data)} gives width {data.embedding}; set `size: {data.embedding}`",
                node,
            )
        if dataset and dataset.average > 1:  # the mean of several captions has a sentence but no words
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
            self.misfit(
                f"conditioning {node.use} needs `{need}`; {use(self.recipe.text)} on "
                f"{use(self.recipe.data)} gives only {names(offered)}",
                node,
                self.who_gives(need),
            )
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
                self.discriminator_fits(level, judge, plan.judged, entry.discriminator)
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
            giver = use(self.recipe.stages[level - 1].stage) if need in ("image", "hidden") and level else ""
            if need == "words":
                giver = use(self.recipe.text)
            said = f"; {giver} does not give it" if giver else f"; it is given only {names(offered)}"
            self.misfit(f"stages[{level}] {node.use} needs `{need}`{said}", node, self.who_gives(need))
        return not missing

    def discriminator_fits(
        self, level: int, judge: Discriminator, given: DiscriminatorGiven, node: Node
    ) -> None:
        offered = {name for name in ("boxes", "keypoints") if getattr(given.condition, name)}
        self.told(node, lambda: judge.check(given))
        for need in sorted(judge.requires() - offered):
            self.misfit(
                f"discriminator of stages[{level}] {node.use} needs `{need}`; the data gives none", node
            )

    # -- phases -----------------------------------------------------------------------------

    def phases(
        self,
        data: DataSpec | None,
        text: TextSpec | None,
        image: ImageEncoder | None,
        conditionings: list[ConditioningPlan | None],
        stages: list[StagePlan | None],
    ) -> list[PhasePlan]:
        plans = []
        for name, phase in self.recipe.phases.items():
            levels = tuple(range(len(stages))) if phase.stages is None else tuple(phase.stages)
            live = [stages[level] for level in levels]
            offered = _offered_to_losses(
                data, text, image.yields() if image else None, live, phase.samples_per_caption
            )
            complete = (
                None not in stages and None not in conditionings and data is not None and text is not None
            )
            updates = [
                self.update(name, role, update, offered if complete else None)
                for role, update in phase.updates.items()
            ]
            plan = PhasePlan(
                name, phase.steps, phase.epochs, levels, phase.ema, phase.ema_warmup,
                phase.samples_per_caption, phase.accumulate, phase.batch, phase.frozen_train,
                tuple(u for u in updates if u), self.measures(name, phase, levels),
            )  # fmt: skip
            plans.append(plan)
        return plans

    def measures(self, name: str, phase: Phase, levels: tuple[int, ...]) -> tuple[tuple[str, Metric], ...]:
        """The phase's metrics by name. Pictures of the finest stage are measured, by those who train it."""
        draws = "generator" in phase.updates and len(self.recipe.stages) - 1 in levels
        offered = {"captions", "reals"} | ({"fakes"} if draws else set())
        plans: list[tuple[str, Metric]] = []
        for node in phase.measure:
            metric: Metric | None = self.resolve("metrics", node)
            if metric is None:
                continue
            if node.use in dict(plans):
                self.misfit(f"phase {name} measures {node.use} twice; once is enough", node)
            plans.append((node.use, metric))
            for need in sorted(metric.requires() - offered):
                why = ": it does not train the finest stage" if need == "fakes" else ""
                self.misfit(
                    f"phase {name} cannot measure {node.use}, which needs `{need}`; it offers only "
                    f"{names(offered)}{why}",
                    node,
                )
        return tuple(plans)

    def update(self, phase: str, role: str, update: Any, offered: set[str] | None) -> UpdatePlan | None:
        optimizer = self.optimizer(update.optimizer)
        losses: list[tuple[str, Loss]] = []
        for node in update.losses:
            loss: Loss | None = self.resolve("losses", node)
            if loss is None:
                continue
            losses.append((node.use, loss))
            if role not in loss.updates:
                fits = " or ".join(sorted(loss.updates))
                self.misfit(
                    f"{node.use} is a loss for the {fits} update, not for `{role}` of phase {phase}", node
                )
            for need in sorted(loss.requires() - offered) if offered is not None else ():
                self.misfit(
                    f"{phase}.{role}: loss {node.use} needs `{need}`; "
                    f"this phase offers only {names(offered or ())}",
                    node,
                    self.who_gives(need),
                )
        if optimizer is None:
            return None
        return UpdatePlan(role, optimizer, tuple(losses), update.every, update.regenerate)

    def optimizer(self, node: Node) -> Optimizer | None:
        if node.use not in OPTIMIZERS:
            known = " or ".join(name.removeprefix("core/") for name in OPTIMIZERS)
            self.misfit(f"no optimizer `{node.use.removeprefix('core/')}`; expected {known}", node)
            return None
        return self.with_options(OPTIMIZERS[node.use], node)


def _offered_to_losses(
    data: DataSpec | None,
    text: TextSpec | None,
    image: ImageSpec | None,
    stages: list[StagePlan | None],
    copies: int,
) -> set[str]:
    """What a phase over `stages` offers its losses."""
    planned = [stage for stage in stages if stage]
    judges = [stage.discriminator for stage in planned if stage.discriminator]
    facts = {
        "real": bool(judges),
        "fake": bool(judges),
        "mismatched": bool(judges),
        "unconditional": bool(judges) and all("unconditional" in judge.heads for judge in judges),
        "gaussian": bool(planned) and all(stage.given.condition.gaussian for stage in planned),
        "words": bool(text and text.words),
        "sentence": bool(text and text.sentence),
        "samples_per_caption": copies > 1,
        "stages": len(planned) > 1,
        "image_vector": bool(image and image.vector),
        "image_regions": bool(image and image.regions),
        "class_id": bool(data and data.class_id),
        "boxes": bool(data and data.boxes),
        "keypoints": bool(data and data.keypoints),
    }
    return {name for name, fact in facts.items() if fact}
