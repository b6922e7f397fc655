"""The phases of a recipe: each loss against its update and what the phase offers, each metric likewise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ganzoo.components import Discriminator, ImageEncoder, Loss, Metric, TextEncoder
from ganzoo.misfits import Misfits, names, use
from ganzoo.optimizers import OPTIMIZERS, Optimizer
from ganzoo.plan import ConditioningPlan, PhasePlan, StagePlan, UpdatePlan
from ganzoo.specs import DataSpec, ImageSpec, TextSpec

if TYPE_CHECKING:
    from ganzoo.recipe import Node, Phase


class PhaseAssembler(Misfits):
    """Plans phases, once the wires are known."""

    def phases(
        self,
        data: DataSpec | None,
        encoder: TextEncoder | None,
        text: TextSpec | None,
        image: ImageEncoder | None,
        conditionings: list[ConditioningPlan | None],
        stages: list[StagePlan | None],
    ) -> list[PhasePlan]:
        plans = []
        for name, phase in self.recipe.phases.items():
            levels = tuple(range(len(stages))) if phase.stages is None else tuple(phase.stages)
            live = {level: stage for level in levels if (stage := stages[level])}
            offer = None
            if data and text and None not in stages and None not in conditionings:
                offer = Offer(data, text, image.yields() if image else None, live, phase.samples_per_caption)
            updates = [self.update(name, role, update, offer) for role, update in phase.updates.items()]
            trained = [place for place, e in (("text", encoder), ("image", image)) if e and not e.pretrained]
            if "encoders" in phase.updates and encoder and not trained:
                self.nothing_to_train(name, phase)
            for update in updates:
                if update and offer:
                    self.clip_fits(name, update, trained, offer)
            plan = PhasePlan(
                name, phase.steps, phase.epochs, levels, phase.ema, phase.ema_warmup,
                phase.samples_per_caption, phase.accumulate, phase.batch, phase.frozen_train,
                tuple(u for u in updates if u), self.measures(name, phase, levels, offer), phase.ema_restart,
                phase.copies_apart,
            )  # fmt: skip
            plans.append(plan)
        return plans

    def measures(
        self, name: str, phase: Phase, levels: tuple[int, ...], offer: Offer | None
    ) -> tuple[tuple[str, Metric], ...]:
        """The phase's metrics by name. Pictures of the finest stage are measured, by those who train it."""
        draws = "generator" in phase.updates and len(self.recipe.stages) - 1 in levels
        offered = {"captions", "reals"} | ({"fakes"} if draws else set())
        offered |= {"image_encoder"} if offer is None or offer.same_space else set()
        plans: list[tuple[str, Metric]] = []
        for node in phase.measure:
            metric: Metric | None = self.resolve("metrics", node)
            if metric is None:
                continue
            if node.use in dict(plans):
                self.misfit(f"phase {name} measures {node.use} twice; once is enough", node)
            plans.append((node.use, metric))
            for need in sorted(metric.requires() - offered):
                why = {
                    "fakes": ": it does not train the finest stage",
                    "image_encoder": ": no image encoder gives vectors as wide as the text's sentences",
                }.get(need, "")
                self.misfit(
                    f"phase {name} cannot measure {node.use}, which needs `{need}`; it offers only "
                    f"{names(offered)}{why}",
                    node,
                )
        return tuple(plans)

    def update(self, phase: str, role: str, update: Any, offer: Offer | None) -> UpdatePlan | None:
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
            if offer is not None:
                self.loss_fits(f"{phase}.{role}: loss {node.use}", loss, offer, node)
        if optimizer is None:
            return None
        return UpdatePlan(role, optimizer, tuple(losses), update.every, update.regenerate)

    def loss_fits(self, who: str, loss: Loss, offer: Offer, node: Node) -> None:
        """Note what a loss needs and the phase does not offer, or offers in unequal widths."""
        recipe = self.recipe
        for need in sorted(loss.requires() - offer.names):
            self.lacks(who, need, self.why_not(need, offer), node)
        for seen, told in offer.unequal(loss.requires()):
            self.misfit(
                f"{who} needs `{seen}` as wide as `{told}`; {use(recipe.image)} and {use(recipe.text)} give "
                f"{offer.width(seen)} and {offer.width(told)}",
                node,
                "give both encoders the same size",
            )

    def optimizer(self, node: Node) -> Optimizer | None:
        if node.use not in OPTIMIZERS:
            known = " or ".join(name.removeprefix("core/") for name in OPTIMIZERS)
            self.misfit(f"no optimizer `{node.use.removeprefix('core/')}`; expected {known}", node)
            return None
        return self.with_options(OPTIMIZERS[node.use], node)

    def clip_fits(self, phase: str, update: UpdatePlan, encoders: list[str], offer: Offer) -> None:
        """Note bounds on gradients of modules that the update does not train."""
        generator = {f"stage {level}" for level in offer.stages}
        generator |= {f"conditioning {stage.conditioning}" for stage in offer.stages.values()}
        judges = {str(level) for level in offer.judges}
        trained = {"encoders": set(encoders), "discriminator": judges, "generator": generator}[update.name]
        bounds = update.optimizer.clip
        for name in sorted(set(bounds) - trained) if isinstance(bounds, dict) else ():
            node = next(u.optimizer for r, u in self.recipe.phases[phase].updates.items() if r == update.name)
            self.misfit(
                f"{phase}.{update.name}: `clip` bounds `{name}`; it trains only {names(trained)}", node
            )

    def why_not(self, need: str, offer: Offer) -> str:
        """Why a phase does not offer `need` to its losses."""
        recipe = self.recipe
        if need in ("sentence", "words"):
            return self.no_text(need)
        if need in ("image_vector", "image_regions"):
            return f"{use(recipe.image)} does not give it" if recipe.image else "no image encoder is named"
        if need == "gaussian":
            level = next(n for n, stage in offer.stages.items() if not stage.given.condition.gaussian)
            return f"{use(recipe.stages[level].conditioning or recipe.conditioning)} does not give it"
        if need == "unconditional" and offer.judges:
            level = next(n for n, judge in offer.judges.items() if need not in judge.heads)
            return f"{use(recipe.stages[level].discriminator)} has no such head"
        if need in ("real", "fake", "mismatched", "unconditional"):
            return "no stage of this phase has a discriminator"
        if need == "stages":
            return "this phase has one"
        if need == "samples_per_caption":
            return f"this phase has {offer.copies}"
        if need == "noise":
            return "the recipe has none"
        return f"{use(recipe.data)} does not give it"

    def nothing_to_train(self, name: str, phase: Phase) -> None:
        (node, *_) = next(update for role, update in phase.updates.items() if role == "encoders").losses
        able = [
            use for kind in ("text_encoders", "image_encoders")
            for use, cls in sorted(self.registry.components(kind).items())
            if not getattr(cls, "pretrained", True)
        ]  # fmt: skip
        self.misfit(
            f"{name}.encoders needs an encoder to train; {use(self.recipe.text)} comes with its weights",
            node,
            f"installed encoders that can be trained: {', '.join(able) or 'none'}",
        )


@dataclass(frozen=True)
class Offer:
    """What a phase over `stages` (by level) has for its losses."""

    data: DataSpec
    text: TextSpec
    image: ImageSpec | None
    stages: dict[int, StagePlan]
    copies: int

    @property
    def judges(self) -> dict[int, Discriminator]:
        """The discriminators by level."""
        return {level: stage.discriminator for level, stage in self.stages.items() if stage.discriminator}

    @property
    def names(self) -> frozenset[str]:
        """The needs that it meets."""
        judges = self.judges.values()
        facts = {
            "real": bool(judges),
            "fake": bool(judges),
            "mismatched": bool(judges),
            "unconditional": bool(judges) and all("unconditional" in judge.heads for judge in judges),
            "gaussian": all(stage.given.condition.gaussian for stage in self.stages.values()),
            "noise": all(stage.given.noise for stage in self.stages.values()),
            "samples_per_caption": self.copies % 2 == 0,
            "stages": len(self.stages) > 1,
            "class_id": self.data.class_id,
            "boxes": self.data.boxes,
            "keypoints": bool(self.data.keypoints),
        }
        facts |= {
            name: bool(self.width(name)) for name in ("sentence", "words", "image_vector", "image_regions")
        }
        return frozenset(name for name, fact in facts.items() if fact)

    @property
    def same_space(self) -> bool:
        """Whether pictures have a vector in the sentences' space."""
        return self.image is not None and self.image.vector == self.text.sentence > 0

    def width(self, need: str) -> int:
        """How wide a feature of text or pictures is; 0 = there is none."""
        spec = self.image if need.startswith("image_") else self.text
        return int(getattr(spec, need.removeprefix("image_"), 0))

    def unequal(self, needs: frozenset[str]) -> list[tuple[str, str]]:
        """Features of pictures and of text that a loss compares, although they differ in width."""
        pairs = (("image_vector", "sentence"), ("image_regions", "words"))
        return [
            (seen, said)
            for seen, said in pairs
            if {seen, said} <= needs & self.names and self.width(seen) != self.width(said)
        ]
