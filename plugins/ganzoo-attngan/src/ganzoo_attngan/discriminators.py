"""AttnGAN's discriminators: Xu et al. 2018, arXiv:1711.10485, section 3.1, after StackGAN++'s."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from ganzoo.components import Discriminator
from ganzoo.errors import GanzooError
from ganzoo.flow import Logits
from ganzoo.nn.init import orthogonal_start
from ganzoo.nn.judging import ConditionalHead, UnconditionalHead, apart, tower, tower_width
from ganzoo.specs import DiscriminatorGiven


@dataclass(frozen=True, kw_only=True)
class TwoHeadedDiscriminator(Discriminator):
    """Pictures [b, 3, r, r] -> a map of 4x4 -> a logit of the pair with code [b, d], a logit of the picture.

    The authors' code is the sentence itself. r is a power of two of at least 8. At 64, 128 and 256 it is the
    authors'; each next doubling goes on in the same way.

    `channels`: of the first convolution, DF_DIM in the authors' code.

    Source: Xu et al. 2018, arXiv:1711.10485, section 3.1; taoxugit/AttnGAN model.py, D_NET64, D_NET128,
    D_NET256.
    """

    heads: ClassVar[frozenset[str]] = frozenset({"conditional", "unconditional"})
    source: ClassVar[str] = "Xu et al. 2018, arXiv:1711.10485, section 3.1"
    tiny: ClassVar = {"channels": 2}

    channels: PositiveInt = 64

    def check(self, given: DiscriminatorGiven) -> None:
        """Raises GanzooError unless pictures have a power of two of at least 8 pixels a side."""
        _check_side("attngan/discriminator", given.image)

    def build(self, given: DiscriminatorGiven) -> Judge:
        """The network for `given`. Raises GanzooError as `check` does."""
        self.check(given)
        return Judge(given.image, self.channels, given.condition.discriminator_code, alone=True)


@dataclass(frozen=True, kw_only=True)
class DcganDiscriminator(Discriminator):
    """`attngan/discriminator` without the head that judges pictures alone, for the DCGAN variant.

    `channels`: of the first convolution, DF_DIM in the authors' code.

    Source: Xu et al. 2018, section 4.1 (AttnDCGAN); taoxugit/AttnGAN model.py, D_NET256(b_jcu=False).
    """

    source: ClassVar[str] = "Xu et al. 2018, arXiv:1711.10485, section 4.1"
    tiny: ClassVar = {"channels": 2}

    channels: PositiveInt = 64

    def check(self, given: DiscriminatorGiven) -> None:
        """Raises GanzooError unless pictures have a power of two of at least 8 pixels a side."""
        _check_side("attngan/dcgan_discriminator", given.image)

    def build(self, given: DiscriminatorGiven) -> Judge:
        """The network for `given`. Raises GanzooError as `check` does."""
        self.check(given)
        return Judge(given.image, self.channels, given.condition.discriminator_code, alone=False)


def _check_side(name: str, side: int) -> None:
    if side < 8 or side & (side - 1):
        raise GanzooError(
            f"{name} cannot judge pictures of this side: expected a power of two of at least 8, not {side}"
        )


class Judge(nn.Module):
    """A `tower` to 4x4, a `conditional` head that joins the code behind it, maybe an `unconditional` one."""

    def __init__(self, resolution: int, channels: int, code: int, *, alone: bool) -> None:
        super().__init__()
        width = tower_width(resolution, channels)
        self.tower = tower(resolution, channels)
        self.conditional = ConditionalHead(width, code)
        self.unconditional = UnconditionalHead(width) if alone else None
        orthogonal_start(self)

    def features(self, images: Float[Tensor, "b 3 r r"]) -> Float[Tensor, "b f 4 4"]:
        """Pictures in [-1, 1] to the tower's map."""
        features: Tensor = self.tower(images)
        return features

    def features_apart(self, batches: Sequence[Tensor]) -> list[Tensor]:
        """`features` of each batch, as if called in turn."""
        return apart(self.tower, batches)

    def judge(self, features: Float[Tensor, "b f 4 4"], code: Float[Tensor, "b d"]) -> Logits:
        """The logits, before the authors' sigmoid."""
        alone = self.unconditional(features) if self.unconditional is not None else None
        return Logits(self.conditional(features, code), alone)
