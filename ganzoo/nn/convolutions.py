"""3x3 convolutions of generators in forms that compute the same sums with fewer multiplications.

Parameters keep the plain form's names, shapes and meaning. Equal to the plain form but for rounding.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class UpsamplingConv(nn.Conv2d):
    """Nearest x2, then a 3x3 convolution without bias: [b, inputs, h, w] -> [b, outputs, 2h, 2w].

    Two of the three pixels under a row of the kernel are copies of one, so the kernel's entries are added up
    first: a transposed convolution of 4x4 and stride 2, with 4 multiplications where there were 9. On maps
    that are small beside their channels the sums would cost more than they save; there the plain form runs.
    """

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__(inputs, outputs, 3, padding=1, bias=False)

    def _conv_forward(self, input: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if 4 * input.shape[2] * input.shape[3] < self.in_channels:
            return F.conv2d(F.interpolate(input, scale_factor=2.0, mode="nearest"), weight, bias, padding=1)
        return F.conv_transpose2d(input, summed_kernel(weight), bias, stride=2, padding=1)


def summed_kernel(weight: Tensor) -> Tensor:
    """The kernel [i, o, 4, 4] of `UpsamplingConv`'s transposed convolution, of its weight [o, i, 3, 3].

    Along each axis (a, b, c) becomes (c, b + c, a + b, a).
    """
    padded = F.pad(weight.flip(2, 3).transpose(0, 1), (1, 1, 1, 1))  # [i, o, 5, 5]
    rows = padded[:, :, 1:] + padded[:, :, :-1]
    return rows[..., 1:] + rows[..., :-1]


class Folding(nn.Sequential):
    """Layers in turn; where pictures are only drawn, a batch norm becomes part of the convolution before it.

    That is in evaluation mode without gradients: the map is written once instead of twice.
    """

    def forward(self, input: Tensor) -> Tensor:
        """What the last layer gives."""
        layers, place = list(self), 0
        while place < len(layers):
            layer, behind = layers[place], layers[place + 1] if place + 1 < len(layers) else None
            if isinstance(layer, nn.Conv2d) and isinstance(behind, nn.BatchNorm2d) and _still(behind):
                input, place = folded(layer, behind, input), place + 2
            else:
                input, place = layer(input), place + 1
        return input


def _still(norm: nn.BatchNorm2d) -> bool:
    known = bool(norm.affine) and norm.running_mean is not None
    return known and not norm.training and not torch.is_grad_enabled()


def folded(conv: nn.Conv2d, norm: nn.BatchNorm2d, input: Tensor) -> Tensor:
    """`norm(conv(input))` by the running statistics, in one convolution."""
    assert norm.running_mean is not None and norm.running_var is not None
    scale = norm.weight * (norm.running_var + norm.eps).rsqrt()
    bias = norm.bias - norm.running_mean * scale
    if conv.bias is not None:
        bias = bias + conv.bias * scale
    out: Tensor = conv._conv_forward(input, conv.weight * scale[:, None, None, None], bias)
    return out


class CodeConv(nn.Module):
    """A 3x3 convolution without bias over a map and a code that is repeated at each of its pixels.

    The code's share of the sum is the same at every pixel but those at the border, whose kernel reaches over
    it: it is computed on 3x3 pixels and stretched. `code_first`: the order of the weight's input channels.
    """

    def __init__(self, code: int, inputs: int, outputs: int, *, code_first: bool) -> None:
        super().__init__()
        self.first, self.code_first = code if code_first else inputs, code_first
        self.conv = nn.Conv2d(code + inputs, outputs, 3, padding=1, bias=False)

    def forward(self, code: Tensor, features: Tensor) -> Tensor:
        """`code` [b, c] and `features` [b, f, h, w] to [b, outputs, h, w]."""
        parts = self.conv.weight[:, : self.first], self.conv.weight[:, self.first :]
        of_code, of_features = parts if self.code_first else parts[::-1]
        height, width = features.shape[2:]
        tiled = code[:, :, None, None].expand(-1, -1, min(3, height), min(3, width))
        share = F.conv2d(tiled, of_code, padding=1)
        stretched = _stretched(_stretched(share, 2, height), 3, width)
        return F.conv2d(features, of_features, padding=1) + stretched


def _stretched(x: Tensor, axis: int, size: int) -> Tensor:
    """`x`, at most 3 long on `axis`, with its middle repeated until it is `size` long."""
    if x.shape[axis] == size:
        return x
    first, middle, last = (x.narrow(axis, place, 1) for place in range(3))
    sizes = [-1] * x.dim()
    sizes[axis] = size - 2
    return torch.cat([first, middle.expand(sizes), last], axis)
