"""A step that lets a loss read what it declared, and nothing else."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from torch import Tensor

from ganzoo.flow import Batch, Condition, GeneratorOutput, ImageFeatures, Layout, Logits, TextFeatures
from ganzoo.step import Step
from ganzoo.testing.conformance.starving import feed, starve
from ganzoo.testing.conformance.subject import Subject


class StarvedStep:
    """A step that lets a loss read what it declared; the rest it may only hand on.

    An undeclared unconditional logit is absent, as from a discriminator that has no such head.
    """

    def __init__(self, step: Step, subject: Subject) -> None:
        self._step, self._subject = step, subject

    def __getattr__(self, name: str) -> Any:
        return getattr(self._step, name)

    def _give(self, need: str, tensor: Any) -> Any:
        if tensor is None or need in self._subject.declared:
            return tensor
        return starve(tensor, self._complaint(need))

    def _complaint(self, need: str) -> str:
        return f"component {self._subject.label} read `{need}` without declaring it"

    @property
    def text(self) -> TextFeatures:
        """Sentence and words where declared."""
        return self._text(self._step.text)

    @property
    def batch(self) -> Batch:
        """Pictures, classes and layout where declared."""
        batch = self._step.batch
        return replace(
            batch,
            images=tuple(self._give("real", x) for x in batch.images),
            mismatched=tuple(self._give("mismatched", x) for x in batch.mismatched),
            class_id=self._give("class_id", batch.class_id),
            layout=self._place(batch.layout),
            mismatched_layout=self._place(batch.mismatched_layout),
        )

    def _place(self, layout: Layout | None) -> Layout | None:
        if layout is None:
            return None
        boxes, keypoints = self._give("boxes", layout.boxes), self._give("keypoints", layout.keypoints)
        return Layout(boxes, keypoints)

    def layout(self, rows: int) -> Layout | None:
        """Boxes and keypoints where declared."""
        return self._place(self._step.layout(rows))

    def real(self, level: int) -> Tensor:
        """Real pictures where declared."""
        return cast(Tensor, self._give("real", self._step.real(level)))

    def fake(self, level: int) -> Tensor:
        """Drawn pictures where declared."""
        return cast(Tensor, self._give("fake", self._step.fake(level)))

    @property
    def image_features(self) -> ImageFeatures:
        """Vector and regions where declared."""
        read = self._step.image_features
        return ImageFeatures(
            self._give("image_vector", read.vector), self._give("image_regions", read.regions)
        )

    @property
    def generated(self) -> GeneratorOutput:
        """Pictures, Gaussians and words where declared."""
        return self._made(self._step.generated)

    def generate(self, text: TextFeatures) -> GeneratorOutput:
        """The generator again, on text that may have been handed on."""
        return self._made(self._step.generate(text.map(feed)))

    def look(self, level: int, *kinds: Any) -> None:
        """The discriminator's features of declared kinds of pairs."""
        for kind in kinds:
            self._allow(kind)
        self._step.look(level, *kinds)

    def logits(self, kind: Any, level: int) -> Logits:
        """The discriminator's word on a declared kind of pairs."""
        self._allow(kind)
        return self._heads(self._step.logits(kind, level))

    def _allow(self, kind: str) -> None:
        if kind not in self._subject.declared:
            raise AssertionError(self._complaint(kind))

    def judge(self, level: int, images: Tensor, code: Tensor, layout: Layout | None = None) -> Logits:
        """The discriminator's word on any pairs."""
        return self._heads(self._step.judge(level, images, code, layout and layout.map(feed)))

    def judge_features(self, level: int, features: Any, code: Tensor, layout: Layout | None = None) -> Logits:
        """The discriminator's word on its own features."""
        return self._heads(self._step.judge_features(level, features, code, layout and layout.map(feed)))

    def _heads(self, logits: Logits) -> Logits:
        return logits if "unconditional" in self._subject.declared else Logits(logits.conditional)

    def _text(self, text: TextFeatures) -> TextFeatures:
        words, mask = self._give("words", text.words), self._give("words", text.mask)
        return TextFeatures(self._give("sentence", text.sentence), words, mask)

    def _made(self, out: GeneratorOutput) -> GeneratorOutput:
        pictures = tuple(replace(stage, image=self._give("fake", stage.image)) for stage in out.stages)
        conditions = tuple(self._condition(condition) for condition in out.conditions)
        noise = self._give("noise", out.noise)
        return replace(out, text=self._text(out.text), noise=noise, stages=pictures, conditions=conditions)

    def _condition(self, condition: Condition) -> Condition:
        return replace(
            condition,
            mean=self._give("gaussian", condition.mean),
            logvar=self._give("gaussian", condition.logvar),
            words=self._give("words", condition.words),
            mask=self._give("words", condition.mask),
            layout=self._place(condition.layout),
        )
