"""Bars on a terminal, log lines elsewhere."""

import io
import logging

import pytest
from rich.console import Console

from ganzoo import progress
from ganzoo.progress import ConsoleHandler, TrainingProgress, counting, short_names, show_log

LOSSES = {
    "discriminator/gan_int_cls/matching": 1.38629,
    "generator/core/nonsaturating": 123456.7,
    "generator/stackgan/kl": 0.00001,
}
RATES = {"steps_per_second": 2.0, "images_per_second": 64.0}


@pytest.fixture
def terminal(monkeypatch):
    """A terminal of 80 columns; what is drawn on it."""
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=80, color_system=None, legacy_windows=False)
    monkeypatch.setattr(progress, "console", console)
    return screen


def test_short_names():
    assert list(short_names(LOSSES).values()) == ["D matching", "G nonsaturating", "G kl"]


def test_short_names_that_would_look_alike():
    names = ["generator/core/kl", "generator/stackgan/kl", "encoders/attngan/damsm"]
    assert list(short_names(names).values()) == ["G core/kl", "G stackgan/kl", "E damsm"]


def test_bar(terminal):
    with TrainingProgress("gan", 0, 10, 32) as bar:
        bar.advance(3)
        bar.say(3, LOSSES, RATES)
    lines = [line.rstrip() for line in terminal.getvalue().splitlines()]
    last = max(number for number, line in enumerate(lines) if "3/10" in line)
    bar, numbers, more = lines[last : last + 3]
    assert "gan " in bar and "left" in bar
    assert numbers == "2.00 steps/s  64 images/s  D matching 1.386  G nonsaturating 1.235e+05  G kl"
    assert more.startswith("1e-05"), "a long line goes on below"


def test_log_lines(caplog):
    with caplog.at_level(logging.INFO, "ganzoo"), TrainingProgress("gan", 0, 10, 32) as bar:
        bar.advance(3)
        bar.say(3, LOSSES, RATES)
    assert caplog.messages == [
        "gan 3/10  0:00:04 left  2.00 steps/s  64 images/s  "
        "D matching 1.386  G nonsaturating 1.235e+05  G kl 1e-05"
    ]


def test_other_processes_say_nothing(caplog, terminal):
    with caplog.at_level(logging.INFO, "ganzoo"):
        with TrainingProgress("gan", 0, 10, 32, shown=False) as bar:
            bar.advance(3)
            bar.say(3, LOSSES, RATES)
    assert not caplog.messages and not terminal.getvalue()


def test_rates():
    bar = TrainingProgress("gan", 4, 10, 32)
    rates = bar.rates(6)
    assert rates["steps_per_second"] > 0
    assert rates["images_per_second"] == pytest.approx(32 * rates["steps_per_second"])
    assert bar.rates(6)["steps_per_second"] == 0


def test_counting(terminal):
    with counting("packing [b, c]") as advance:
        advance(10, 20)
        advance(20, 20)
    assert "20/20" in terminal.getvalue() and "packing [b, c]" in terminal.getvalue()


def test_counting_elsewhere(monkeypatch, caplog):
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0.0)
    with caplog.at_level(logging.INFO, "ganzoo"), counting("packing") as advance:
        advance(10, 20)
    assert caplog.messages == ["packing: 10 of 20"]


def test_log_on_stderr(capsys, monkeypatch):
    log = logging.getLogger("ganzoo")
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log, "level", log.level)
    for _ in range(2):
        show_log()
    assert [type(handler) for handler in log.handlers] == [ConsoleHandler]
    log.info("into [runs/a] %s", "x" * 200)
    log.warning("careful")
    out, err = capsys.readouterr()
    assert not out and err.splitlines() == [f"into [runs/a] {'x' * 200}", "warning: careful"]


def test_log_of_other_processes(monkeypatch):
    log = logging.getLogger("ganzoo")
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log, "level", log.level)
    monkeypatch.setenv("RANK", "1")
    assert not show_log().isEnabledFor(logging.WARNING) and log.isEnabledFor(logging.ERROR)
