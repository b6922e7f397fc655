"""StackGAN++'s losses: Zhang et al. 2018, arXiv:1710.10916, sections 4 and 5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import NonNegativeFloat
from torch import Tensor

from ganzoo.components import Loss

if TYPE_CHECKING:
    from ganzoo.step import Step


@dataclass(frozen=True, kw_only=True)
class MatchingPP(Loss):
    """The discriminators' matching-aware objective, summed over the levels that have one.

    With s(x, c) a pair's logit and s(x) a picture's, u = `unconditional`: BCE(s(real, c), 1) + BCE(s(wrong,
    c), 0) + BCE(s(fake, c), 0) + u [BCE(s(real), 1) + BCE(s(wrong), 1) + BCE(s(fake), 0)]. The mismatched
    picture is as real as the other, so the unconditional head is told so. With u = 0 it is the authors' other
    objective, BCE(s(real, c), 1) + [BCE(s(wrong, c), 0) + BCE(s(fake, c), 0)] / 2, and needs no such head.

    `unconditional`: u, UNCOND_LOSS in the authors' code. `fakes`: weight of the fake pictures' terms; MSGAN's
    authors sum those of two samples a caption, which is 2. `weight`, `every`: as for every loss.

    Source: Zhang et al. 2018, section 5.2; hanzhanggit/StackGAN-v2 trainer.py, `train_Dnet`.
    """

    updates: ClassVar = frozenset({"discriminator"})
    needs: ClassVar = frozenset({"real", "fake", "mismatched"})
    source: ClassVar[str] = "Zhang et al. 2018, arXiv:1710.10916, section 5.2"

    unconditional: NonNegativeFloat = 1.0
    fakes: NonNegativeFloat = 1.0

    def requires(self) -> frozenset[str]:
        """Unconditional heads only where they count."""
        return self.needs | ({"unconditional"} if self.unconditional else set())

    def __call__(self, step: Step) -> Tensor:
        """The discriminators' scalar. Judges real, mismatched, fake, in that order."""
        return torch.stack([self._level(step, level) for level in step.levels]).sum()

    def _level(self, step: Step, level: int) -> Tensor:
        step.look(level, "real", "mismatched", "fake")
        real, wrong, fake = (step.logits(kind, level) for kind in ("real", "mismatched", "fake"))
        right = F.softplus(-real.conditional).mean()
        called_wrong = F.softplus(wrong.conditional).mean()
        called_wrong = called_wrong + self.fakes * F.softplus(fake.conditional).mean()
        if not self.unconditional:
            return right + called_wrong / 2
        assert real.unconditional is not None and wrong.unconditional is not None
        assert fake.unconditional is not None
        alone = F.softplus(-real.unconditional).mean() + F.softplus(-wrong.unconditional).mean()
        alone = alone + self.fakes * F.softplus(fake.unconditional).mean()
        return right + called_wrong + self.unconditional * alone


@dataclass(frozen=True, kw_only=True)
class ColourConsistency(Loss):
    """How far the colours of each stage's pictures are from those of the stage before it.

    Summed over neighbouring stages: MSE of the pictures' mean colours + `covariance` x MSE of their 3x3
    colour covariances, each a mean over pictures and entries. The coarser picture is held still. The authors
    weigh it with 50 in unconditional models and leave it out of text-to-image ones.

    `covariance`: weight of the second term. `weight`, `every`: as for every loss.

    Source: Zhang et al. 2018, section 5.3, equation 9; hanzhanggit/StackGAN-v2 trainer.py, `train_Gnet`.
    """

    updates: ClassVar = frozenset({"generator"})
    needs: ClassVar = frozenset({"stages", "fake"})
    source: ClassVar[str] = "Zhang et al. 2018, arXiv:1710.10916, section 5.3, equation 9"

    covariance: NonNegativeFloat = 5.0

    def __call__(self, step: Step) -> Tensor:
        """The generator's scalar, over the phase's stages that have one before them."""
        images = step.generated.images
        terms = [
            self._pair(images[level], images[level - 1].detach()) for level in step.phase.stages if level
        ]
        return torch.stack(terms).sum()

    def _pair(self, fine: Tensor, coarse: Tensor) -> Tensor:
        (mean, covariance), (other_mean, other_covariance) = map(colours, (fine, coarse))
        distance = F.mse_loss(mean, other_mean)
        return distance + self.covariance * F.mse_loss(covariance, other_covariance)


def colours(images: Float[Tensor, "b 3 r r"]) -> tuple[Float[Tensor, "b 3"], Float[Tensor, "b 3 3"]]:
    """The mean colour of each picture, and the covariance of its colours (over pixels, not pixels - 1)."""
    pixels = images.flatten(2)
    if pixels.dtype in (torch.bfloat16, torch.float16):
        pixels = pixels.float()
    mean = pixels.mean(2, keepdim=True)  # [b, 3, 1]
    centred = pixels - mean
    with torch.autocast(images.device.type, enabled=False):
        covariance = centred @ centred.mT / pixels.shape[2]
    return mean.squeeze(2), covariance
