"""What assembling gives: a recipe with every component resolved and every wire sized."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganzoo.components import (
    Component,
    Conditioning,
    Dataset,
    Discriminator,
    ImageEncoder,
    Loss,
    Metric,
    Stage,
    TextEncoder,
)
from ganzoo.optimizers import Optimizer
from ganzoo.specs import ConditionSpec, DataSpec, DiscriminatorGiven, StageGiven, StageSpec, TextSpec

if TYPE_CHECKING:
    from ganzoo.model import Model
    from ganzoo.recipe import Recipe


@dataclass(frozen=True)
class ConditioningPlan:
    """One distinct conditioning: what it gives, and how wide a Gaussian draw it wants."""

    component: Conditioning
    spec: ConditionSpec
    epsilon: int


@dataclass(frozen=True)
class StagePlan:
    """One stage: what it is given and gives, which conditioning it reads, who judges it."""

    component: Stage
    given: StageGiven
    spec: StageSpec
    conditioning: int
    discriminator: Discriminator | None

    @property
    def judged(self) -> DiscriminatorGiven:
        """What this stage's discriminator is given."""
        return DiscriminatorGiven(self.spec.image, self.given.condition)


@dataclass(frozen=True)
class UpdatePlan:
    """One update of a step: its losses, its optimizer. `regenerate`: it draws new noise for its pictures."""

    name: str
    optimizer: Optimizer
    losses: tuple[tuple[str, Loss], ...]
    every: int
    regenerate: bool


@dataclass(frozen=True)
class PhasePlan:
    """One phase of training. Either `steps` or `epochs` is given."""

    name: str
    steps: int | None
    epochs: int | None
    stages: tuple[int, ...]
    ema: float | None
    ema_warmup: bool
    samples_per_caption: int
    accumulate: int
    batch: int | None
    frozen_train: bool
    updates: tuple[UpdatePlan, ...]
    measures: tuple[tuple[str, Metric], ...]
    ema_restart: int | None = None
    copies_apart: bool = False

    @property
    def reads_mismatched(self) -> bool:
        """Whether any loss asks for mismatched pairs."""
        return any("mismatched" in loss.requires() for update in self.updates for _, loss in update.losses)

    @property
    def all_due(self) -> int:
        """The first step, counted from 0, at which every update and every lazy loss is due."""
        losses = [loss.every for update in self.updates for _, loss in update.losses]
        return math.lcm(*losses, *(update.every for update in self.updates)) - 1


@dataclass(frozen=True)
class Plan:
    """A recipe whose every wire fits. `build()` makes the model."""

    recipe: Recipe
    data: Dataset
    data_spec: DataSpec
    text: TextEncoder
    text_spec: TextSpec
    image: ImageEncoder | None
    conditionings: tuple[ConditioningPlan, ...]
    noise: int
    stages: tuple[StagePlan, ...]
    phases: tuple[PhasePlan, ...]

    @property
    def resolutions(self) -> tuple[int, ...]:
        """Sides of every stage's picture in pixels, coarse to fine."""
        return tuple(stage.spec.image for stage in self.stages)

    @property
    def reads_words(self) -> bool:
        """Whether anything behind the text encoder reads word features."""
        parts: list[Component] = [c.component for c in self.conditionings]
        parts += [stage.component for stage in self.stages]
        parts += [loss for phase in self.phases for update in phase.updates for _, loss in update.losses]
        return any("words" in part.requires() for part in parts)

    def build(self) -> Model:
        """The model, a plain nn.Module with random weights."""
        from ganzoo.model import Model

        return Model(self)

    def __str__(self) -> str:
        """One line a component: its role, its name, what it gives."""
        from ganzoo.parts import minimised, optimizer_of, parts

        rows = [(part.role, part.use, ", ".join(part.gives)) for part in parts(self)]
        for phase in self.phases:
            for update in phase.updates:
                optimizer = optimizer_of(self, phase, update)
                rows.append((f"{phase.name}: {update.name}", optimizer, f"minimises {minimised(update)}"))
            for name, metric in phase.measures:
                rows.append((f"{phase.name}: measure", name, f"on {metric.samples} samples"))
        return "\n".join(f"{what:<22} {use:<32} {gives}" for what, use, gives in rows)
