"""What the discriminators of the StackGAN family are made of: StackGAN, StackGAN++ and AttnGAN share them.

Source: Zhang et al. 2017, arXiv:1612.03242, section 3.4; Zhang et al. 2018, arXiv:1710.10916, section 5.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


def leaky() -> nn.Module:
    """LeakyReLU of slope 0.2."""
    return nn.LeakyReLU(0.2)


def tower_width(resolution: int, channels: int) -> int:
    """Channels of the map that `tower` ends in: 8 x channels from 64 pixels on, fewer below."""
    return min(8, resolution // 8) * channels


def tower(resolution: int, channels: int) -> nn.Sequential:
    """Pictures [b, 3, resolution, resolution] -> a map [b, tower_width, 4, 4]; no convolution has a bias.

    Convolutions 4x4 of stride 2, down to a side of 4: the first gives `channels` and has no BatchNorm, each
    next one doubles them. Where that is more than 8 x channels, 3x3 convolutions halve them again. LeakyReLU
    behind each. `resolution` is a power of two of at least 8. The layers' order is the authors'.
    """
    layers: list[nn.Module] = [nn.Conv2d(3, channels, 4, 2, 1, bias=False), leaky()]
    at, side = channels, resolution // 2
    while side > 4:
        layers += [nn.Conv2d(at, 2 * at, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * at), leaky()]
        at, side = 2 * at, side // 2
    while at > 8 * channels:
        layers += _joining(at, at // 2)
        at //= 2
    return nn.Sequential(*layers)


def apart(layers: nn.Sequential, batches: Sequence[Tensor]) -> list[Tensor]:
    """What `layers` make of each batch [n, c, h, w], with batch statistics of its own, as if called in turn.

    A convolution with more weights than its maps have entries runs once for all batches: fetching the weights
    and adding up their gradients takes longer there than multiplying. Equal but for rounding.
    """
    maps = list(batches)
    for layer in layers:
        if isinstance(layer, nn.Conv2d) and layer.weight.numel() > sum(x.numel() for x in maps):
            maps = list(layer(torch.cat(maps)).split([len(x) for x in maps]))
        else:
            maps = [layer(x) for x in maps]
    return maps


class ConditionalHead(nn.Module):
    """A map [b, width, 4, 4] and a code [b, code] -> one logit a row.

    The code is repeated over the map and joined with it, in front of it (`code_first`: StackGAN++) or behind
    (StackGAN, AttnGAN); 3x3 convolution, BatchNorm, LeakyReLU; a 4x4 convolution with bias.
    """

    def __init__(self, width: int, code: int, *, code_first: bool = False) -> None:
        super().__init__()
        self.code_first = code_first
        self.joint = nn.Sequential(*_joining(width + code, width))
        self.logit = nn.Conv2d(width, 1, 4)

    def forward(self, features: Tensor, code: Tensor) -> Tensor:
        """The logit of each (picture, code) pair, [b]."""
        spread = code[:, :, None, None].expand(-1, -1, *features.shape[2:])  # [b, d, 4, 4]
        joined = [spread, features] if self.code_first else [features, spread]
        logit: Tensor = self.logit(self.joint(torch.cat(joined, 1)))
        return logit.flatten()


class UnconditionalHead(nn.Module):
    """A map [b, width, 4, 4] -> one logit a row: a 4x4 convolution with bias."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.logit = nn.Conv2d(width, 1, 4)

    def forward(self, features: Tensor) -> Tensor:
        """The logit of each picture, [b]."""
        logit: Tensor = self.logit(features)
        return logit.flatten()


def _joining(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), leaky()]
