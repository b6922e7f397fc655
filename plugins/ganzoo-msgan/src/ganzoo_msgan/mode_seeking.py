"""Mode seeking: Mao et al. 2019, arXiv:1903.05628, section 3.2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import PositiveFloat
from torch import Tensor

from ganzoo.components import Loss

if TYPE_CHECKING:
    from ganzoo.step import Step


@dataclass(frozen=True, kw_only=True)
class ModeSeeking(Loss):
    """Small where two samples of a caption differ much for how much their noises differ.

    With two samples I1, I2 of the same captions from noises z1, z2: 1 / (r + `epsilon`), where r is
    mean |I2 - I1| / mean |z2 - z1|, each a mean over the whole batch. With more samples a caption (an even
    number) the first and second, the third and fourth and so on are pairs. The noise is the stages' own; what
    conditioning augmentation draws changes the pictures too, and is not in the denominator.

    `levels`: the phase's `finest` stage, or `all` its stages, the sum over them. `epsilon`: where all samples
    are equal the loss is 1 / epsilon. `weight`, `every`: as for every loss.

    Source: Mao et al. 2019, equation 3; HelenMao/MSGAN StackGAN++-Mode-Seeking/trainer.py, `train_Gnet`.
    """

    updates: ClassVar = frozenset({"generator"})
    needs: ClassVar = frozenset({"fake", "noise", "samples_per_caption"})
    source: ClassVar[str] = "Mao et al. 2019, arXiv:1903.05628, section 3.2, equation 3"

    levels: Literal["finest", "all"] = "finest"
    epsilon: PositiveFloat = 1e-5

    def __call__(self, step: Step) -> Tensor:
        """The generator's scalar."""
        out, rows = step.generated, len(step.batch.tokens.ids)
        first, second = pairs(out.noise, rows)
        levels = step.phase.stages if self.levels == "all" else (max(step.phase.stages),)
        terms = [
            1 / (distance_ratio(*pairs(out.images[level], rows), first, second) + self.epsilon)
            for level in levels
        ]
        return torch.stack(terms).sum()


def pairs(
    samples: Float[Tensor, "n ..."], rows: int
) -> tuple[Float[Tensor, "m ..."], Float[Tensor, "m ..."]]:
    """Of n = copies x rows samples, an even number of copies, the first and the second of each pair."""
    copies = samples.unflatten(0, (-1, rows))
    return copies[0::2].flatten(0, 1), copies[1::2].flatten(0, 1)


def distance_ratio(
    images1: Float[Tensor, "m c h w"],
    images2: Float[Tensor, "m c h w"],
    noise1: Float[Tensor, "m z"],
    noise2: Float[Tensor, "m z"],
) -> Float[Tensor, ""]:
    """The mean of |images2 - images1| over that of |noise2 - noise1|, at least in float32."""
    images, noise = images2 - images1, noise2 - noise1
    if images.dtype in (torch.bfloat16, torch.float16):
        images, noise = images.float(), noise.float()
    return images.abs().mean() / noise.abs().mean()
