"""Tensors that may be passed on but not read: what a component is given of things it did not declare."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor

# What every tensor may be asked, and what hands a tensor on without reading its values.
_FACTS = {
    getattr(Tensor, name).__get__ for name in ("shape", "dtype", "device", "ndim", "layout", "requires_grad")
} | {Tensor.size, Tensor.dim, Tensor.is_floating_point}
_HANDED_ON = {Tensor.__getitem__, Tensor.repeat, Tensor.to, Tensor.detach, Tensor.contiguous}


class Starved(Tensor):
    """A tensor whose values nobody may read; reading raises the AssertionError in `complaint`.

    Shapes may be asked, and rows be picked or repeated, as passing on does.
    """

    complaint: str

    @classmethod
    def __torch_function__(
        cls, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Answers what may be asked, hands on what may be handed on, refuses the rest."""
        complaint = next(_starved((*args, *(kwargs or {}).values()))).complaint
        if func not in _FACTS | _HANDED_ON:
            raise AssertionError(complaint)
        with torch._C.DisableTorchFunctionSubclass():
            answer = func(*args, **(kwargs or {}))
        return starve(answer, complaint) if func in _HANDED_ON else answer


def _starved(value: Any) -> Iterator[Starved]:
    if isinstance(value, Starved):
        yield value
    elif isinstance(value, tuple | list):
        for item in value:
            yield from _starved(item)


def starve(tensor: Tensor, complaint: str) -> Starved:
    """`tensor`, its values out of reach."""
    with torch._C.DisableTorchFunctionSubclass():
        starved = tensor.as_subclass(Starved)
    starved.complaint = complaint
    return starved


def feed(tensor: Tensor) -> Tensor:
    """`tensor` with its values within reach again."""
    with torch._C.DisableTorchFunctionSubclass():
        return tensor.as_subclass(Tensor) if isinstance(tensor, Starved) else tensor
