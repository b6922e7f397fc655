"""The generator: Reed et al. 2016, arXiv:1605.05396, section 4.1 and figure 2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from ganzoo.components import Stage
from ganzoo.flow import Condition, StageOutput
from ganzoo.specs import StageGiven, StageSpec
from ganzoo_gan_int_cls.layers import Residual, Resolution, initialise, sides, width


@dataclass(frozen=True, kw_only=True)
class Generator(Stage):
    """(noise [b, z], code [b, c]) -> picture [b, 3, resolution, resolution].

    Transposed convolutions from 1x1 to `resolution`, with a residual block at 4x4 and one at 8x8.

    `resolution`: side of the picture in pixels, a power of two of at least 16; the authors' is 64, others
    have more or fewer plain upsampling blocks behind the 8x8 map. `channels`: ngf in the authors' code; a map
    of side r has 32 x channels / r. `large`: two residual blocks in a row instead of one. `bias`: biases in
    the convolutions; the authors hold them at zero while training, so only a network saved by them has any.

    Source: Reed et al. 2016, section 4.1; reedscot/icml2016 main_cls_int.lua, `large` from main_cls.lua.
    """

    needs: ClassVar = frozenset({"noise", "generator_code"})
    source: ClassVar[str] = "Reed et al. 2016, arXiv:1605.05396, section 4.1"
    tiny: ClassVar = {"resolution": 16, "channels": 2}

    resolution: Resolution = 64
    channels: PositiveInt = 128
    large: bool = False
    bias: bool = False

    def yields(self, given: StageGiven) -> StageSpec:
        """A picture of `resolution`, no hidden features."""
        return StageSpec(image=self.resolution)

    def build(self, given: StageGiven) -> Upsampler:
        """The network for `given.noise` and the width of `given.condition.generator_code`."""
        inputs = given.noise + given.condition.generator_code
        return Upsampler(inputs, self.resolution, self.channels, large=self.large, bias=self.bias)


class Upsampler(nn.Module):
    """The generator's layers in the authors' order, as one Sequential."""

    def __init__(self, inputs: int, resolution: int, channels: int, *, large: bool, bias: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        at = inputs
        for side in (4, *sides(resolution)):
            out = width(channels, side)
            stride, padding = (1, 0) if side == 4 else (2, 1)
            layers += [nn.ConvTranspose2d(at, out, 4, stride, padding, bias=bias), nn.BatchNorm2d(out)]
            if side <= 8:
                layers += [Residual(out, nn.ReLU, bias) for _ in range(2 if large else 1)]
            layers.append(nn.ReLU())
            at = out
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(at, 3, 4, 2, 1, bias=bias), nn.Tanh())
        initialise(self)

    def forward(
        self, previous: StageOutput | None, condition: Condition, noise: Float[Tensor, "b z"]
    ) -> StageOutput:
        """The picture of (noise, code), in that order; reads nothing of `previous`."""
        code = torch.cat([noise, condition.generator_code], 1)  # [b, z + c]
        return StageOutput(image=self.layers(code[:, :, None, None]))
