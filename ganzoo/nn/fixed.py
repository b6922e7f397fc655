"""Weights that nothing trains."""

from __future__ import annotations

from torch import nn


def fixed(module: nn.Module) -> None:
    """Make buffers of all parameters: they keep their names and values, and no optimizer finds them."""
    for part in module.modules():
        for name, parameter in list(part.named_parameters(recurse=False)):
            delattr(part, name)
            part.register_buffer(name, parameter.detach())
