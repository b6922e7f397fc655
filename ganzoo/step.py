"""One training step's batch and what losses read of it: computed when first asked for, then dropped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
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
            if self._drawn is None:
                self._drawn = self._draw(len(self.text.sentence), copies)
            self._generated = self._synthesize(self.text.repeat(copies), *self._drawn)
        return self._generated

    def generate(self, text: TextFeatures) -> GeneratorOutput:
        """Another run of the generator, on other text with fresh draws (midpoints of captions in GAN-INT)."""
        return self._synthesize(text, *self._draw(len(text.sentence), 1))

    def layout(self, rows: int) -> Layout | None:
        """The batch's layout over and over, until there are `rows`."""
        return self._repeated(self.batch.layout, rows)

    def _repeated(self, layout: Layout | None, rows: int) -> Layout | None:
        own = len(self.text.sentence)
        if layout is None or rows == own:
            return layout
        return layout.rows(torch.arange(rows, device=self.model.device) % own)

    def _draw(self, rows: int, copies: int) -> tuple[Tensor, tuple[Tensor, ...]]:
        noise = torch.cat([self.draws.normal(rows, self.model.plan.noise) for _ in range(copies)])
        return noise, self.model.draw_epsilons(self.draws, rows, copies)

    def _synthesize(self, text: TextFeatures, noise: Tensor, epsilons: tuple[Tensor, ...]) -> GeneratorOutput:
        layout = self._repeated(self.batch.shown or self.batch.layout, len(noise))
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

    def look(self, level: int, *kinds: Kind) -> None:
        """Make the features of these kinds at `level` together, if the discriminator has `features_apart`.

        That saves time and changes nothing: each kind keeps its own batch statistics, and running ones move
        in the order of `kinds`. Without it, `logits` makes the features of each kind when it is asked.
        """
        network, unseen = self.discriminator(level), [kind for kind in kinds if self._unseen(kind, level)]
        if len(unseen) > 1 and hasattr(network, "features_apart"):
            found = network.features_apart([self._shown(kind, level) for kind in unseen])
            self.discriminator_passes += len(unseen)
            self._features.update(zip(((kind, level) for kind in unseen), found, strict=True))

    def _unseen(self, kind: Kind, level: int) -> bool:
        """Whether `logits` would make the features of `kind`, whole and its own."""
        lent = kind == "mismatched" and not self.batch.mismatched
        copies = kind == "fake" and self.phase.copies_apart
        return not (lent or copies or (kind, level) in self._features)

    def logits(self, kind: Kind, level: int) -> Logits:
        """The discriminator's word on real, fake or mismatched pairs at `level`, kept for this update only.

        Mismatched pairs are pictures of another class with this row's code where the batch has such pictures,
        else real pictures with the next row's code, over all processes. Fake logits have samples_per_caption
        x b rows.
        """
        if (kind, level) not in self._logits:
            apart = kind == "fake" and self.phase.copies_apart
            judged = self._apart(level) if apart else self.judge_features(level, *self._pair(kind, level))
            self._logits[kind, level] = judged
        return self._logits[kind, level]

    def _apart(self, level: int) -> Logits:
        """Each copy of the batch judged in a pass of its own, on its own batch statistics."""
        made, rows = self.generated.conditions[level], len(self.text.sentence)
        pictures, code = self.fake(level), made.discriminator_code
        code = code if self.update == "generator" else code.detach()
        parts = [slice(start, start + rows) for start in range(0, len(pictures), rows)]
        judged = [
            self.judge(level, pictures[part], code[part], made.layout.rows(part) if made.layout else None)
            for part in parts
        ]
        alone = [logits.unconditional for logits in judged if logits.unconditional is not None]
        return Logits(torch.cat([j.conditional for j in judged]), torch.cat(alone) if alone else None)

    def _pair(self, kind: Kind, level: int) -> tuple[Any, Tensor, Layout | None]:
        layout = self.batch.layout
        if kind == "fake":
            made, live = self.generated.conditions[level], self.update == "generator"
            code = made.discriminator_code
            return self._seen("fake", level), code if live else code.detach(), made.layout
        if kind == "mismatched" and self.batch.mismatched:
            return self._seen("mismatched", level), self.code(level), self.batch.mismatched_layout
        code, features = self.code(level), self._seen("real", level)
        return features, code if kind == "real" else next_rows(code), layout

    def _seen(self, kind: Kind, level: int) -> Any:
        return self.features(kind, level, lambda: self._shown(kind, level))

    def _shown(self, kind: Kind, level: int) -> Tensor:
        """What the discriminator at `level` judges in pairs of `kind`; the batch has mismatched pictures."""
        if kind == "mismatched":
            return self._real(level, self.batch.mismatched, self.batch.mismatched_layout)
        return self.real(level) if kind == "real" else self.fake(level)

    def real(self, level: int) -> Tensor:
        """The real examples as the discriminator at `level` judges them.

        Pictures [b, 3, r, r]; keypoints [b, k, 3] where its stage draws those.
        """
        return self._real(level, self.batch.images, self.batch.layout)

    def _real(self, level: int, pictures: Sequence[Tensor], layout: Layout | None) -> Tensor:
        if not self.model.plan.stages[level].spec.keypoints:
            return pictures[level]
        assert layout is not None and layout.keypoints is not None, "the assembler saw keypoints in the data"
        return layout.keypoints * (layout.keypoints[..., 2:] > 0)

    def fake(self, level: int) -> Tensor:
        """What the stage at `level` drew, as `real`; with a graph in the generator's update only."""
        made = self.drawn(self.generated, level)
        return made if self.update == "generator" else made.detach()

    def drawn(self, out: GeneratorOutput, level: int) -> Tensor:
        """What the stage at `level` drew in `out`, as its discriminator judges it: pictures or keypoints."""
        stage = out.stages[level]
        if not self.model.plan.stages[level].spec.keypoints:
            return stage.image
        assert stage.layout is not None and stage.layout.keypoints is not None, "its specs say so"
        return stage.layout.keypoints

    def features(self, kind: Kind, level: int, pictures: Callable[[], Tensor]) -> Any:
        """The discriminator's features of `pictures`, computed once an update."""
        if (kind, level) not in self._features:
            self.discriminator_passes += 1
            self._features[kind, level] = self.discriminator(level).features(pictures())
        return self._features[kind, level]

    def judge_features(self, level: int, features: Any, code: Tensor, layout: Layout | None = None) -> Logits:
        """The discriminator's word on `features` that it made, and codes [n, d].

        `layout`: of the pictures, for a discriminator that reads it; None = the batch's, as in `layout(n)`.
        """
        judge, plan = self.discriminator(level), self.model.plan.stages[level].discriminator
        place = (layout or self.layout(len(code)),) if plan and plan.reads_layout else ()
        logits: Logits = judge.judge(features, code, *place)
        return logits

    def judge(self, level: int, images: Tensor, code: Tensor, layout: Layout | None = None) -> Logits:
        """As `judge_features`, on any pictures [n, 3, r, r] (or keypoints); differentiable twice."""
        self.discriminator_passes += 1
        return self.judge_features(level, self.discriminator(level).features(images), code, layout)

    def discriminator(self, level: int) -> Any:
        """The discriminator at `level`."""
        return self.model.discriminators[str(level)]
