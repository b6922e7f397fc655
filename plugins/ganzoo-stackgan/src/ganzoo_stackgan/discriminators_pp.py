"""StackGAN++'s discriminators: Zhang et al. 2018, arXiv:1710.10916, sections 5.1 and 5.2."""

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
from ganzoo_stackgan.sides import power_of_two


@dataclass(frozen=True, kw_only=True)
class DiscriminatorPP(Discriminator):
    """Pictures [b, 3, r, r] -> a map of 4x4 -> a logit of the pair with code [b, d], a logit of the picture.

    r is a power of two of at least 8. At 64, 128 and 256 it is the authors'; each next doubling goes on in
    the same way.

    `channels`: of the first convolution, DF_DIM in the authors' code.

    Source: Zhang et al. 2018, arXiv:1710.10916, sections 5.1 and 5.2; hanzhanggit/StackGAN-v2 model.py,
    D_NET64, D_NET128, D_NET256.
    """

    heads: ClassVar[frozenset[str]] = frozenset({"conditional", "unconditional"})
    source: ClassVar[str] = "Zhang et al. 2018, arXiv:1710.10916, sections 5.1 and 5.2"
    tiny: ClassVar = {"channels": 2}

    channels: PositiveInt = 64

    def check(self, given: DiscriminatorGiven) -> None:
        """Raises GanzooError unless pictures have a power of two of at least 8 pixels a side."""
        try:
            power_of_two(given.image)
        except ValueError as error:
            raise GanzooError(
                f"stackgan/discriminator_pp cannot judge pictures of this side: {error}"
            ) from error

    def build(self, given: DiscriminatorGiven) -> TwoHeaded:
        """The network for `given`. Raises GanzooError as `check` does."""
        self.check(given)
        return TwoHeaded(given.image, self.channels, given.condition.discriminator_code)


class TwoHeaded(nn.Module):
    """A `tower` to 4x4, a `conditional` head that joins the code in front, an `unconditional` head."""

    def __init__(self, resolution: int, channels: int, code: int) -> None:
        super().__init__()
        width = tower_width(resolution, channels)
        self.tower = tower(resolution, channels)
        self.conditional = ConditionalHead(width, code, code_first=True)
        self.unconditional = UnconditionalHead(width)
        orthogonal_start(self)

    def features(self, images: Float[Tensor, "b 3 r r"]) -> Float[Tensor, "b f 4 4"]:
        """Pictures in [-1, 1] to the tower's map."""
        features: Tensor = self.tower(images)
        return features

    def features_apart(self, batches: Sequence[Tensor]) -> list[Tensor]:
        """`features` of each batch, as if called in turn."""
        return apart(self.tower, batches)

    def judge(self, features: Float[Tensor, "b f 4 4"], code: Float[Tensor, "b d"]) -> Logits:
        """The logits of each (picture, code) pair and of each picture, before the authors' sigmoid."""
        return Logits(self.conditional(features, code), self.unconditional(features))
