"""Weights that nothing trains."""

from __future__ import annotations

from torch import nn

NAMES = "fixed_weights"  # where a module remembers which of its buffers were parameters


def fixed(module: nn.Module) -> None:
    """Make buffers of all parameters: they keep their names and values, and no optimizer finds them."""
    for part in module.modules():
        for name, parameter in list(part.named_parameters(recurse=False)):
            delattr(part, name)
            part.register_buffer(name, parameter.detach())
            part.__dict__.setdefault(NAMES, []).append(name)


def count_fixed(module: nn.Module) -> int:
    """How many numbers `fixed` has made buffers of; running statistics are none of them."""
    parts = ((part, name) for part in module.modules() for name in getattr(part, NAMES, ()))
    return sum(part.get_buffer(name).numel() for part, name in parts)
