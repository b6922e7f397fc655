"""Conditioning augmentation: Zhang et al. 2017, arXiv:1612.03242, section 3.2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from ganzoo.components import Conditioning
from ganzoo.flow import Condition, Layout, TextFeatures
from ganzoo.nn.init import normal_start, orthogonal_start
from ganzoo.nn.layers import GLU
from ganzoo.specs import ConditionSpec, TextSpec

Judged = Literal["sentence", "mean", "detached_mean"]


@dataclass(frozen=True, kw_only=True)
class ConditioningAugmentation(Conditioning):
    """Sentence [b, s] -> mean and logvar [b, size] -> the code mean + exp(logvar / 2) epsilon [b, size].

    Words, where the text encoder gives any, are passed on. `size`: width of the code. `activation`: behind
    the one Linear layer; `glu` (StackGAN++, AttnGAN), or `relu` (StackGAN), which keeps mean and logvar from
    going below 0. `discriminator_code`: what discriminators judge against; the raw `sentence` (AttnGAN), the
    `mean` (StackGAN++: its gradient reaches this module in the generator's update), or the `detached_mean`
    (StackGAN).

    Source: Zhang et al. 2017, arXiv:1612.03242, section 3.2; `glu`: Zhang et al. 2018, arXiv:1710.10916.
    """

    needs: ClassVar = frozenset({"sentence"})
    source: ClassVar[str] = "Zhang et al. 2017, arXiv:1612.03242, section 3.2"
    tiny: ClassVar = {"size": 6}

    size: PositiveInt = 128
    activation: Literal["relu", "glu"] = "glu"
    discriminator_code: Judged = "mean"

    def yields(self, text: TextSpec) -> ConditionSpec:
        """A Gaussian code `size` wide; the sentence or the mean for discriminators."""
        judged = text.sentence if self.discriminator_code == "sentence" else self.size
        return ConditionSpec(self.size, judged, gaussian=True, words=text.words)

    def epsilon(self, text: TextSpec) -> int:
        """As wide as the code."""
        return self.size

    def build(self, text: TextSpec) -> Augmentation:
        """The network from `text.sentence` to `size`."""
        return Augmentation(text.sentence, self.size, self.activation == "glu", self.discriminator_code)


class Augmentation(nn.Module):
    """One Linear layer with an activation, halved into mean and logvar."""

    def __init__(self, sentence: int, size: int, gated: bool, judged: Judged) -> None:
        super().__init__()
        self.judged = judged
        self.fc = nn.Linear(sentence, 4 * size if gated else 2 * size)
        self.activation = GLU() if gated else nn.ReLU()
        (orthogonal_start if gated else normal_start)(self)

    def forward(self, text: TextFeatures, layout: Layout | None, epsilon: Float[Tensor, "b c"]) -> Condition:
        """The code, its Gaussian, and the vector that discriminators judge; reads no `layout`."""
        mean, logvar = self.activation(self.fc(text.sentence)).chunk(2, 1)  # [b, c] each
        judged = {"sentence": text.sentence, "mean": mean, "detached_mean": mean.detach()}[self.judged]
        return Condition(
            generator_code=mean + (logvar / 2).exp() * epsilon,
            discriminator_code=judged,
            mean=mean,
            logvar=logvar,
            words=text.words,
            mask=text.mask,
        )
