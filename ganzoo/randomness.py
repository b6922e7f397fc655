"""The one door through which draws come: nothing inside a module draws for itself.

In training the draws of a step are a pure function of (seed, step), so a resumed run needs no saved
generator, and each process takes its own rows of the same global draw. What torch's modules draw for
themselves (dropout) comes from generators that each step seeds anew. For sampling they are a function of
(seed, sample number), so a caption and a seed give the same picture at any batch size and in any order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


class Draws(Protocol):
    """Where a step or a sampler takes its random numbers from."""

    def normal(self, rows: int, width: int) -> Tensor:
        """[rows, width] standard normal."""

    def uniform(self, rows: int) -> Tensor:
        """[rows] uniform in [0, 1)."""


class StepDraws:
    """The draws of one training step: the same for every number of processes that share its global batch."""

    def __init__(
        self,
        seed: int,
        step: int,
        device: torch.device,
        dtype: torch.dtype,
        rank: int = 0,
        world: int = 1,
    ) -> None:
        state = np.random.SeedSequence([seed, step]).generate_state(1, np.uint64)[0]
        self._generator = torch.Generator().manual_seed(int(state >> np.uint64(1)))
        self._device, self._dtype, self._rank, self._world = device, dtype, rank, world

    def normal(self, rows: int, width: int) -> Tensor:
        """[rows, width] standard normal: this process's rows of the global draw."""
        return self._mine(torch.randn(rows * self._world, width, generator=self._generator))

    def uniform(self, rows: int) -> Tensor:
        """[rows] uniform in [0, 1): this process's rows of the global draw."""
        return self._mine(torch.rand(rows * self._world, generator=self._generator))

    def _mine(self, whole: Tensor) -> Tensor:
        return whole.chunk(self._world)[self._rank].to(self._device, self._dtype)


def seed_modules(seed: int, step: int, rank: int = 0) -> None:
    """Make what modules draw in a step for themselves, dropout above all, a function of these numbers.

    It sets torch's global generators.
    """
    state = np.random.SeedSequence([seed, step, rank, 1]).generate_state(1, np.uint64)[0]
    torch.manual_seed(int(state >> np.uint64(1)))


class SampleDraws:
    """One independent stream of draws for each (seed, number) pair, advanced together.

    `seeds` has one seed a sample; `numbers` tells samples of one seed apart (all 0 unless given).
    """

    def __init__(
        self,
        seeds: Sequence[int],
        numbers: Sequence[int] | None = None,
        device: torch.device | str = "cpu",
        dtype: torch.dtype = torch.float32,
    ) -> None:
        numbers = [0] * len(seeds) if numbers is None else numbers
        self._streams = [
            np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, number])))
            for seed, number in zip(seeds, numbers, strict=True)
        ]
        self._device, self._dtype = device, dtype

    def normal(self, rows: int, width: int) -> Tensor:
        """[rows, width] standard normal, row i from stream i."""
        return self._stack([stream.standard_normal(width) for stream in self._rows(rows)])

    def uniform(self, rows: int) -> Tensor:
        """[rows] uniform in [0, 1), row i from stream i."""
        return self._stack([stream.random(1) for stream in self._rows(rows)])[:, 0]

    def _rows(self, rows: int) -> list[np.random.Generator]:
        assert rows == len(self._streams), (rows, len(self._streams))
        return self._streams

    def _stack(self, draws: list[NDArray[np.float64]]) -> Tensor:
        return torch.from_numpy(np.stack(draws)).to(self._device, self._dtype)
