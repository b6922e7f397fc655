"""Random starts. Both leave biases of convolutions as torch draws them, as the authors' programs do."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn


def normal_start(module: nn.Module) -> None:
    """Convolutions and Linear N(0, 0.02), BatchNorm scales N(1, 0.02), biases of Linear and BatchNorm 0.

    Source: Radford et al. 2016, arXiv:1511.06434, section 4; hanzhanggit/StackGAN-Pytorch, `weights_init`.
    """
    _start(module, lambda weight: nn.init.normal_(weight, 0.0, 0.02))


def orthogonal_start(module: nn.Module) -> None:
    """Convolutions and Linear orthogonal of gain 1, BatchNorm scales N(1, 0.02), biases of these two 0.

    Source: Saxe et al. 2014, arXiv:1312.6120; hanzhanggit/StackGAN-v2 and taoxugit/AttnGAN, `weights_init`.
    """
    _start(module, nn.init.orthogonal_)


def _start(module: nn.Module, draw: Callable[[Tensor], Tensor]) -> None:
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            draw(layer.weight)
        if isinstance(layer, nn.BatchNorm1d | nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)
        if isinstance(layer, nn.Linear | nn.BatchNorm1d | nn.BatchNorm2d) and layer.bias is not None:
            nn.init.zeros_(layer.bias)
