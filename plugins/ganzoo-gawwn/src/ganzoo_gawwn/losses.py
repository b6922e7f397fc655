"""The discriminators' objective: Reed et al. 2016, arXiv:1610.02454, section 5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from ganzoo.components import Loss

if TYPE_CHECKING:
    from ganzoo.step import Step


@dataclass(frozen=True, kw_only=True)
class Matching(Loss):
    """BCE(real, 1) + c BCE(wrong, 0) + (1 - c) BCE(fake, 0), c = `mismatched`, from logits, over all levels.

    `wrong`: `given`, the step's mismatched pairs, as for other losses; `shuffled`, the authors', the real
    pictures in their places with the captions in random order, in which some may stay where they are.
    `mismatched`: share of the wrong pairs in what is called wrong, in (0, 1). `weight`, `every`: as for every
    loss.

    Source: Reed et al. 2016, section 5; reedscot/nips2016 main_cub_bbox.lua, `fDx`.
    """

    updates: ClassVar = frozenset({"discriminator"})
    needs: ClassVar = frozenset({"real", "fake", "mismatched"})
    source: ClassVar[str] = "Reed et al. 2016, arXiv:1610.02454, section 5"

    mismatched: Annotated[float, Field(gt=0, lt=1)] = 0.5
    wrong: Literal["given", "shuffled"] = "given"

    def requires(self) -> frozenset[str]:
        """Mismatched pairs where they are not made here."""
        return self.needs if self.wrong == "given" else self.needs - {"mismatched"}

    def __call__(self, step: Step) -> Tensor:
        """The discriminator's scalar. Judges real, wrong, fake, in that order."""
        return torch.stack([self._level(step, level) for level in step.levels]).sum()

    def _level(self, step: Step, level: int) -> Tensor:
        real = F.softplus(-step.logits("real", level).conditional).mean()
        wrong = self._wrong(step, level)
        fake = F.softplus(step.logits("fake", level).conditional).mean()
        return real + self.mismatched * F.softplus(wrong).mean() + (1 - self.mismatched) * fake

    def _wrong(self, step: Step, level: int) -> Tensor:
        if self.wrong == "given":
            return step.logits("mismatched", level).conditional
        code = step.code(level)
        order = step.draws.uniform(len(code)).argsort()
        features = step.features("real", level, lambda: step.real(level))
        return step.judge_features(level, features, code[order]).conditional
