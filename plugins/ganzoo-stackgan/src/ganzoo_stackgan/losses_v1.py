"""StackGAN's objectives: Zhang et al. 2017, arXiv:1612.03242, sections 3.2 to 3.4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ganzoo.components import Loss
from ganzoo.errors import GanzooError

if TYPE_CHECKING:
    from ganzoo.flow import Logits
    from ganzoo.step import Step


@dataclass(frozen=True, kw_only=True)
class KL(Loss):
    """The divergence of the code's Gaussian from N(0, I), summed over the conditionings that train.

    -1/2 mean(1 + logvar - mean^2 - exp(logvar)), the mean over rows and over the code's entries: the authors'
    form, the paper's divided by the width of the code. `weight`, `every`: as for every loss; the authors'
    weight is 2 (StackGAN, StackGAN++) or 1 (AttnGAN).

    Source: Zhang et al. 2017, section 3.2, equation 2; hanzhanggit/StackGAN-Pytorch utils.py, KL_loss.
    """

    updates: ClassVar = frozenset({"generator"})
    needs: ClassVar = frozenset({"gaussian"})
    source: ClassVar[str] = "Zhang et al. 2017, arXiv:1612.03242, section 3.2, equation 2"

    def __call__(self, step: Step) -> Tensor:
        """The divergence; a conditioning that several stages share counts once."""
        conditions = step.generated.conditions
        read = {step.model.plan.stages[level].conditioning: conditions[level] for level in step.phase.stages}
        return torch.stack([divergence(c.mean, c.logvar) for c in read.values()]).sum()


def divergence(mean: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mean, exp(logvar)) | N(0, 1)), the mean over all entries."""
    return -0.5 * (1 + logvar - mean.square() - logvar.exp()).mean()


@dataclass(frozen=True, kw_only=True)
class Matching(Loss):
    """The matching-aware discriminator's objective, summed over the levels that have one.

    With r, w, f the BCE of real, wrong and fake pairs (targets 1, 0, 0), each a mean over its pairs: r + (w +
    f) / 2 where discriminators judge only pairs, as in stage I. Where they judge pictures alone too, as in
    stage II, with ru, fu of real and fake pictures: (r + ru) / 2 + (w + f + fu) / 3.

    `wrong`: `given`, b pairs as the data has them (`data.mismatched`); `shifted`, the authors' b - 1 pairs of
    each real picture but the last with the next row's caption. `weight`, `every`: as for every loss.

    Source: Zhang et al. 2017, section 3.3, equation 3, and section 3.4, equation 5;
    hanzhanggit/StackGAN-Pytorch utils.py, compute_discriminator_loss.
    """

    updates: ClassVar = frozenset({"discriminator"})
    needs: ClassVar = frozenset({"real", "fake", "mismatched"})
    source: ClassVar[str] = "Zhang et al. 2017, arXiv:1612.03242, equations 3 and 5"

    wrong: Literal["given", "shifted"] = "given"

    def requires(self) -> frozenset[str]:
        """Shifted pairs are made of the real ones."""
        return self.needs if self.wrong == "given" else self.needs - {"mismatched"}

    def __call__(self, step: Step) -> Tensor:
        """The discriminator's scalar. Judges real, wrong, fake, in that order."""
        return torch.stack([self._level(step, level) for level in step.levels]).sum()

    def _level(self, step: Step, level: int) -> Tensor:
        step.look(level, "real", *(("mismatched",) if self.wrong == "given" else ()), "fake")
        real = step.logits("real", level)
        wrong = step.logits("mismatched", level) if self.wrong == "given" else _shifted(step, level)
        fake = step.logits("fake", level)
        r, w, f = _one(real.conditional), _zero(wrong.conditional), _zero(fake.conditional)
        if real.unconditional is None or fake.unconditional is None:
            return r + (w + f) / 2
        return (r + _one(real.unconditional)) / 2 + (w + f + _zero(fake.unconditional)) / 3


def _shifted(step: Step, level: int) -> Logits:
    """Each real picture but the last, judged against the next row's code."""
    code = step.code(level)
    if len(code) < 2:
        raise GanzooError(
            "stackgan/matching with `wrong: shifted` pairs each picture with the next row's caption and "
            "needs batches of at least 2; raise `data.batch`, or set `wrong: given`"
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
