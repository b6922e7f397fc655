"""The discriminators: Reed et al. 2016, arXiv:1605.05396, section 4.1; the authors' code has two."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from ganzoo.components import Discriminator
from ganzoo.errors import GanzooError
from ganzoo.flow import Logits
from ganzoo.specs import DiscriminatorGiven
from ganzoo_gan_int_cls.layers import Residual, checked_resolution, initialise, leaky, sides, width


@dataclass(frozen=True, kw_only=True)
class BirdsFlowers(Discriminator):
    """Pictures [b, 3, r, r] -> a map of 4x4, joined there with the projected code [b, d] -> one logit a pair.

    The authors' discriminator for birds and flowers: BatchNorm in the projection of the code, no activation
    behind the convolution to 8x8. r is a power of two of at least 16; the authors' is 64.

    `channels`: ndf in the authors' code; a map of side r has 32 x channels / r. `text`: width of the
    projected code, nt. `bias`: biases in the convolutions, as in the generator.

    Source: Reed et al. 2016, section 4.1; reedscot/icml2016 main_cls_int.lua.
    """

    source: ClassVar[str] = "Reed et al. 2016, arXiv:1605.05396, section 4.1"
    tiny: ClassVar = {"channels": 2, "text": 5}

    channels: PositiveInt = 64
    text: PositiveInt = 128
    bias: bool = False

    def check(self, given: DiscriminatorGiven) -> None:
        """Raises GanzooError unless pictures have a power of two of at least 16 pixels a side."""
        _check_side(self, given)

    def build(self, given: DiscriminatorGiven) -> Matcher:
        """The network for `given`. Raises GanzooError unless `image` is a power of two of at least 16."""
        self.check(given)
        tower = _tower(given.image, self.channels, activated=False, bias=self.bias)
        code = nn.Sequential(
            nn.Linear(given.condition.discriminator_code, self.text), nn.BatchNorm1d(self.text), leaky()
        )
        return Matcher(tower, code, self.channels, self.text, self.bias)


@dataclass(frozen=True, kw_only=True)
class Coco(Discriminator):
    """Pictures [b, 3, r, r] -> a map of 4x4, joined there with the projected code [b, d] -> one logit a pair.

    The authors' discriminator for COCO: no BatchNorm in the projection of the code, LeakyReLU behind the
    convolution to 8x8. r is a power of two of at least 16; the authors' is 64.

    `channels`: ndf in the authors' code; a map of side r has 32 x channels / r. `text`: width of the
    projected code, nt. `bias`: biases in the convolutions, as in the generator.

    Source: Reed et al. 2016, section 4.1; reedscot/icml2016 main_cls.lua.
    """

    source: ClassVar[str] = "Reed et al. 2016, arXiv:1605.05396, section 4.1"
    tiny: ClassVar = {"channels": 2, "text": 5}

    channels: PositiveInt = 196
    text: PositiveInt = 128
    bias: bool = False

    def check(self, given: DiscriminatorGiven) -> None:
        """Raises GanzooError unless pictures have a power of two of at least 16 pixels a side."""
        _check_side(self, given)

    def build(self, given: DiscriminatorGiven) -> Matcher:
        """The network for `given`. Raises GanzooError unless `image` is a power of two of at least 16."""
        self.check(given)
        tower = _tower(given.image, self.channels, activated=True, bias=self.bias)
        code = nn.Sequential(nn.Linear(given.condition.discriminator_code, self.text), leaky())
        return Matcher(tower, code, self.channels, self.text, self.bias)


def _check_side(component: BirdsFlowers | Coco, given: DiscriminatorGiven) -> None:
    try:
        checked_resolution(given.image)
    except ValueError as error:
        raise GanzooError(
            f"{type(component).__name__} cannot judge pictures of this side: {error}"
        ) from error


def _tower(resolution: int, channels: int, *, activated: bool, bias: bool) -> nn.Sequential:
    """[b, 3, r, r] -> [b, 8 channels, 4, 4]. `activated`: LeakyReLU behind the convolution to 8x8.

    The first convolution has an activation but no BatchNorm; the one to 4x4 has BatchNorm but no activation.
    """
    first, *others = (*reversed(sides(resolution)), 4)
    at = width(channels, first)
    layers: list[nn.Module] = [nn.Conv2d(3, at, 4, 2, 1, bias=bias), leaky()]
    for side in others:
        out = width(channels, side)
        layers += [nn.Conv2d(at, out, 4, 2, 1, bias=bias), nn.BatchNorm2d(out)]
        if side > 8 or (side == 8 and activated):
            layers.append(leaky())
        at = out
    return nn.Sequential(*layers, Residual(at, leaky, bias), leaky())


class Matcher(nn.Module):
    """How well pictures match codes: `image` tower, `code` projection, `joint` over both at 4x4."""

    def __init__(
        self, image: nn.Sequential, code: nn.Sequential, channels: int, text: int, bias: bool
    ) -> None:
        super().__init__()
        wide = width(channels, 4)
        self.image = image
        self.code = code
        self.joint = nn.Sequential(
            nn.Conv2d(wide + text, wide, 1, bias=bias),
            nn.BatchNorm2d(wide),
            leaky(),
            nn.Conv2d(wide, 1, 4, bias=bias),
        )
        initialise(self)

    def features(self, images: Float[Tensor, "b 3 r r"]) -> Float[Tensor, "b f 4 4"]:
        """Pictures in [-1, 1] to the tower's map."""
        features: Tensor = self.image(images)
        return features

    def judge(self, features: Float[Tensor, "b f 4 4"], code: Float[Tensor, "b d"]) -> Logits:
        """The logit of each (picture, code) pair, before the authors' sigmoid."""
        text = self.code(code)[:, :, None, None].expand(-1, -1, 4, 4)  # [b, t, 4, 4]
        return Logits(conditional=self.joint(torch.cat([features, text], 1)).flatten())
