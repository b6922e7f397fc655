"""Budgets: how long every model may train, in minutes, steps or pictures, and what that is in its steps."""

from __future__ import annotations

import logging
import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

from ganzoo.errors import GanzooError
from ganzoo.recipe import Recipe
from ganzoo.run import Run
from ganzoo.train import train

log = logging.getLogger("ganzoo")

FEW, MANY = (8, 1, 3), (60, 10, 2)  # steps that are timed, how many a log line, and lines that are too early
QUICK = 0.5  # seconds of a step from which many are timed: logging each would cost as much as it
_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0}
_FORM = re.compile(r"\s*(?P<amount>[0-9]+(?:\.[0-9]+)?)\s*(?P<unit>s|m|h|steps|images)\s*")


@dataclass(frozen=True)
class Budget:
    """So much training for each model and seed. `amount` is in seconds, steps, or pictures."""

    kind: Literal["seconds", "steps", "images"]
    amount: float
    said: str

    @classmethod
    def of(cls, text: str) -> Budget:
        """`20m`, `1.5h`, `90s`, `2000steps`, `100000images`. Raises GanzooError for anything else."""
        match = _FORM.fullmatch(text)
        if not match or not float(match["amount"]):
            raise GanzooError(
                f"cannot read the budget `{text}`; expected time, as in 20m, 1.5h or 90s, or 2000steps, or "
                "100000images"
            )
        unit, amount = match["unit"], float(match["amount"])
        if unit in _SECONDS:
            return cls("seconds", amount * _SECONDS[unit], text.strip())
        return cls("steps" if unit == "steps" else "images", amount, text.strip())

    def spent_by(self, lengths: Mapping[str, int], prices: Mapping[str, float]) -> dict[str, int]:
        """Steps of each phase, so that all cost the budget together; their proportions stay as they are.

        `lengths`: the recipe's own steps of each phase. `prices`: what one step costs, in the budget's kind.
        """
        whole = sum(lengths[name] * prices[name] for name in lengths)
        return {name: max(1, round(self.amount * lengths[name] / whole)) for name in lengths}


def within(
    budget: Budget, recipe: Recipe, lengths: Mapping[str, int], batches: Mapping[str, int],
    data: Path | None, device: str,
) -> Recipe:  # fmt: skip
    """The recipe with as many steps in each phase as the budget pays for.

    Time is taken of some steps of every phase on this machine, which trains nothing that is kept. All phases
    count, encoders' too. Raises GanzooError for a phase without a step.
    """
    if empty := [name for name, length in lengths.items() if not length]:
        raise GanzooError(
            f"{recipe.name}: phase {empty[0]} has no step to take: its data is less than a batch"
        )
    if budget.kind == "steps":
        prices = dict.fromkeys(lengths, 1.0)
    elif budget.kind == "images":
        prices = {name: float(batches[name]) for name in lengths}
    else:
        prices = seconds_a_step(recipe, data, device)
    steps = budget.spent_by(lengths, prices)
    log.info(
        "%s: %s is %s", recipe.name, budget.said, ", ".join(f"{n} steps of {p}" for p, n in steps.items())
    )
    return shortened(recipe, steps)


def shortened(recipe: Recipe, steps: Mapping[str, int]) -> Recipe:
    """The recipe with these steps of its phases, whatever it said of steps or epochs."""
    for phase, count in steps.items():
        recipe = recipe.set(f"training.{phase}.steps", count)  # which takes the place of epochs
    return recipe


def seconds_a_step(recipe: Recipe, data: Path | None, device: str) -> dict[str, float]:
    """How long a step of each phase takes here: the median of a few, or of some tens where it is quick."""
    found = _timed(recipe, data, device, *FEW)
    return _timed(recipe, data, device, *MANY) if max(found.values()) < QUICK else found


def _timed(
    recipe: Recipe, data: Path | None, device: str, steps: int, at_once: int, early: int
) -> dict[str, float]:
    tried = shortened(recipe, dict.fromkeys(recipe.phases, steps))
    for phase in recipe.phases:
        tried = tried.set(f"training.{phase}.measure", [])
    with tempfile.TemporaryDirectory(prefix="ganzoo-") as folder:
        run = train(
            tried, data, Path(folder) / "run", device=device, log_every=at_once, sample_every=0, save_every=0
        )
        return {phase: _seconds(run, phase, early) for phase in recipe.phases}


def _seconds(run: Run, phase: str, early: int) -> float:
    lines = [line for line in run.metrics if line.get("phase") == phase and "steps_per_second" in line]
    return 1 / float(median(line["steps_per_second"] for line in lines[early:]))
