"""GAN-CLS and GAN-INT: Reed et al. 2016, arXiv:1605.05396, sections 4.2 and 4.3."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field, NonNegativeFloat
from torch import Tensor

from ganzoo.components import Loss
from ganzoo.flow import TextFeatures

if TYPE_CHECKING:
    from ganzoo.step import Step


@dataclass(frozen=True, kw_only=True)
class Matching(Loss):
    """GAN-CLS, the matching-aware discriminator, summed over the levels that have one.

    BCE(real, 1) + c BCE(mismatched, 0) + (1 - c) BCE(fake, 0), c = `mismatched`, each a mean over its pairs,
    from logits. With c = 0 no mismatched pair is judged: the plain conditional GAN.

    `mismatched`: share of the mismatched pairs in what is called wrong, in [0, 1). `weight`, `every`: as for
    every loss.

    Source: Reed et al. 2016, section 4.2, algorithm 1; reedscot/icml2016 main_cls_int.lua, `fDx`.
    """

    updates: ClassVar = frozenset({"discriminator"})
    needs: ClassVar = frozenset({"real", "fake", "mismatched"})
    source: ClassVar[str] = "Reed et al. 2016, arXiv:1605.05396, section 4.2, algorithm 1"

    mismatched: Annotated[float, Field(ge=0, lt=1)] = 0.5

    def requires(self) -> frozenset[str]:
        """Mismatched pairs only where they count."""
        return self.needs if self.mismatched else self.needs - {"mismatched"}

    def __call__(self, step: Step) -> Tensor:
        """The discriminator's scalar. Judges real, mismatched, fake, in that order."""
        return torch.stack([self._level(step, level) for level in step.levels]).sum()

    def _level(self, step: Step, level: int) -> Tensor:
        loss = F.softplus(-step.logits("real", level).conditional).mean()
        if self.mismatched:
            loss = loss + self.mismatched * F.softplus(step.logits("mismatched", level).conditional).mean()
        return loss + (1 - self.mismatched) * F.softplus(step.logits("fake", level).conditional).mean()


@dataclass(frozen=True, kw_only=True)
class Interpolation(Loss):
    """GAN-INT, the generator's whole objective: the batch's b sentences, and b // 2 blends of two of them.

    One run of the generator with fresh noise draws a picture for each of the b + b // 2 sentences t. Blend j
    is beta t[j] + (1 - beta) t[b // 2 + j]. The loss, summed over the levels that have a discriminator, is
    the mean over all the pictures of w BCE(D(G(z, t), t), 1), from logits, with w = 1 for the batch's own
    sentences and `interpolation` for the blends: the divisor counts pictures, not weights. A blend keeps the
    words of its first sentence.

    `interpolation`: weight of the blends. `beta`: share of the first sentence, in [0, 1]. `weight`, `every`:
    as for every loss.

    Source: Reed et al. 2016, section 4.3, equation 5; reedscot/icml2016 main_cls_int.lua, `fGx`.
    """

    updates: ClassVar = frozenset({"generator"})
    needs: ClassVar = frozenset({"sentence", "fake"})
    source: ClassVar[str] = "Reed et al. 2016, arXiv:1605.05396, section 4.3, equation 5"

    interpolation: NonNegativeFloat = 1.0
    beta: Annotated[float, Field(ge=0, le=1)] = 0.5

    def __call__(self, step: Step) -> Tensor:
        """The generator's scalar."""
        text = with_blends(step.text, self.beta)
        weight = text.sentence.new_ones(len(text.sentence))
        weight[len(step.text.sentence) :] = self.interpolation
        out = step.generate(text)
        losses = []
        for level in step.levels:
            logits = step.judge(level, step.drawn(out, level), out.conditions[level].discriminator_code)
            losses.append((weight * F.softplus(-logits.conditional)).mean())
        return torch.stack(losses).sum()


def with_blends(text: TextFeatures, beta: float) -> TextFeatures:
    """The b rows of `text`, then b // 2 blends of rows j and b // 2 + j with the words of row j."""
    rows, half = len(text.sentence), len(text.sentence) // 2
    blends = beta * text.sentence[:half] + (1 - beta) * text.sentence[half : 2 * half]
    again = torch.arange(rows + half, device=text.sentence.device) % rows  # 0 .. b-1, then 0 .. b//2-1
    return replace(text.rows(again), sentence=torch.cat([text.sentence, blends]))
