"""Losses and weights that are not finite, found without waiting for the device at each step."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor

MOST = 1000  # steps kept without a look


@dataclass(frozen=True)
class Unhealthy:
    """A loss that was not finite, and the step after which it was not for the first time."""

    loss: str
    step: int
    value: float


class Losses:
    """The losses of the latest steps, kept on the device until somebody looks.

    Reading a number makes the CPU wait for the device, so that is done now and then, for all steps at once.
    """

    def __init__(self, compute: Accelerator) -> None:
        self._compute = compute
        self._steps: list[tuple[int, tuple[str, ...], Tensor]] = []

    def take(self, step: int, values: Mapping[str, Tensor]) -> None:
        """Remember the losses of `step`, scalars."""
        nothing = torch.empty(0, device=self._compute.device, dtype=torch.float64)
        stacked = torch.stack([value.double() for value in values.values()]) if values else nothing
        self._steps.append((step, tuple(values), stacked))

    @property
    def many(self) -> bool:
        """Whether it is time to look, lest they fill the memory."""
        return len(self._steps) >= MOST

    def look(self) -> tuple[dict[str, float], Unhealthy | None]:
        """The newest step's losses, means over processes; and the first that was not finite since last time.

        All processes must look at the same time.
        """
        if not self._steps:
            return {}, None
        together = torch.cat([stacked for _, _, stacked in self._steps])
        numbers = iter(self._compute.reduce(together, "mean").tolist())
        newest: dict[str, float] = {}
        unhealthy: Unhealthy | None = None
        for step, names, _ in self._steps:
            newest = {name: next(numbers) for name in names}
            bad = first_unhealthy(newest)
            if bad and not unhealthy:
                unhealthy = Unhealthy(bad, step, newest[bad])
        self._steps.clear()
        return newest, unhealthy


def first_unhealthy(values: Mapping[str, float]) -> str | None:
    """The name of the first loss that is not finite."""
    return next((name for name, value in values.items() if not math.isfinite(value)), None)


def unhealthy_weights(state: Mapping[str, Tensor]) -> str | None:
    """The name of the first tensor that is not finite throughout."""
    names = [name for name, value in state.items() if value.is_floating_point() and value.numel()]
    if not names:
        return None
    # Both pass a NaN on, and are ten times faster than looking at each number with isfinite.
    extremes = [torch.stack(torch.aminmax(state[name])).double() for name in names]
    finite = torch.stack(extremes).isfinite().all(dim=1).tolist()
    return next((name for name, good in zip(names, finite, strict=True) if not good), None)
