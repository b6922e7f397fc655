"""What the processes of one training tell each other: gradients, statistics, rows, failures.

Everything is built on all-reduces that every process reaches in the same order with tensors of the same
shape, so none can be left waiting. In one process all of it does nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from ganzoo.errors import StoppedElsewhere

if TYPE_CHECKING:
    from accelerate import Accelerator

# What torch says, in a RuntimeError, when another process has ended: gloo, then NCCL.
LOST = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "remote process exit")


def copy_from_main(compute: Accelerator, module: nn.Module) -> None:
    """Give every process the main one's weights and buffers.

    Equal seeds make equal weights on equal machines only: others may differ in the last bit, and would drift
    apart.
    """
    if compute.num_processes > 1:
        for value in (*module.parameters(), *module.buffers()):
            shared = value.detach().contiguous()
            torch.distributed.broadcast(shared, 0)
            value.detach().copy_(shared)


def average_gradients(compute: Accelerator, parameters: Sequence[nn.Parameter]) -> None:
    """Average gradients over processes, in one all-reduce.

    Every parameter takes part in it. A process without a gradient for one counts as zeros there, as its rows
    do in the gradient of the whole batch; a parameter without one everywhere stays without.
    """
    if compute.num_processes == 1 or not parameters:
        return
    grads = [p.grad for p in parameters]
    parts = [torch.zeros_like(p) if g is None else g for p, g in zip(parameters, grads, strict=True)]
    there = parts[0].new_tensor([g is not None for g in grads])
    flat: Any = compute.reduce(torch.cat([*(part.flatten() for part in parts), there]), "mean")
    *means, there = flat.split([*(part.numel() for part in parts), len(parts)])
    for part, mean in zip(parts, means, strict=True):
        part.copy_(mean.view_as(part))
    missing = [i for i, gradient in enumerate(grads) if gradient is None]
    for i, elsewhere in zip(missing, there[missing].tolist() if missing else [], strict=True):
        parameters[i].grad = parts[i] if elsewhere else None


def average_buffers(compute: Accelerator, modules: Iterable[nn.Module]) -> None:
    """Make buffers equal in all processes, in one all-reduce: batch norm's running statistics above all.

    Those of floating point become their mean over processes, others (counters) the main process's.
    """
    buffers = [buffer for module in modules for buffer in module.buffers()]
    if compute.num_processes == 1 or not buffers:
        return
    real = [buffer for buffer in buffers if buffer.is_floating_point()]
    counts = [buffer for buffer in buffers if not buffer.is_floating_point()]
    empty = torch.empty(0, device=buffers[0].device)
    flat = torch.cat(
        [
            torch.cat([empty, *(b.flatten() for b in real)]).double() / compute.num_processes,
            torch.cat([empty.long(), *(b.flatten() for b in counts)]).double() * compute.is_main_process,
        ]
    )
    shared: Any = compute.reduce(flat, "sum")
    parts = shared.split([b.numel() for b in (*real, *counts)])
    for buffer, part in zip((*real, *counts), parts, strict=True):
        buffer.copy_(part.view_as(buffer))


def next_rows(rows: Tensor) -> Tensor:
    """Row i + 1 for row i of the batch of all processes, the first for the last: `roll(-1, 0)`, [b, ...].

    A process gets its last row from the next one. Differentiable, once.
    """
    if not torch.distributed.is_initialized():
        return rows.roll(-1, 0)
    first: Tensor = _FirstOfNext.apply(rows[:1])
    return torch.cat([rows[1:], first])


class _FirstOfNext(torch.autograd.Function):
    """The next process's `first` [1, ...]; its gradient goes back there."""

    @staticmethod
    def forward(ctx: Any, first: Tensor) -> Tensor:
        return _from_neighbour(first, 1)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        return _from_neighbour(gradient, -1)


def _from_neighbour(mine: Tensor, distance: int) -> Tensor:
    """What the process `distance` ranks further on passes to this function."""
    rank, world = torch.distributed.get_rank(), torch.distributed.get_world_size()
    slots = mine.new_zeros(world, *mine.shape)
    slots[rank] = mine
    torch.distributed.all_reduce(slots)
    return slots[(rank + distance) % world]


def anywhere(compute: Accelerator, here: bool) -> bool:
    """Whether `here` is true in any process. All of them must ask."""
    return here if compute.num_processes == 1 else any(_from_all(compute, here))


@contextmanager
def failing_together(compute: Accelerator) -> Iterator[None]:
    """A block that all processes pass or none does.

    Where it fails in some of them, the first of these raises its own error, and all others
    `StoppedElsewhere`, which says nothing. Blocks may be nested; between them a process may wait for others
    in another such block only, not in an all-reduce of its own.
    """
    if compute.num_processes == 1:
        yield
        return
    failure: Exception | None = None
    try:
        yield
    except Exception as error:
        if getattr(error, "known_everywhere", False):
            raise
        failure = error
    failed = _from_all(compute, failure is not None)
    if not any(failed):
        return
    if failure is None or failed.index(True) != compute.process_index:
        failure = StoppedElsewhere()
    failure.known_everywhere = True  # type: ignore[attr-defined]
    raise failure


@contextmanager
def main_first(compute: Accelerator) -> Iterator[None]:
    """The main process passes the block first, then all others; where it fails, all processes stop."""
    with failing_together(compute):
        if compute.is_main_process:
            yield
    with failing_together(compute):
        if not compute.is_main_process:
            yield


@contextmanager
def staying_connected() -> Iterator[None]:
    """Turn torch's error about a process that has ended into `StoppedElsewhere`."""
    try:
        yield
    except RuntimeError as error:
        if not any(said in str(error) for said in LOST):
            raise
        raise StoppedElsewhere("another process of this run has ended; what it said last is why") from error


def _from_all(compute: Accelerator, here: bool) -> list[bool]:
    """What every process passes to this function, in their order."""
    flags = torch.zeros(compute.num_processes, device=compute.device)
    flags[compute.process_index] = here
    shared: Any = compute.reduce(flags, "sum")
    return [bool(flag) for flag in shared.tolist()]
