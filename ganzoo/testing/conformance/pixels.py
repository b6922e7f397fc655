"""The check of what an image encoder makes of pixels before its first layer."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ganzoo.testing.conformance.harness import Harness
from ganzoo.testing.conformance.inputs import ROWS, SIDE

COLOUR = (-1.0, 0.2, 1.0)  # of a picture, in [-1, 1]


def pixels(harness: Harness) -> None:
    """An image encoder's first layer with weights is given (p - `mean`) / `std` of pixels p in 0..1.

    Seen on pictures of one colour, so that it does not matter how the encoder resizes or cuts them; the three
    values must be there, whatever the order of axes.
    """
    module, subject = harness.build().eval(), harness.subject
    picture = torch.tensor(COLOUR).view(1, 3, 1, 1).expand(ROWS, 3, 2 * SIDE, 2 * SIDE)
    seen = _first_input(module, lambda: harness.call(module, picture))
    if seen is None:
        return
    expected = [
        ((colour + 1) / 2 - mean) / std
        for colour, mean, std in zip(COLOUR, subject.component.mean, subject.component.std, strict=True)
    ]
    # The middle of the lowest, the middle and the highest third: a channel each.
    thirds = torch.tensor([1 / 6, 3 / 6, 5 / 6])
    found = torch.quantile(seen[0].flatten().float(), thirds).tolist()
    subject.expect(
        torch.allclose(torch.tensor(found), torch.tensor(sorted(expected)), atol=1e-3),
        f"gives its first layer {_list(found)} for a picture of the colour {_list(COLOUR)}; its `mean` and "
        f"`std` say {_list(sorted(expected))}: (p - mean) / std of p in 0..1, and pictures come in [-1, 1]",
    )


def _first_input(module: nn.Module, run: Any) -> Tensor | None:
    """What the first layer that has weights of its own is called with."""
    seen: list[Tensor] = []

    def note(layer: nn.Module, arguments: tuple[Any, ...]) -> None:
        if not seen and arguments and isinstance(arguments[0], Tensor):
            seen.append(arguments[0].detach())

    layers = [layer for layer in module.modules() if _has_weights(layer)]
    hooks = [layer.register_forward_pre_hook(note) for layer in layers]
    try:
        with torch.no_grad():
            run()
    finally:
        for hook in hooks:
            hook.remove()
    return seen[0] if seen else None


def _has_weights(layer: nn.Module) -> bool:
    """Parameters, or a `weight` that is a buffer because nothing is to train it."""
    own = any(True for _ in layer.parameters(recurse=False))
    return own or isinstance(getattr(layer, "weight", None), Tensor)


def _list(values: Any) -> str:
    return ", ".join(f"{value:.3g}" for value in values)
