"""The smallest components of every kind, around a loss under examination. They have all a loss may need."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from ganzoo.assemble import assemble
from ganzoo.components import Component, Conditioning, Discriminator, ImageEncoder, Stage, TextEncoder
from ganzoo.core.text import NGrams
from ganzoo.data.shapes import Shapes
from ganzoo.flow import Condition, ImageFeatures, Layout, Logits, StageOutput, TextFeatures, Tokens
from ganzoo.plan import Plan
from ganzoo.plugins import Registry
from ganzoo.recipe import Recipe
from ganzoo.specs import (
    ConditionSpec,
    DiscriminatorGiven,
    ImageSpec,
    StageGiven,
    StageSpec,
    TextSpec,
)
from ganzoo.testing.conformance.subject import Subject

SENTENCE, WORD, CODE = 22, 14, 10


@dataclass(frozen=True, kw_only=True)
class Text(TextEncoder):
    """Embeds `core/ngrams`' words; `words`: whether it gives them."""

    words: bool = True

    def yields(self) -> TextSpec:
        """A sentence 22 wide, words 14 wide."""
        return TextSpec(SENTENCE, WORD if self.words else 0)

    def build(self) -> nn.Module:
        """Two linear layers behind `core/ngrams`."""
        return _Text(self.words)


class _Text(nn.Module):
    def __init__(self, words: bool) -> None:
        super().__init__()
        self.ngrams: Any = NGrams(size=16, buckets=64).build()
        self.sentence, self.words = nn.Linear(16, SENTENCE), nn.Linear(16, WORD) if words else None

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
    """One convolution, its mean."""

    def yields(self) -> ImageSpec:
        """A vector as wide as the sentence, regions as wide as the words."""
        return ImageSpec(SENTENCE, WORD)

    def build(self) -> nn.Module:
        """A convolution and a linear layer."""
        return _Image()


class _Image(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.regions, self.vector = nn.Conv2d(3, WORD, 4, 4), nn.Linear(WORD, SENTENCE)

    def forward(self, images: Tensor) -> ImageFeatures:
        regions = self.regions(images).flatten(2).transpose(1, 2)  # [B, N, W]
        return ImageFeatures(self.vector(regions.mean(1)), regions)


@dataclass(frozen=True, kw_only=True)
class Code(Conditioning):
    """A linear layer; `gaussian`: its outputs are mean and logvar of the code."""

    needs: ClassVar[frozenset[str]] = frozenset({"sentence"})

    gaussian: bool = True

    def yields(self, text: TextSpec) -> ConditionSpec:
        """A code 10 wide; discriminators judge the sentence."""
        return ConditionSpec(CODE, text.sentence, self.gaussian, text.words)

    def epsilon(self, text: TextSpec) -> int:
        """As wide as the code."""
        return CODE if self.gaussian else 0

    def build(self, text: TextSpec) -> nn.Module:
        """The linear layer."""
        return _Code(text.sentence, self.gaussian)


class _Code(nn.Module):
    def __init__(self, sentence: int, gaussian: bool) -> None:
        super().__init__()
        self.gaussian, self.layer = gaussian, nn.Linear(sentence, 2 * CODE if gaussian else CODE)

    def forward(self, text: TextFeatures, layout: Layout | None, epsilon: Tensor) -> Condition:
        code, mean, logvar = self.layer(text.sentence), None, None
        if self.gaussian:
            mean, logvar = code.chunk(2, 1)
            code = mean + (logvar / 2).exp() * epsilon
        return Condition(code, text.sentence, mean, logvar, text.words, text.mask)


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
class Judge(Discriminator):
    """A convolution, joined with the code; a conditional logit alone."""

    def build(self, given: DiscriminatorGiven) -> nn.Module:
        """A convolution and two linear layers."""
        return _Judge(given.condition.discriminator_code, "unconditional" in self.heads)


@dataclass(frozen=True, kw_only=True)
class TwoHeaded(Judge):
    """The same with an unconditional logit."""

    heads: ClassVar[frozenset[str]] = frozenset({"conditional", "unconditional"})


class _Judge(nn.Module):
    def __init__(self, code: int, alone: bool) -> None:
        super().__init__()
        self.look = nn.Sequential(nn.Conv2d(3, 6, 4, 4), nn.Softplus())
        self.match, self.alone = nn.Linear(6 + code, 1), nn.Linear(6, 1) if alone else None

    def features(self, images: Tensor) -> Tensor:
        features: Tensor = self.look(images).mean((2, 3))
        return features

    def judge(self, features: Tensor, code: Tensor) -> Logits:
        alone = None if self.alone is None else self.alone(features)[:, 0]
        return Logits(self.match(torch.cat([features, code], 1))[:, 0], alone)


class _Offered(Registry):
    """Nothing but these components."""

    def __init__(self, offered: Mapping[str, type[Component]]) -> None:
        super().__init__([])
        self.offered = offered

    def get(self, kind: str, name: str) -> type[Component]:
        return self.offered[name]


def plan_around(subject: Subject, update: str, *, poor: bool) -> Plan:
    """A recipe whose one update has the loss alone. `poor`: it gives nothing that the loss does not require.

    Raises GanzooError where the recipe cannot be assembled.
    """

    def has(need: str) -> bool:
        return need in subject.declared or not poor

    stage = {"discriminator": {"use": "kit/two_headed" if has("unconditional") else "kit/judge"}}
    loss = {"use": "kit/loss", **subject.cls.tiny}
    tree: dict[str, Any] = {
        "data": {"use": "kit/shapes"},
        "text": {"use": "kit/text", "words": has("words")},
        "conditioning": {"use": "kit/code", "gaussian": has("gaussian")},
        "noise": 7,
        "stages": [
            {"stage": {"use": "kit/picture", "side": side}, **stage}
            for side in ((8, 16) if has("stages") else (16,))
        ],
        "training": {
            "kit": {
                "steps": 1,
                "samples_per_caption": 2 if has("samples_per_caption") else 1,
                "updates": {update: {"optimizer": {"use": "adam", "lr": 1e-3}, "losses": [loss]}},
            }
        },
    }
    if has("image_vector") or has("image_regions"):
        tree["image"] = {"use": "kit/image"}
    offered: dict[str, type[Component]] = {
        "kit/shapes": Shapes, "kit/text": Text, "kit/image": Image, "kit/code": Code, "kit/picture": Picture,
        "kit/judge": Judge, "kit/two_headed": TwoHeaded, "kit/loss": subject.cls,
    }  # fmt: skip
    recipe = Recipe.from_yaml(json.dumps({"recipes": {"kit": {"title": subject.name, **tree}}}), where="kit")
    return assemble(recipe, _Offered(offered))
