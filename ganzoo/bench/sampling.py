"""What drawing costs: time for one picture and for many, arithmetic, memory, weights."""

from __future__ import annotations

import time
import weakref
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from ganzoo.bench.results import Sampling
from ganzoo.flow import Layout, Tokens
from ganzoo.model import Model

BATCH = 16
WARM, ROUNDS = 2, 7


def sampling(model: Model, tokens: Tokens, layout: Layout | None) -> Sampling:
    """Time of drawing the first caption alone and 16 at once, text encoder included; the median of 7 rounds.

    `peak_memory`: bytes above the weights while 16 are drawn; on the CPU those of tensors that torch makes.
    """
    alone = median(_times(model, *_first(tokens, layout, 1)))
    many = median(_times(model, *_first(tokens, layout, BATCH)))
    return Sampling(
        latency=alone, throughput=BATCH / many, peak_memory=_peak(model, *_first(tokens, layout, BATCH))
    )


def flops(model: Model, tokens: Tokens, layout: Layout | None) -> int:
    """Floating-point operations of drawing one picture, two for a multiply and add."""
    counter = FlopCounterMode(display=False)
    with counter:
        _draw(model, *_first(tokens, layout, 1))
    return int(counter.get_total_flops())


def parameters(model: Model) -> dict[str, int]:
    """Weights of the generator with its conditionings, and of all, encoders and discriminators too."""
    generator = [*model.stages.parameters(), *model.conditionings.parameters()]
    return {
        "generator": sum(p.numel() for p in generator),
        "all": sum(p.numel() for p in model.parameters()),
    }


def _first(tokens: Tokens, layout: Layout | None, count: int) -> tuple[Tokens, Layout | None]:
    rows = torch.arange(count) % len(tokens.ids)
    return tokens.rows(rows), layout.rows(rows) if layout else None


def _draw(model: Model, tokens: Tokens, layout: Layout | None) -> None:
    model.generate(tokens, list(range(len(tokens.ids))), layout=layout)


def _times(model: Model, tokens: Tokens, layout: Layout | None) -> Sequence[float]:
    found = []
    for number in range(WARM + ROUNDS):
        before = time.perf_counter()
        _draw(model, tokens, layout)
        if model.device.type == "cuda":
            torch.cuda.synchronize(model.device)
        if number >= WARM:
            found.append(time.perf_counter() - before)
    return found


def _peak(model: Model, tokens: Tokens, layout: Layout | None) -> int:
    if model.device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(model.device)
        before = torch.cuda.memory_allocated(model.device)
        _draw(model, tokens, layout)
        return int(torch.cuda.max_memory_allocated(model.device) - before)
    watch = _Living()
    with watch:
        _draw(model, tokens, layout)
    return watch.most


class _Living(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Bytes of tensors that operations made and that are still there; `most`: at the worst moment."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = self._now = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        inputs = {
            id(a.untyped_storage())
            for a in torch.utils._pytree.tree_leaves(args)
            if isinstance(a, torch.Tensor)
        }
        for made in torch.utils._pytree.tree_leaves(out):
            if isinstance(made, torch.Tensor) and id(made.untyped_storage()) not in inputs | self._known:
                self._add(made.untyped_storage())
        return out

    def _add(self, storage: torch.UntypedStorage) -> None:
        size, key = storage.nbytes(), id(storage)
        self._known.add(key)
        self._now += size
        self.most = max(self.most, self._now)
        weakref.finalize(storage, self._drop, key, size)

    def _drop(self, key: int, size: int) -> None:
        self._known.discard(key)
        self._now -= size
