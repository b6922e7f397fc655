"""What the generator and the discriminators of Reed et al. 2016 (arXiv:1605.05396, section 4) are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from jaxtyping import Float
from pydantic import AfterValidator
from torch import Tensor, nn


def width(channels: int, side: int) -> int:
    """Channels of a map of `side` pixels: 8 x channels at 4, halved when the side doubles, at least 1."""
    return max(1, 32 * channels // side)


def sides(resolution: int) -> list[int]:
    """The maps between the 4x4 one and the picture: 8, 16, ..., resolution / 2."""
    return [1 << power for power in range(3, resolution.bit_length() - 1)]


def checked_resolution(resolution: int) -> int:
    """`resolution`, in pixels. Raises ValueError unless it is a power of two of at least 16."""
    if resolution < 16 or resolution & (resolution - 1):
        raise ValueError(f"expected a power of two of at least 16, not {resolution}")
    return resolution


Resolution = Annotated[int, AfterValidator(checked_resolution)]


class Residual(nn.Module):
    """x + f(x), f = 1x1, 3x3, 3x3 convolutions at a quarter of the channels, each with BatchNorm.

    No activation after the sum. [b, channels, r, r] -> the same shape.
    """

    def __init__(self, channels: int, activation: Callable[[], nn.Module], bias: bool) -> None:
        super().__init__()
        inner = channels // 4
        self.body = nn.Sequential(
            nn.Conv2d(channels, inner, 1, bias=bias),
            nn.BatchNorm2d(inner),
            activation(),
            nn.Conv2d(inner, inner, 3, padding=1, bias=bias),
            nn.BatchNorm2d(inner),
            activation(),
            nn.Conv2d(inner, channels, 3, padding=1, bias=bias),
            nn.BatchNorm2d(channels),
        )

    def forward(self, x: Float[Tensor, "b c r r"]) -> Float[Tensor, "b c r r"]:
        """The sum of x and f(x)."""
        out: Tensor = x + self.body(x)
        return out


def leaky() -> nn.Module:
    """LeakyReLU of slope 0.2."""
    return nn.LeakyReLU(0.2)


def initialise(module: nn.Module) -> None:
    """The authors' start: convolutions N(0, 0.02), BatchNorm scales N(1, 0.02), biases 0; Linear as in torch.

    Source: reedscot/icml2016 main_cls_int.lua, `weights_init`.
    """
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
            nn.init.zeros_(layer.bias)
