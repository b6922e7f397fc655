"""What the generators of the StackGAN family are made of.

Source: Zhang et al. 2017, arXiv:1612.03242, section 3.4 (plain: BatchNorm, ReLU); Zhang et al. 2018,
arXiv:1710.10916, section 5 (`gated`: twice the channels, BatchNorm, GLU).
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor, nn

from ganzoo.nn.convolutions import Folding, UpsamplingConv


class GLU(nn.Module):
    """Gated linear unit, [b, 2c, ...] -> [b, c, ...]: the first half times sigmoid of the second.

    Source: Dauphin et al. 2017, arXiv:1612.08083, section 2.
    """

    def forward(self, x: Tensor) -> Tensor:
        """The gated half."""
        return F.glu(x, 1)


def conv3x3(inputs: int, outputs: int) -> nn.Conv2d:
    """A 3x3 convolution that keeps the side, without bias."""
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)


def conv_layers(inputs: int, outputs: int, *, gated: bool = False) -> list[nn.Module]:
    """3x3 convolution, BatchNorm, and ReLU or (`gated`, at twice the channels) GLU."""
    return [conv3x3(inputs, wide(outputs, gated)), *after_conv(outputs, gated=gated)]


def after_conv(outputs: int, *, gated: bool = False) -> list[nn.Module]:
    """What follows the convolution in `conv_layers`."""
    return [nn.BatchNorm2d(wide(outputs, gated)), GLU() if gated else nn.ReLU()]


def wide(outputs: int, gated: bool) -> int:
    """Channels in front of an activation that gives `outputs`: GLU halves them."""
    return 2 * outputs if gated else outputs


class UpBlock(nn.Module):
    """Nearest x2, 3x3 convolution, BatchNorm, activation: [b, inputs, r, r] -> [b, outputs, 2r, 2r]."""

    def __init__(self, inputs: int, outputs: int, *, gated: bool = False) -> None:
        super().__init__()
        conv = UpsamplingConv(inputs, wide(outputs, gated))
        self.layers = Folding(conv, *after_conv(outputs, gated=gated))

    def forward(self, x: Tensor) -> Tensor:
        """The map at twice the side."""
        out: Tensor = self.layers(x)
        return out


class ResidualBlock(nn.Module):
    """x + f(x), f = 3x3 convolution, BatchNorm, activation, 3x3 convolution, BatchNorm; the shape stays.

    Plain: ReLU inside f and behind the sum (StackGAN). `gated`: GLU inside f, nothing behind the sum
    (StackGAN++, AttnGAN).
    """

    def __init__(self, channels: int, *, gated: bool = False) -> None:
        super().__init__()
        self.body = Folding(
            *conv_layers(channels, channels, gated=gated),
            conv3x3(channels, channels),
            nn.BatchNorm2d(channels),
        )
        self.activation = nn.Identity() if gated else nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """The sum of x and f(x), activated where the block is plain."""
        out: Tensor = self.activation(x + self.body(x))
        return out
