"""What people see of long work: rich bars on a terminal, one log line every now and then elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta

from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from ganzoo import launch
from ganzoo.errors import printable

console = Console(stderr=True)
log = logging.getLogger("ganzoo")

QUIET_SECONDS = 10.0


class ConsoleHandler(logging.Handler):
    """Log records as plain lines on stderr, above a bar that may be shown there."""

    def emit(self, record: logging.LogRecord) -> None:
        """Print one record; warnings and errors begin with their level."""
        level = f"{record.levelname.lower()}: " if record.levelno >= logging.WARNING else ""
        console.print(Text(level + printable(record.getMessage())), soft_wrap=True)


def show_log() -> logging.Logger:
    """Show ganzoo's log lines on stderr; of several processes only the first shows more than errors."""
    if not any(isinstance(handler, ConsoleHandler) for handler in log.handlers):
        log.addHandler(ConsoleHandler())
    log.setLevel(logging.INFO if launch.rank() == 0 else logging.ERROR)
    return log


@contextmanager
def counting(what: str) -> Iterator[Callable[[int, int], None]]:
    """A bar for counted work: call the result with (done, total). Off a terminal, a line now and then."""
    bar = Progress(
        SpinnerColumn(), TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console, disable=not console.is_terminal or launch.rank() > 0, transient=True,
    )  # fmt: skip
    task = bar.add_task(what, total=None)
    said = time.monotonic()

    def advance(done: int, total: int) -> None:
        nonlocal said
        bar.update(task, completed=done, total=total)
        if not console.is_terminal and time.monotonic() - said > QUIET_SECONDS:
            said = time.monotonic()
            log.info("%s: %d of %d", what, done, total)

    with bar:
        yield advance


class _Bar(Progress):
    """A bar with a line of text below it, wrapped where the terminal is narrow."""

    below = ""

    def get_renderables(self) -> Iterable[RenderableType]:
        yield self.make_tasks_table(self.tasks)
        if self.below:
            yield Text(self.below)


class TrainingProgress:
    """The progress of one phase: step, time left, steps/s, images/s, losses. Use it as a context manager.

    `shown`: on a terminal a bar; else a log line at each `say`. Only one process of several shows it.
    """

    def __init__(self, phase: str, start: int, total: int, images_a_step: int, shown: bool = True) -> None:
        self._images = images_a_step
        self._phase, self._total, self._shown = phase, total, shown
        self._since, self._from = time.monotonic(), start
        self._bar = _Bar(
            TextColumn("{task.description}", style="bold", markup=False), BarColumn(bar_width=24),
            MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("left"), TimeRemainingColumn(),
            console=console, disable=not (shown and console.is_terminal),
        )  # fmt: skip
        self._task = self._bar.add_task(phase, total=total, completed=start)

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
        speed = f"{rates['steps_per_second']:.2f} steps/s  {rates['images_per_second']:.0f} images/s"
        shown = "  ".join(f"{short} {losses[name]:.4g}" for name, short in short_names(losses).items())
        self._bar.below = f"{speed}  {shown}"
        if self._shown and not console.is_terminal:
            left = timedelta(seconds=round((self._total - step) / max(rates["steps_per_second"], 1e-9)))
            log.info("%s %d/%d  %s left  %s  %s", self._phase, step, self._total, left, speed, shown)


def short_names(losses: Iterable[str]) -> dict[str, str]:
    """`generator/core/hinge` as `G hinge`; with the prefix where two plugins' losses would look alike."""
    names = [name.split("/", 1) for name in losses]
    ends = [(update, loss.rsplit("/", 1)[-1]) for update, loss in names]
    return {
        f"{update}/{loss}": f"{update[0].upper()} {end if ends.count((update, end)) == 1 else loss}"
        for (update, loss), (_, end) in zip(names, ends, strict=True)
    }
