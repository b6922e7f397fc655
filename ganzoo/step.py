"""One training step's batch and what losses read of it: computed when first asked for, then dropped."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from ganzoo.flow import Batch, GeneratorOutput, ImageFeatures, Layout, Logits, TextFeatures
from ganzoo.model import Model
from ganzoo.processes import next_rows
from ganzoo.randomness import Draws

if TYPE_CHECKING:
    from ganzoo.plan import PhasePlan

Kind = Literal["real", "fake", "mismatched"]


class Step:
    """What one batch has become so far.

    It holds no weights; losses read it, the loop moves it from update to update.
    `update`: the name of the update in progress. `levels`: stages of this phase that have a discriminator.
    `generator_passes`, `discriminator_passes`: how often a network ran, so that lazy computing hides no cost.
    """

    def __init__(self, model: Model, batch: Batch, phase: PhasePlan, draws: Draws) -> None:
        self.model, self.batch, self.phase, self.draws = model, batch, phase, draws
        self.levels = tuple(level for level in phase.stages if str(level) in model.discriminators)
        self.update = ""
        self.generator_passes = self.discriminator_passes = 0
        self._keep_graph = False
        self._generated: GeneratorOutput | None = None
        self._drawn: tuple[Tensor, tuple[Tensor, ...]] | None = None
        self._features: dict[tuple[Kind, int], Any] = {}
        self._logits: dict[tuple[Kind, int], Logits] = {}

    def begin(self, update: str, *, keep_graph: bool, regenerate: bool) -> None:
        """Move on to `update`: forget what the last one computed with other weights.

        `keep_graph`: this step's pictures must be differentiable from here on; where they were made without a
        graph they are made again from the same draws. `regenerate`: new noise, new pictures.
        """
        if regenerate:
            self._generated = self._drawn = None
        elif keep_graph and not self._keep_graph:
            self._generated = None
        self.update, self._keep_graph = update, keep_graph
        self._features.clear()
        self._logits.clear()

    @cached_property
    def text(self) -> TextFeatures:
        """The batch's text features: those kept from a frozen encoder, or the encoder's word now."""
        return self.model.encode(self.batch.tokens) if self.batch.text is None else self.batch.text

    @cached_property
    def image_features(self) -> ImageFeatures:
        """The image encoder's features of the real pictures at the finest resolution."""
        return self.image_features_of(self.batch.images[-1])

    def image_features_of(self, pictures: Tensor) -> ImageFeatures:
        """The image encoder's features of any pictures [n, 3, r, r]; differentiable."""
        assert self.model.image_encoder is not None, (
            "a loss read image features without declaring image_vector"
        )
        features: ImageFeatures = self.model.image_encoder(pictures)
        return features

    @property
    def generated(self) -> GeneratorOutput:
        """This step's pictures, made once and read by all updates; samples_per_caption x b rows."""
        if self._generated is None:
            copies = self.phase.samples_per_caption
            layout = self.batch.layout.repeat(copies) if self.batch.layout else None
            if self._drawn is None:
                self._drawn = self._draw(len(self.text.sentence), copies)
            self._generated = self._synthesize(self.text.repeat(copies), layout, *self._drawn)
        return self._generated

    def generate(self, text: TextFeatures) -> GeneratorOutput:
        """Another run of the generator, on other text with fresh draws (midpoints of captions in GAN-INT)."""
        return self._synthesize(text, None, *self._draw(len(text.sentence), 1))

    def _draw(self, rows: int, copies: int) -> tuple[Tensor, tuple[Tensor, ...]]:
        noise = torch.cat([self.draws.normal(rows, self.model.plan.noise) for _ in range(copies)])
        return noise, self.model.draw_epsilons(self.draws, rows, copies)

    def _synthesize(
        self, text: TextFeatures, layout: Layout | None, noise: Tensor, epsilons: tuple[Tensor, ...]
    ) -> GeneratorOutput:
        depth = max(self.phase.stages) + 1
        frozen = [level for level in range(depth) if level not in self.phase.stages]
        self.generator_passes += 1
        with torch.set_grad_enabled(self._keep_graph):
            return self.model.synthesize(text, noise, epsilons, layout, depth=depth, frozen=frozen)

    def code(self, level: int) -> Tensor:
        """What the discriminator at `level` judges real pictures against, [b, d].

        It has a graph in the generator's update only.
        """
        code = self.generated.conditions[level].discriminator_code[: len(self.text.sentence)]
        return code if self.update == "generator" else code.detach()

    def logits(self, kind: Kind, level: int) -> Logits:
        """The discriminator's word on real, fake or mismatched pairs at `level`, kept for this update only.

        Mismatched pairs are pictures of another class with this row's code where the batch has such pictures,
        else real pictures with the next row's code, over all processes. Fake logits have samples_per_caption
        x b rows.
        """
        if (kind, level) not in self._logits:
            self._logits[kind, level] = self._judge(level, *self._pair(kind, level))
        return self._logits[kind, level]

    def _pair(self, kind: Kind, level: int) -> tuple[Any, Tensor]:
        if kind == "fake":
            out, live = self.generated, self.update == "generator"
            code = out.conditions[level].discriminator_code
            picture = out.stages[level].image
            features = self.features("fake", level, lambda: picture if live else picture.detach())
            return features, code if live else code.detach()
        real = self.batch.images[level]
        if kind == "mismatched" and self.batch.mismatched:
            wrong = self.batch.mismatched[level]
            return self.features("mismatched", level, lambda: wrong), self.code(level)
        code = self.code(level)
        return self.features("real", level, lambda: real), code if kind == "real" else next_rows(code)

    def features(self, kind: Kind, level: int, pictures: Callable[[], Tensor]) -> Any:
        """The discriminator's features of `pictures`, computed once an update."""
        if (kind, level) not in self._features:
            self.discriminator_passes += 1
            self._features[kind, level] = self.discriminator(level).features(pictures())
        return self._features[kind, level]

    def _judge(self, level: int, features: Any, code: Tensor) -> Logits:
        logits: Logits = self.discriminator(level).judge(features, code)
        return logits

    def judge(self, level: int, images: Tensor, code: Tensor) -> Logits:
        """The discriminator's word on any pictures [n, 3, r, r] and codes [n, d]; differentiable twice."""
        self.discriminator_passes += 1
        return self._judge(level, self.discriminator(level).features(images), code)

    def discriminator(self, level: int) -> Any:
        """The discriminator at `level`."""
        return self.model.discriminators[str(level)]
