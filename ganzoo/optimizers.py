"""Optimizers a recipe can name, `core/adam` and `core/adamw`, with their schedule and gradient clip."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt
from torch import Tensor, nn

from ganzoo.components import Component

MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what Adam and its kin keep of each weight

Beta = Annotated[float, Field(ge=0, lt=1)]


@dataclass(frozen=True, kw_only=True)
class Decay(Component):
    """Multiply the learning rate by `factor` after every `every` epochs, or after those numbered in `at`.

    It never falls below `least` times what it was.
    """

    factor: PositiveFloat
    every: PositiveInt | None = None
    at: tuple[PositiveInt, ...] = ()
    least: NonNegativeFloat = 0.0

    def __post_init__(self) -> None:
        if (self.every is None) == (not self.at):
            raise ValueError("give either `every` (epochs) or `at` (numbers of finished epochs)")

    def multiplier(self, epochs_done: int) -> float:
        """What the learning rate is multiplied by after so many finished epochs."""
        times = epochs_done // self.every if self.every else sum(epochs_done >= e for e in self.at)
        return max(self.least, float(self.factor**times))


@dataclass(frozen=True, kw_only=True)
class Optimizer(Component):
    """What every optimizer has: `lr`, `betas`, `eps`, and, if wanted, a schedule and a bound on the gradient.

    `decay` multiplies the learning rate: {factor: 0.5, every: 100} after every 100 epochs, {factor: 0.5, at:
    [100, 150]} after these, `least: 0.1` no further than to a tenth. `clip` is the largest norm of the
    gradient: one number for all of the update's modules together, or one a module: {text: 0.25}.
    """

    lr: PositiveFloat = 2e-4
    betas: tuple[Beta, Beta] = (0.5, 0.999)
    eps: PositiveFloat = 1e-8
    decay: Decay | None = None
    clip: PositiveFloat | dict[str, PositiveFloat] | None = None

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """The torch optimizer over `parameters`."""
        raise AssertionError(f"{type(self).__name__} is not an optimizer of its own")

    def lr_after(self, epochs_done: int) -> float:
        """The learning rate after so many finished epochs."""
        return self.lr * (self.decay.multiplier(epochs_done) if self.decay else 1.0)


@dataclass(frozen=True, kw_only=True)
class Adam(Optimizer):
    """Adam. `torch7`: epsilon is added before the bias correction, as Torch7's optim.adam did.

    Source: Kingma & Ba 2015, arXiv:1412.6980, algorithm 1; `torch7`: section 2, last paragraph, and
    torch/optim adam.lua.
    """

    torch7: bool = False

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """torch.optim.Adam (fused where it can be), or Torch7's."""
        options: dict[str, Any] = {"lr": self.lr, "betas": self.betas, "eps": self.eps}
        return (
            Torch7Adam(parameters, **options)
            if self.torch7
            else torch.optim.Adam(parameters, fused=True, **options)
        )


@dataclass(frozen=True, kw_only=True)
class AdamW(Optimizer):
    """Adam with decoupled weight decay: each step also takes `lr` x `weight_decay` off every weight.

    Source: Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2.
    """

    weight_decay: NonNegativeFloat = 1e-2

    def build(self, parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
        """torch.optim.AdamW, fused."""
        return torch.optim.AdamW(
            parameters, lr=self.lr, betas=self.betas, eps=self.eps, weight_decay=self.weight_decay, fused=True
        )


class Torch7Adam(torch.optim.Adam):
    """x -= lr sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + eps): torch's Adam at eps / sqrt(1 - b2^t)."""

    def step(self, closure: Any = None) -> Any:
        """One update."""
        given = [group["eps"] for group in self.param_groups]
        for group in self.param_groups:
            done = next((int(s["step"]) for p in group["params"] if (s := self.state.get(p))), 0)
            group["eps"] = group["eps"] / (1 - group["betas"][1] ** (done + 1)) ** 0.5
        try:
            return super().step(closure)
        finally:
            for group, eps in zip(self.param_groups, given, strict=True):
                group["eps"] = eps


def load_moments(optimizer: torch.optim.Optimizer, saved: Any) -> None:
    """Go on from the moments in `saved`, what `state_dict` gave; options stay those of the recipe.

    Raises ValueError where they do not fit the optimizer's weights.
    """
    groups = optimizer.state_dict()["param_groups"]
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    if not isinstance(saved, dict) or not isinstance(moments := saved.get("state"), dict):
        raise ValueError("there is no optimizer's state")
    if unknown := moments.keys() - set(range(len(weights))):
        raise ValueError(f"they are of weight {unknown.pop()!r} too, here are {len(weights)}")
    for number, found in moments.items():
        if not isinstance(found, dict) or found.keys() != set(MOMENTS):
            raise ValueError(f"weight {number} has not just {', '.join(MOMENTS)}")
        for name, value in found.items():
            shape = () if name == "step" else weights[number].shape
            if not isinstance(value, Tensor) or value.shape != shape or not value.is_floating_point():
                raise ValueError(f"`{name}` of weight {number} is no tensor of shape {tuple(shape)}")
    optimizer.load_state_dict({"state": moments, "param_groups": groups})


OPTIMIZERS: Mapping[str, type[Optimizer]] = {"core/adam": Adam, "core/adamw": AdamW}
