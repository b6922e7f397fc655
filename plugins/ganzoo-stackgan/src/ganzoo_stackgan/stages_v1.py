"""StackGAN's two stages: Zhang et al. 2017, arXiv:1612.03242, sections 3.3 and 3.4."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn

from ganzoo.components import Stage
from ganzoo.errors import GanzooError
from ganzoo.flow import Condition, StageOutput
from ganzoo.nn.convolutions import CodeConv
from ganzoo.nn.init import normal_start
from ganzoo.nn.layers import ResidualBlock, UpBlock, after_conv, conv3x3
from ganzoo.specs import StageGiven, StageSpec
from ganzoo_stackgan.sides import Resolution


@dataclass(frozen=True, kw_only=True)
class Stage1(Stage):
    """(noise [b, z], code [b, c]) -> a rough picture [b, 3, resolution, resolution] and its hidden features.

    A Linear layer to a map of 4x4, then blocks that double the side and halve the channels.

    `resolution`: side of the picture in pixels, a power of two of at least 8; the authors' is 64.
    `channels`: GF_DIM in the authors' code; a map of side r has 32 x channels / r, at least 1.

    Source: Zhang et al. 2017, section 3.3; hanzhanggit/StackGAN-Pytorch model.py, STAGE1_G.
    """

    needs: ClassVar = frozenset({"noise", "generator_code"})
    source: ClassVar[str] = "Zhang et al. 2017, arXiv:1612.03242, section 3.3"
    tiny: ClassVar = {"resolution": 16, "channels": 2}

    resolution: Resolution = 64
    channels: PositiveInt = 192

    def yields(self, given: StageGiven) -> StageSpec:
        """A picture of `resolution` and the features it is made of."""
        return StageSpec(image=self.resolution, hidden=self._width(self.resolution))

    def build(self, given: StageGiven) -> Sketch:
        """The network for `given.noise` and the width of `given.condition.generator_code`."""
        sides = [
            4 << doublings for doublings in range(self.resolution.bit_length() - 2)
        ]  # 4, ..., resolution
        inputs = given.noise + given.condition.generator_code
        return Sketch(inputs, [self._width(side) for side in sides])

    def _width(self, side: int) -> int:
        return max(1, 32 * self.channels // side)


class Sketch(nn.Module):
    """Stage I. `widths`: channels at 4x4 and after each doubling of the side."""

    def __init__(self, inputs: int, widths: list[int]) -> None:
        super().__init__()
        first = 16 * widths[0]
        self.fc = nn.Sequential(nn.Linear(inputs, first, bias=False), nn.BatchNorm1d(first), nn.ReLU())
        self.up = _up(widths)
        self.image = nn.Sequential(conv3x3(widths[-1], 3), nn.Tanh())
        normal_start(self)

    def forward(
        self, previous: StageOutput | None, condition: Condition, noise: Float[Tensor, "b z"]
    ) -> StageOutput:
        """The picture of (noise, code), in that order; reads nothing of `previous`."""
        maps = self.fc(torch.cat([noise, condition.generator_code], 1))  # [b, 16 f]
        hidden = self.up(maps.view(len(maps), -1, 4, 4))  # [b, f', r, r]
        return StageOutput(self.image(hidden), hidden)


@dataclass(frozen=True, kw_only=True)
class Stage2(Stage):
    """(picture [b, 3, r, r], code [b, c]) -> a picture [b, 3, scale r, scale r] and its hidden features.

    The picture is encoded to a map of side r / 4, joined there with the code, and passed through residual
    blocks; then blocks double the side and halve the channels. It reads no noise but the code's own.

    `channels`: GF_DIM in the authors' code; the map of side r / 4 has 4 x channels. `residual_blocks`: R_NUM;
    the paper has 4 at 256 pixels, the authors' settings for COCO 2. `scale`: how many times larger the
    picture becomes; the authors' is 4, from 64 to 256 pixels.

    Source: Zhang et al. 2017, section 3.4; hanzhanggit/StackGAN-Pytorch model.py, STAGE2_G.
    """

    needs: ClassVar = frozenset({"image", "generator_code"})
    source: ClassVar[str] = "Zhang et al. 2017, arXiv:1612.03242, section 3.4"
    tiny: ClassVar = {"channels": 2, "residual_blocks": 1, "scale": 2}

    channels: PositiveInt = 192
    residual_blocks: NonNegativeInt = 4
    scale: Literal[2, 4, 8] = 4

    def yields(self, given: StageGiven) -> StageSpec:
        """A picture `scale` times as large. Raises GanzooError unless the side it is given divides by 4."""
        assert given.previous is not None
        side = given.previous.image
        if side % 4:
            raise GanzooError(f"stackgan/stage2 reads pictures whose side divides by 4, not {side} pixels")
        return StageSpec(image=self.scale * side, hidden=self._widths[-1])

    def build(self, given: StageGiven) -> Refinement:
        """The network for the width of `given.condition.generator_code`."""
        return Refinement(given.condition.generator_code, self.channels, self.residual_blocks, self._widths)

    @property
    def _widths(self) -> list[int]:
        doublings = self.scale.bit_length() + 1  # back from r / 4, and on to scale x r
        return [max(1, 4 * self.channels >> halvings) for halvings in range(doublings + 1)]


class Refinement(nn.Module):
    """Stage II. `widths`: channels where picture and code are joined, and after each doubling of the side."""

    def __init__(self, code: int, channels: int, residual_blocks: int, widths: list[int]) -> None:
        super().__init__()
        joined = widths[0]
        self.encoder = nn.Sequential(
            conv3x3(3, channels),
            nn.ReLU(),
            *_down(channels, 2 * channels),
            *_down(2 * channels, joined),
        )
        self.joint = CodeConv(code, joined, joined, code_first=False)
        self.joined = nn.Sequential(*after_conv(joined))
        self.residual = nn.Sequential(*(ResidualBlock(joined) for _ in range(residual_blocks)))
        self.up = _up(widths)
        self.image = nn.Sequential(conv3x3(widths[-1], 3), nn.Tanh())
        normal_start(self)

    def forward(
        self, previous: StageOutput, condition: Condition, noise: Float[Tensor, "b z"]
    ) -> StageOutput:
        """The picture redrawn at a larger side; reads no `noise`."""
        seen = self.encoder(previous.image)  # [b, f, r / 4, r / 4]
        joined = self.joined(self.joint(condition.generator_code, seen))  # [b, f, r / 4, r / 4]
        hidden = self.up(self.residual(joined))  # [b, f', scale r, scale r]
        return StageOutput(self.image(hidden), hidden)


def _up(widths: list[int]) -> nn.Sequential:
    return nn.Sequential(*(UpBlock(at, out) for at, out in pairwise(widths)))


def _down(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 4, 2, 1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
