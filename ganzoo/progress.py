"""What people see of long work: rich bars on a terminal, one log line every now and then elsewhere."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

console = Console(stderr=True)

QUIET_SECONDS = 10.0


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for counted work: call the result with (done, total). Off a terminal, a line every ten seconds."""
    bar = Progress(
        SpinnerColumn(), TextColumn(what), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        console=console, disable=not console.is_terminal, transient=True,
    )  # fmt: skip
    task = bar.add_task(what, total=None)
    said = time.monotonic()

    def advance(done: int, total: int) -> None:
        nonlocal said
        bar.update(task, completed=done, total=total)
        if not console.is_terminal and time.monotonic() - said > QUIET_SECONDS:
            said = time.monotonic()
            console.print(f"{what}: {done} of {total}", highlight=False)

    with bar:
        yield advance


class TrainingProgress:
    """The bar of one phase: step, losses, steps/s, images/s, time left. Use it as a context manager."""

    def __init__(self, phase: str, start: int, total: int, images_a_step: int) -> None:
        self._images = images_a_step
        self._phase, self._total = phase, total
        self._since, self._from = time.monotonic(), start
        self._bar = Progress(
            TextColumn("[bold]{task.description}"), BarColumn(bar_width=24), MofNCompleteColumn(),
            TextColumn("{task.fields[said]}"), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
            console=console, disable=not console.is_terminal,
        )  # fmt: skip
        self._task = self._bar.add_task(phase, total=total, completed=start, said="")

    def __enter__(self) -> TrainingProgress:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def advance(self, step: int) -> None:
        """`step` steps of the phase are finished."""
        self._bar.update(self._task, completed=step)

    def rates(self, step: int) -> dict[str, float]:
        """Steps and images a second since the last call of `rates`."""
        now = time.monotonic()
        speed = (step - self._from) / max(now - self._since, 1e-9)
        self._since, self._from = now, step
        return {"steps_per_second": speed, "images_per_second": speed * self._images}

    def say(self, step: int, losses: Mapping[str, float], rates: Mapping[str, float]) -> None:
        """Show the newest losses and rates."""
        shown = "  ".join(f"{name.split('/')[0][0].upper()} {name.split('/')[-1]} {v:.3f}" for name, v in losses.items())
        speed = f"{rates['steps_per_second']:.2f} steps/s  {rates['images_per_second']:.0f} images/s"
        self._bar.update(self._task, said=f"{shown}  {speed}")
        if not console.is_terminal:
            left = timedelta(seconds=round((self._total - step) / max(rates["steps_per_second"], 1e-9)))
            console.print(f"{self._phase} {step}/{self._total}  {shown}  {speed}  {left} left", highlight=False, soft_wrap=True)
