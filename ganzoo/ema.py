"""Averaged weights of the generator, the ones that draw the pictures people see."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch
from torch import Tensor, nn


class Ema:
    """Exponential moving average of a module's parameters; buffers are copied, not averaged.

    After each step, average <- decay x average + (1 - decay) x weight. Copying buffers is what StackGAN++ and
    AttnGAN do in effect: their averaged generator runs on the live batch-norm statistics.

    `warmup`: in step n (from 0) decay is at most (1 + n) / (10 + n), so that the random start is soon
    forgotten; the originals don't do this.
    """

    def __init__(self, module: nn.Module, decay: float, warmup: bool = False) -> None:
        self.decay, self.warmup = decay, warmup
        self._module = module
        self.state = {name: value.detach().clone() for name, value in module.state_dict().items()}
        self._averaged = [name for name, parameter in module.named_parameters() if parameter.requires_grad]

    @torch.no_grad()
    def update(self, number: int) -> None:
        """Take the module's weights after step `number` (from 0) in."""
        decay = min(self.decay, (1 + number) / (10 + number)) if self.warmup else self.decay
        live = self._module.state_dict()
        averages = [self.state[name] for name in self._averaged]
        if averages:
            torch._foreach_lerp_(averages, [live[name] for name in self._averaged], 1 - decay)
        averaged = set(self._averaged)
        for name, value in live.items():
            if name not in averaged:
                self.state[name].copy_(value)

    @torch.no_grad()
    def load(self, state: Mapping[str, Tensor]) -> None:
        """Go on from saved averages."""
        for name, value in state.items():
            self.state[name].copy_(value)

    def hand_on(self) -> None:
        """The module holds the averages for good: what a finished phase, or `ema_restart`, leaves it with."""
        self._module.load_state_dict(self.state)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The module holds the averages inside this block, its own weights again afterwards."""
        live = {name: value.detach().clone() for name, value in self._module.state_dict().items()}
        self._module.load_state_dict(self.state)
        try:
            yield
        finally:
            self._module.load_state_dict(live)
