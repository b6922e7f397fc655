"""Ctrl-C and SIGTERM while training: the step under way is finished and saved; a second one stops at once."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ganzoo import launch

log = logging.getLogger("ganzoo")

SIGNALS = (signal.SIGINT, signal.SIGTERM)
ECHO = 2.0  # seconds in which a launcher passes on a signal that the terminal sent to all processes as well


class Stopped(KeyboardInterrupt):
    """Training was stopped by a signal. `code`: the exit code for it, 130 for Ctrl-C, 143 for SIGTERM."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.code = 128 + number


class StopRequest:
    """Whether somebody asked to stop: `signal`, None until then.

    Outside a `between_steps` block a signal stops at once, inside it waits for the end of a step.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._patient = False
        self._since = 0.0

    @contextmanager
    def between_steps(self) -> Iterator[None]:
        """A loop that looks at `signal` after each step."""
        self._patient = True
        try:
            yield
        finally:
            self._patient = False

    def receive(self, number: int, _: FrameType | None = None) -> None:
        """The handler of a signal."""
        if self.signal is not None and launch.processes() > 1 and time.monotonic() - self._since < ECHO:
            return
        if self.signal is not None or not self._patient:
            self.signal = number
            raise Stopped(number)
        self.signal, self._since = number, time.monotonic()
        log.warning(
            "stopping: this step is finished and saved first; %s again stops at once",
            "Ctrl-C" if number == signal.SIGINT else signal.Signals(number).name,
        )


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """SIGINT and SIGTERM become requests to stop in this block; handlers are as before afterwards.

    Only Python's main thread is told of signals; in another one nothing changes, nor for signals that are
    ignored (nohup). A request that nobody answered by the end of the block is raised there, as `Stopped`.
    """
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return
    heard = [number for number in SIGNALS if signal.getsignal(number) not in (signal.SIG_IGN, None)]
    before = {number: signal.signal(number, request.receive) for number in heard}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if request.signal is not None:
        raise Stopped(request.signal)
