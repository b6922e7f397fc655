"""StackGAN's discriminators: Zhang et al. 2017, arXiv:1612.03242, sections 3.3 and 3.4."""

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
from ganzoo.nn.init import normal_start
from ganzoo.nn.judging import ConditionalHead, UnconditionalHead, apart, tower, tower_width
from ganzoo.specs import DiscriminatorGiven
from ganzoo_stackgan.sides import power_of_two


@dataclass(frozen=True, kw_only=True)
class Stage1Discriminator(Discriminator):
    """Pictures [b, 3, r, r] -> a map of 4x4, joined there with the code [b, d] -> one logit a pair.

    r is a power of two of at least 8; the authors' is 64. `channels`: DF_DIM in the authors' code; the map of
    4x4 has 8 x channels.

    Source: Zhang et al. 2017, section 3.3; hanzhanggit/StackGAN-Pytorch model.py, STAGE1_D.
    """

    source: ClassVar[str] = "Zhang et al. 2017, arXiv:1612.03242, section 3.3"
    tiny: ClassVar = {"channels": 2}

    channels: PositiveInt = 96

    def check(self, given: DiscriminatorGiven) -> None:
        """Raises GanzooError unless pictures have a power of two of at least 8 pixels a side."""
        _check_side("stackgan/stage1_discriminator", given)

    def build(self, given: DiscriminatorGiven) -> Judge:
        """The network for `given`. Raises GanzooError as `check` does."""
        self.check(given)
        return Judge(given.image, self.channels, given.condition.discriminator_code, alone=False)


@dataclass(frozen=True, kw_only=True)
class Stage2Discriminator(Discriminator):
    """Stage I's discriminator with a second head, which judges the picture alone.

    r is a power of two of at least 8; the authors' is 256, where two 3x3 convolutions bring the map of 4x4
    from 32 x channels to 8 x channels. `channels`: DF_DIM in the authors' code.

    Source: Zhang et al. 2017, section 3.4; hanzhanggit/StackGAN-Pytorch model.py, STAGE2_D.
    """

    heads: ClassVar = frozenset({"conditional", "unconditional"})
    source: ClassVar[str] = "Zhang et al. 2017, arXiv:1612.03242, section 3.4"
    tiny: ClassVar = {"channels": 2}

    channels: PositiveInt = 96

    def check(self, given: DiscriminatorGiven) -> None:
        """Raises GanzooError unless pictures have a power of two of at least 8 pixels a side."""
        _check_side("stackgan/stage2_discriminator", given)

    def build(self, given: DiscriminatorGiven) -> Judge:
        """The network for `given`. Raises GanzooError as `check` does."""
        self.check(given)
        return Judge(given.image, self.channels, given.condition.discriminator_code, alone=True)


def _check_side(name: str, given: DiscriminatorGiven) -> None:
    try:
        power_of_two(given.image)
    except ValueError as error:
        raise GanzooError(f"{name} cannot judge pictures of this side: {error}") from error


class Judge(nn.Module):
    """A tower, a head for (picture, code) pairs and, if `alone`, one for pictures."""

    def __init__(self, resolution: int, channels: int, code: int, *, alone: bool) -> None:
        super().__init__()
        width = tower_width(resolution, channels)
        self.tower = tower(resolution, channels)
        self.conditional = ConditionalHead(width, code)
        self.unconditional = UnconditionalHead(width) if alone else None
        normal_start(self)

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
