"""Inputs at odd, unequal sizes, so that no axis can be taken for another.

What a component did not declare is withheld in one of two ways: it is absent, as in a recipe that does not
give it, or it is starved, so that reading it is caught.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import torch
from torch import Tensor

from ganzoo.flow import Condition, Flow, Layout, StageOutput, TextFeatures
from ganzoo.specs import ConditionSpec, StageGiven, StageSpec, TextSpec
from ganzoo.testing.conformance.starving import starve
from ganzoo.testing.conformance.subject import Subject

ROWS, WORDS, SENTENCE, WORD, CODE, JUDGED, NOISE, KEYPOINTS = 3, 6, 22, 14, 10, 13, 7, 5
SIDE, HIDDEN = 16, 9
Withheld = Literal["nothing", "absent", "starved"]


@dataclass(frozen=True, eq=False)
class Inputs(Flow):
    """The arguments of one forward call; `named` finds those that stand for a need."""

    arguments: tuple[Any, ...]
    named: Mapping[str, Tensor] = field(default_factory=dict)


class Larder:
    """Makes inputs for `subject`, withholding what it did not declare. The same seed, the same inputs."""

    def __init__(self, subject: Subject, withheld: Withheld, seed: int = 0) -> None:
        self.subject, self.withheld = subject, withheld
        self.generator = torch.Generator().manual_seed(seed)
        self.named: dict[str, Tensor] = {}

    def has(self, need: str) -> bool:
        """Whether the recipe, so to say, gives it."""
        return self.withheld != "absent" or need in self.subject.declared

    def normal(self, *shape: int) -> Tensor:
        """Standard normal numbers."""
        return torch.randn(*shape, generator=self.generator)

    def give(self, need: str, tensor: Tensor) -> Tensor:
        """`tensor`, or what looks like it if `need` is undeclared and the component is to starve."""
        if self.withheld == "starved" and need not in self.subject.declared:
            return starve(tensor, f"component {self.subject.label} read `{need}` without declaring it")
        if need in self.subject.declared and tensor.is_floating_point():
            self.named.setdefault(need, tensor)
        return tensor

    def maybe(self, need: str, make: Callable[[], Tensor]) -> Tensor | None:
        """As `give`; None where the recipe does not give it."""
        return self.give(need, make()) if self.has(need) else None

    def mask(self) -> Tensor | None:
        """Captions of 6, 4 and 1 words."""
        there = torch.arange(WORDS) < torch.tensor([WORDS, 4, 1]).unsqueeze(1)
        return self.give("words", there) if self.has("words") else None

    def layout(self) -> Layout | None:
        """A box and 5 keypoints a picture."""
        boxes = self.maybe("boxes", self.boxes)
        keypoints = self.maybe("keypoints", self.keypoints)
        return None if boxes is None and keypoints is None else Layout(boxes, keypoints)

    def boxes(self) -> Tensor:
        """A box a picture, of at least a quarter of its side."""
        side = 0.25 + torch.rand(ROWS, 2, generator=self.generator) / 2
        return torch.cat([torch.rand(ROWS, 2, generator=self.generator) * (1 - side), side], 1)

    def keypoints(self) -> Tensor:
        """5 keypoints a picture, each seen to some degree."""
        return torch.rand(ROWS, KEYPOINTS, 3, generator=self.generator)

    def text_spec(self) -> TextSpec:
        """What a text encoder gives."""
        return TextSpec(sentence=SENTENCE, words=WORD if self.has("words") else 0)

    def text(self) -> TextFeatures:
        """Features as a text encoder would give them."""
        words = self.maybe("words", lambda: self.normal(ROWS, WORDS, WORD))
        return TextFeatures(self.give("sentence", self.normal(ROWS, SENTENCE)), words, self.mask())

    def condition_spec(self) -> ConditionSpec:
        """What a conditioning gives."""
        return ConditionSpec(
            generator_code=CODE,
            discriminator_code=JUDGED,
            gaussian=self.has("gaussian"),
            words=WORD if self.has("words") else 0,
            boxes=self.has("boxes"),
            keypoints=KEYPOINTS if self.has("keypoints") else 0,
            extra=frozenset(self.subject.extras),
        )

    def condition(self) -> Condition:
        """A condition as a conditioning would give it."""
        return Condition(
            generator_code=self.give("generator_code", self.normal(ROWS, CODE)),
            discriminator_code=self.give("discriminator_code", self.normal(ROWS, JUDGED)),
            mean=self.maybe("gaussian", lambda: self.normal(ROWS, CODE)),
            logvar=self.maybe("gaussian", lambda: self.normal(ROWS, CODE)),
            words=self.maybe("words", lambda: self.normal(ROWS, WORDS, WORD)),
            mask=self.mask(),
            layout=self.layout(),
            extra={
                name: self.give(name, self.normal(ROWS, *shape))
                for name, shape in self.subject.extras.items()
            },
        )

    @property
    def follows(self) -> bool:
        """Whether the stage reads the one before it."""
        return bool(self.subject.declared & {"image", "hidden"})

    def stage_given(self) -> StageGiven:
        """What a stage is told."""
        hidden = HIDDEN if self.has("hidden") else 0
        previous = StageSpec(image=SIDE, hidden=hidden) if self.follows else None
        return StageGiven(NOISE if self.has("noise") else 0, self.condition_spec(), previous)

    def previous(self) -> StageOutput | None:
        """The output of the stage before it; None for a first stage."""
        if not self.follows:
            return None
        image = self.give("image", self.normal(ROWS, 3, SIDE, SIDE).tanh())
        return StageOutput(image, self.maybe("hidden", lambda: self.normal(ROWS, HIDDEN, SIDE, SIDE)))

    def noise(self) -> Tensor:
        """The noise draw; 0 wide where the recipe has none."""
        return self.give("noise", self.normal(ROWS, NOISE if self.has("noise") else 0))

    def inputs(self, *arguments: Any) -> Inputs:
        """These arguments, with what they hold of declared needs."""
        return Inputs(arguments, dict(self.named))
