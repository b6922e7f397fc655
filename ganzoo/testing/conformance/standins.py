"""The smallest components of every kind: what stands around the one under examination.

Together they have all that a component may need.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, NoReturn

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.components import (
    Component,
    Conditioning,
    Dataset,
    Discriminator,
    ImageEncoder,
    Loss,
    Stage,
    TextEncoder,
)
from ganzoo.core.text import NGrams
from ganzoo.flow import Condition, ImageFeatures, Layout, Logits, StageOutput, TextFeatures, Tokens
from ganzoo.specs import (
    ConditionSpec,
    DataSpec,
    DiscriminatorGiven,
    ImageSpec,
    StageGiven,
    StageSpec,
    TextSpec,
)
from ganzoo.step import Step

SENTENCE, WORD, CODE = 22, 14, 10


@dataclass(frozen=True, kw_only=True)
class Data(Dataset):
    """All that a data set can give; `embedding`: width of its sentence embeddings."""

    embedding: int = 0

    def yields(self) -> DataSpec:
        """Captions, class ids, boxes, two keypoints, embeddings of that width."""
        return DataSpec(1, self.embedding, class_id=True, boxes=True, keypoints=2)

    def examples(self, split: str, folder: Path | None, resolution: int) -> NoReturn:
        """Nobody asks."""
        raise AssertionError("the kit makes its batches itself")


@dataclass(frozen=True, kw_only=True)
class Text(TextEncoder):
    """Embeds `core/ngrams`' words; `words`: whether it gives them. `sentence`, `word`: widths."""

    words: bool = True
    sentence: int = SENTENCE
    word: int = WORD

    def yields(self) -> TextSpec:
        """A sentence and, if it gives them, words."""
        return TextSpec(self.sentence, self.word if self.words else 0)

    def build(self) -> nn.Module:
        """Two linear layers behind `core/ngrams`."""
        return _Text(self.sentence, self.word if self.words else 0)


class _Text(nn.Module):
    def __init__(self, sentence: int, word: int) -> None:
        super().__init__()
        self.ngrams: Any = NGrams(size=16, buckets=64).build()
        self.sentence, self.words = nn.Linear(16, sentence), nn.Linear(16, word) if word else None

    def tokenize(self, captions: list[str]) -> Tokens:
        tokens: Tokens = self.ngrams.tokenize(captions)
        return tokens

    def forward(self, tokens: Tokens) -> TextFeatures:
        read = self.ngrams(tokens)
        if self.words is None:
            return TextFeatures(self.sentence(read.sentence))
        return TextFeatures(self.sentence(read.sentence), self.words(read.words), read.mask)


@dataclass(frozen=True, kw_only=True)
class Image(ImageEncoder):
    """One convolution, its mean. `vector`, `regions`: widths."""

    vector: int = SENTENCE
    regions: int = WORD

    def yields(self) -> ImageSpec:
        """A vector as wide as the sentence, regions as wide as the words."""
        return ImageSpec(self.vector, self.regions)

    def build(self) -> nn.Module:
        """A convolution and a linear layer."""
        return _Image(self.vector, self.regions)


class _Image(nn.Module):
    def __init__(self, vector: int, regions: int) -> None:
        super().__init__()
        self.regions, self.vector = nn.Conv2d(3, regions, 4, 4), nn.Linear(regions, vector)

    def forward(self, images: Tensor) -> ImageFeatures:
        regions = self.regions(images).flatten(2).transpose(1, 2)  # [B, N, W]
        return ImageFeatures(self.vector(regions.mean(1)), regions)


@dataclass(frozen=True, kw_only=True)
class Code(Conditioning):
    """A linear layer; `gaussian`: its outputs are mean and logvar of the code.

    `extra`: shapes, without the batch axis, of more tensors it gives.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"sentence"})

    gaussian: bool = True
    extra: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def yields(self, text: TextSpec) -> ConditionSpec:
        """A code 10 wide; discriminators judge the sentence."""
        return ConditionSpec(CODE, text.sentence, self.gaussian, text.words, extra=frozenset(self.extra))

    def epsilon(self, text: TextSpec) -> int:
        """As wide as the code."""
        return CODE if self.gaussian else 0

    def build(self, text: TextSpec) -> nn.Module:
        """The linear layer."""
        return _Code(text.sentence, self.gaussian, self.extra)


class _Code(nn.Module):
    def __init__(self, sentence: int, gaussian: bool, extra: Mapping[str, tuple[int, ...]]) -> None:
        super().__init__()
        self.gaussian, self.extra = gaussian, extra
        self.layer = nn.Linear(sentence, 2 * CODE if gaussian else CODE)

    def forward(self, text: TextFeatures, layout: Layout | None, epsilon: Tensor) -> Condition:
        code, mean, logvar = self.layer(text.sentence), None, None
        if self.gaussian:
            mean, logvar = code.chunk(2, 1)
            code = mean + (logvar / 2).exp() * epsilon
        extra = {name: code.mean(1).view(-1, *[1] * len(s)).repeat(1, *s) for name, s in self.extra.items()}
        return Condition(code, text.sentence, mean, logvar, text.words, text.mask, extra=extra)


@dataclass(frozen=True, kw_only=True)
class Picture(Stage):
    """A linear layer to a picture of `side`, and 4 hidden channels."""

    needs: ClassVar[frozenset[str]] = frozenset({"noise", "generator_code"})

    side: int = 8

    def yields(self, given: StageGiven) -> StageSpec:
        """A picture of `side`, 4 hidden channels."""
        return StageSpec(self.side, 4)

    def build(self, given: StageGiven) -> nn.Module:
        """The linear layer."""
        return _Picture(given.noise + given.condition.generator_code, self.side)


class _Picture(nn.Module):
    def __init__(self, inputs: int, side: int) -> None:
        super().__init__()
        self.side, self.layer = side, nn.Linear(inputs, 7 * side * side)

    def forward(self, previous: StageOutput | None, condition: Condition, noise: Tensor) -> StageOutput:
        maps = self.layer(torch.cat([noise, condition.generator_code], 1)).view(-1, 7, self.side, self.side)
        return StageOutput(maps[:, :3].tanh(), maps[:, 3:])


@dataclass(frozen=True, kw_only=True)
class Points(Stage):
    """A linear layer to keypoints, and an empty picture of `side`."""

    needs: ClassVar[frozenset[str]] = frozenset({"noise", "generator_code"})

    side: int = 8

    def yields(self, given: StageGiven) -> StageSpec:
        """As many keypoints as the data has, or one."""
        return StageSpec(self.side, keypoints=max(1, given.condition.keypoints))

    def build(self, given: StageGiven) -> nn.Module:
        """The linear layer."""
        points = self.yields(given).keypoints
        return _Points(given.noise + given.condition.generator_code, points, self.side)


class _Points(nn.Module):
    def __init__(self, inputs: int, points: int, side: int) -> None:
        super().__init__()
        self.side, self.layer = side, nn.Linear(inputs, 3 * points)

    def forward(self, previous: StageOutput | None, condition: Condition, noise: Tensor) -> StageOutput:
        points = self.layer(torch.cat([noise, condition.generator_code], 1)).sigmoid().unflatten(1, (-1, 3))
        image = points.new_zeros(len(noise), 3, self.side, self.side)
        return StageOutput(image, layout=Layout(keypoints=points))


@dataclass(frozen=True, kw_only=True)
class Judge(Discriminator):
    """A convolution, times the code; a conditional logit alone."""

    def build(self, given: DiscriminatorGiven) -> nn.Module:
        """A convolution, a product with the code, a linear layer."""
        return _Judge(given.condition.discriminator_code, "unconditional" in self.heads)


@dataclass(frozen=True, kw_only=True)
class TwoHeaded(Judge):
    """The same with an unconditional logit."""

    heads: ClassVar[frozenset[str]] = frozenset({"conditional", "unconditional"})


@dataclass(frozen=True, kw_only=True)
class PointsJudge(Discriminator):
    """A linear layer over keypoints, times the code; and alone."""

    judges: ClassVar[Literal["pictures", "keypoints"]] = "keypoints"
    heads: ClassVar[frozenset[str]] = frozenset({"conditional", "unconditional"})
    needs: ClassVar[frozenset[str]] = frozenset({"keypoints"})

    def build(self, given: DiscriminatorGiven) -> nn.Module:
        """A linear layer, a product with the code, another linear layer."""
        return _PointsJudge(given.condition.keypoints, given.condition.discriminator_code)


class _PointsJudge(nn.Module):
    def __init__(self, points: int, code: int) -> None:
        super().__init__()
        self.look = nn.Sequential(nn.Flatten(), nn.Linear(3 * points, 6), nn.Softplus())
        self.match, self.alone = nn.Bilinear(6, code, 1), nn.Linear(6, 1)

    def features(self, points: Tensor) -> Tensor:
        features: Tensor = self.look(points)
        return features

    def judge(self, features: Tensor, code: Tensor) -> Logits:
        return Logits(self.match(features, code)[:, 0], self.alone(features)[:, 0])


class _Judge(nn.Module):
    def __init__(self, code: int, alone: bool) -> None:
        super().__init__()
        self.look = nn.Sequential(nn.Conv2d(3, 6, 4, 4), nn.Softplus())
        self.match = nn.Bilinear(6, code, 1)  # so that every mean over pairs depends on who is with whom
        self.alone = nn.Linear(6, 1) if alone else None

    def features(self, images: Tensor) -> Tensor:
        features: Tensor = self.look(images).mean((2, 3))
        return features

    def judge(self, features: Tensor, code: Tensor) -> Logits:
        alone = None if self.alone is None else self.alone(features)[:, 0]
        return Logits(self.match(features, code)[:, 0], alone)


@dataclass(frozen=True, kw_only=True)
class Push(Loss):
    """Every real pair up, every fake pair down; in the generator's update the image encoder looks on too."""

    updates: ClassVar[frozenset[Any]] = frozenset({"discriminator", "generator"})
    needs: ClassVar[frozenset[str]] = frozenset({"real", "fake"})

    def __call__(self, step: Step) -> Tensor:
        """The sum over levels."""
        total = sum((self._level(step, level) for level in step.levels), torch.zeros(()))
        if step.update == "generator" and step.model.image_encoder is not None:
            total = total + step.model.image_encoder(step.generated.images[-1]).vector.square().mean()
        return total

    def _level(self, step: Step, level: int) -> Tensor:
        fake = step.logits("fake", level).conditional
        if step.update == "generator":
            return F.softplus(-fake).mean()
        return F.softplus(-step.logits("real", level).conditional).mean() + F.softplus(fake).mean()


STANDINS: Mapping[str, type[Component]] = {
    "kit/data": Data, "kit/text": Text, "kit/image": Image, "kit/code": Code, "kit/picture": Picture,
    "kit/judge": Judge, "kit/two_headed": TwoHeaded, "kit/push": Push, "kit/points": Points,
    "kit/points_judge": PointsJudge,
}  # fmt: skip
