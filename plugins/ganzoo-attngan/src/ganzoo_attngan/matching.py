"""AttnGAN's discriminator objective: Xu et al. 2018, arXiv:1711.10485, section 3.1, equation 6."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzoo.components import Loss
from ganzoo.errors import GanzooError

if TYPE_CHECKING:
    from ganzoo.flow import Logits
    from ganzoo.step import Step


@dataclass(frozen=True, kw_only=True)
class Matching(Loss):
    """The discriminators' objective with shifted wrong pairs, summed over the levels that have one.

    With r, f the BCE of real and fake pairs (targets 1, 0), w that of the b - 1 pairs of each real picture
    but the last with the next row's caption (target 0), ru and fu those of real and fake pictures alone, each
    a mean over its pairs: (ru + r) / 2 + (fu + f + w) / 3; r + (f + w) / 2 where discriminators judge only
    pairs. The authors sort a batch by the captions' lengths, so their next row has a similar length; here it
    is any row. `weight`, `every`: as for every loss.

    Source: Xu et al. 2018, section 3.1, equation 6; taoxugit/AttnGAN miscc/losses.py, discriminator_loss.
    """

    updates: ClassVar = frozenset({"discriminator"})
    needs: ClassVar = frozenset({"real", "fake"})
    source: ClassVar[str] = "Xu et al. 2018, arXiv:1711.10485, section 3.1, equation 6"

    def __call__(self, step: Step) -> Tensor:
        """The discriminators' scalar. Judges real, fake, wrong, in that order."""
        return torch.stack([_level(step, level) for level in step.levels]).sum()


def _level(step: Step, level: int) -> Tensor:
    step.look(level, "real", "fake")
    real, fake = step.logits("real", level), step.logits("fake", level)
    wrong = _shifted(step, level)
    r, f, w = _one(real.conditional), _zero(fake.conditional), _zero(wrong.conditional)
    if real.unconditional is None or fake.unconditional is None:
        return r + (f + w) / 2
    return (_one(real.unconditional) + r) / 2 + (_zero(fake.unconditional) + f + w) / 3


def _shifted(step: Step, level: int) -> Logits:
    """Each real picture but the last, judged against the next row's code."""
    code = step.code(level)
    if len(code) < 2:
        raise GanzooError(
            "attngan/matching pairs each picture with the next row's caption and needs batches of at least "
            "2; raise `data.batch`"
        )
    features = step.features("real", level, lambda: step.real(level))
    but_last = features[:-1] if isinstance(features, Tensor) else tuple(part[:-1] for part in features)
    return step.judge_features(level, but_last, code[1:])


def _one(logit: Tensor) -> Tensor:
    """BCE with target 1, from logits."""
    return F.softplus(-logit).mean()


def _zero(logit: Tensor) -> Tensor:
    """BCE with target 0, from logits."""
    return F.softplus(logit).mean()
