"""What the networks of Reed et al. 2016 (arXiv:1610.02454, section 4) are made of."""

from __future__ import annotations

from typing import Annotated

from jaxtyping import Float
from pydantic import AfterValidator
from torch import Tensor, nn


def power_of_two(side: int) -> int:
    """`side`, in pixels. Raises ValueError unless it is a power of two of at least 8."""
    if side < 8 or side & (side - 1):
        raise ValueError(f"expected a power of two of at least 8, not {side}")
    return side


Side = Annotated[int, AfterValidator(power_of_two)]


def doubled(start: int, end: int) -> list[int]:
    """`start`, twice that, ..., `end`; nothing where `end` is smaller."""
    sides = []
    while start <= end:
        sides.append(start)
        start *= 2
    return sides


class Residual(nn.Module):
    """x + f(x), f = 1x1, 3x3, 3x3 convolutions at a quarter of the channels, each with BatchNorm.

    No ReLU behind the last one, nor after the sum. [b, channels, r, r] -> the same shape.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        inner = max(1, channels // 4)
        self.body = nn.Sequential(
            nn.Conv2d(channels, inner, 1),
            nn.BatchNorm2d(inner),
            nn.ReLU(),
            nn.Conv2d(inner, inner, 3, padding=1),
            nn.BatchNorm2d(inner),
            nn.ReLU(),
            nn.Conv2d(inner, channels, 3, padding=1),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Float[Tensor, "b c r r"]) -> Float[Tensor, "b c r r"]:
        """The sum of x and f(x)."""
        out: Tensor = x + self.body(x)
        return out


def leaky() -> nn.Module:
    """LeakyReLU of slope 0.2."""
    return nn.LeakyReLU(0.2)


def up(inputs: int, outputs: int) -> list[nn.Module]:
    """A transposed convolution to twice the side, BatchNorm."""
    return [nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), nn.BatchNorm2d(outputs)]


def first_up(inputs: int, outputs: int) -> list[nn.Module]:
    """A transposed convolution from 1x1 to 4x4, BatchNorm."""
    return [nn.ConvTranspose2d(inputs, outputs, 4), nn.BatchNorm2d(outputs)]


def keeping(inputs: int, outputs: int) -> list[nn.Module]:
    """A transposed 3x3 convolution that keeps the side, BatchNorm."""
    return [nn.ConvTranspose2d(inputs, outputs, 3, 1, 1), nn.BatchNorm2d(outputs)]


def down(inputs: int, outputs: int) -> list[nn.Module]:
    """A convolution to half the side, BatchNorm."""
    return [nn.Conv2d(inputs, outputs, 4, 2, 1), nn.BatchNorm2d(outputs)]


def last_down(inputs: int, outputs: int) -> list[nn.Module]:
    """A convolution from 4x4 to 1x1, BatchNorm."""
    return [nn.Conv2d(inputs, outputs, 4), nn.BatchNorm2d(outputs)]


def linear(inputs: int, outputs: int) -> list[nn.Module]:
    """Linear, BatchNorm."""
    return [nn.Linear(inputs, outputs), nn.BatchNorm1d(outputs)]


def initialise(module: nn.Module) -> None:
    """The authors' start: convolutions N(0, 0.02), BatchNorm scales N(1, 0.02), biases 0; Linear as in torch.

    Source: reedscot/nips2016 main_cub_bbox.lua, `weights_init`.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
            nn.init.zeros_(layer.bias)
