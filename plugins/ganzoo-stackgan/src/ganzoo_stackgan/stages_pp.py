"""StackGAN++'s generator stages: Zhang et al. 2018, arXiv:1710.10916, sections 5.1 and 5.2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from pydantic import NonNegativeInt, PositiveInt
from torch import Tensor, nn

from ganzoo.components import Stage
from ganzoo.flow import Condition, StageOutput
from ganzoo.nn.convolutions import CodeConv
from ganzoo.nn.init import orthogonal_start
from ganzoo.nn.layers import GLU, ResidualBlock, UpBlock, after_conv, conv3x3
from ganzoo.specs import StageGiven, StageSpec
from ganzoo_stackgan.sides import Resolution


@dataclass(frozen=True, kw_only=True)
class Initial(Stage):
    """(code [b, c], noise [b, z]) -> hidden features [b, channels, resolution, resolution] and a picture.

    A Linear layer to a map of 4x4; nearest x2, 3x3 convolution, BatchNorm, GLU until the map has its side.

    `resolution`: side of the picture in pixels, a power of two of at least 8; the authors' is 64. `channels`:
    of the hidden features, GF_DIM in the authors' code; twice as many each time the side halves, down to 4.

    Source: Zhang et al. 2018, arXiv:1710.10916, section 5.1; hanzhanggit/StackGAN-v2 model.py, INIT_STAGE_G.
    """

    needs: ClassVar = frozenset({"noise", "generator_code"})
    source: ClassVar[str] = "Zhang et al. 2018, arXiv:1710.10916, section 5.1"
    tiny: ClassVar = {"resolution": 8, "channels": 4}

    resolution: Resolution = 64
    channels: PositiveInt = 64

    def yields(self, given: StageGiven) -> StageSpec:
        """A picture of `resolution`, `channels` hidden features."""
        return StageSpec(image=self.resolution, hidden=self.channels)

    def build(self, given: StageGiven) -> InitialStage:
        """The network for `given.noise` and the width of `given.condition.generator_code`."""
        return InitialStage(given.condition.generator_code + given.noise, self.resolution, self.channels)


@dataclass(frozen=True, kw_only=True)
class Refine(Stage):
    """Hidden features [b, f, r, r] and code [b, c] -> features [b, f / 2, 2r, 2r] and their picture.

    The code is repeated at every pixel and joined with the features; residual blocks; nearest x2. It stands
    behind any stage that yields hidden features.

    `residual_blocks`: how many, R_NUM in the authors' code.

    Source: Zhang et al. 2018, arXiv:1710.10916, section 5.1; hanzhanggit/StackGAN-v2 model.py, NEXT_STAGE_G.
    """

    needs: ClassVar = frozenset({"generator_code", "hidden"})
    source: ClassVar[str] = "Zhang et al. 2018, arXiv:1710.10916, section 5.1"
    tiny: ClassVar = {"residual_blocks": 1}

    residual_blocks: NonNegativeInt = 2

    def yields(self, given: StageGiven) -> StageSpec:
        """A picture of twice the side, half of the hidden features, at least one."""
        assert given.previous is not None
        return StageSpec(image=2 * given.previous.image, hidden=max(1, given.previous.hidden // 2))

    def build(self, given: StageGiven) -> RefiningStage:
        """The network for the stage before it and the width of `given.condition.generator_code`."""
        assert given.previous is not None
        return RefiningStage(
            given.condition.generator_code,
            given.previous.hidden,
            self.yields(given).hidden,
            self.residual_blocks,
        )


class InitialStage(nn.Module):
    """`fc` to 4x4, `upsample` to the picture's side, `image`."""

    def __init__(self, inputs: int, resolution: int, channels: int) -> None:
        super().__init__()
        side, wide = 4, channels * resolution // 4
        self.fc = nn.Sequential(
            nn.Linear(inputs, 2 * wide * side**2, bias=False), nn.BatchNorm1d(2 * wide * side**2), GLU()
        )
        blocks = []
        while side < resolution:
            blocks.append(UpBlock(wide, wide // 2, gated=True))
            side, wide = 2 * side, wide // 2
        self.upsample = nn.Sequential(*blocks)
        self.image = picture_layers(channels)
        orthogonal_start(self)

    def forward(
        self, previous: StageOutput | None, condition: Condition, noise: Float[Tensor, "b z"]
    ) -> StageOutput:
        """The features and picture of (code, noise), in that order; reads nothing of `previous`."""
        flat = self.fc(torch.cat([condition.generator_code, noise], 1))  # [b, 16 wide]
        hidden = self.upsample(flat.unflatten(1, (-1, 4, 4)))
        return StageOutput(image=self.image(hidden), hidden=hidden)


class RefiningStage(nn.Module):
    """`joint` over code and features, `residual` blocks, `upsample` to twice the side, `image`."""

    def __init__(self, code: int, inputs: int, outputs: int, residual_blocks: int) -> None:
        super().__init__()
        self.joint = CodeConv(code, inputs, 2 * inputs, code_first=True)
        self.gate = nn.Sequential(*after_conv(inputs, gated=True))
        self.residual = nn.Sequential(*(ResidualBlock(inputs, gated=True) for _ in range(residual_blocks)))
        self.upsample = UpBlock(inputs, outputs, gated=True)
        self.image = picture_layers(outputs)
        orthogonal_start(self)

    def forward(
        self, previous: StageOutput | None, condition: Condition, noise: Float[Tensor, "b z"]
    ) -> StageOutput:
        """The features and picture at twice the side of `previous.hidden`; reads no `noise`."""
        assert previous is not None and previous.hidden is not None
        joined = self.gate(self.joint(condition.generator_code, previous.hidden))
        hidden = self.upsample(self.residual(joined))
        return StageOutput(image=self.image(hidden), hidden=hidden)


def picture_layers(hidden: int) -> nn.Sequential:
    """Hidden features to a picture in [-1, 1]: 3x3 convolution, tanh."""
    return nn.Sequential(conv3x3(hidden, 3), nn.Tanh())
