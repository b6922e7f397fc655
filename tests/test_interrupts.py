"""Ctrl-C and SIGTERM: a save at the end of the step, how to go on, and everything as it was afterwards."""

import logging
import os
import signal
import threading

import pytest
import torch

from ganzoo import checkpoint
from ganzoo.interrupts import Stopped, StopRequest, stop_requests
from ganzoo.run import Run
from ganzoo.train import train

LONG = ("--device", "cpu", "--log-every", 1, "--set", "training.gan.steps=100000")


class SignalAt(logging.Handler):
    """Sends a signal to this very process, once, when a message of the log begins with `said`."""

    def __init__(self, said, name):
        super().__init__()
        self.said, self.number = said, getattr(signal, name)

    def emit(self, record):
        if self.number and record.getMessage().startswith(self.said):
            number, self.number = self.number, None
            os.kill(os.getpid(), number)


@pytest.fixture
def at():
    """`at("gan 3/", "SIGINT")`: send that signal when a message begins so."""
    log, handlers = logging.getLogger("ganzoo"), []
    level = log.level

    def add(said, name):
        handlers.append(SignalAt(said, name))
        log.addHandler(handlers[-1])
        log.setLevel(logging.INFO)

    yield add
    for handler in handlers:
        log.removeHandler(handler)
    log.setLevel(level)


@pytest.mark.parametrize("name, code", [("SIGINT", 130), ("SIGTERM", 143)])
def test_the_step_is_finished_and_saved(ganzoo, toy_file, tmp_path, at, name, code):
    folder = tmp_path / "run"
    at("gan 3/", name)
    ran = ganzoo("train", toy_file, "--run", folder, *LONG)
    assert ran.code == code
    assert [line["step"] for line in Run(folder).metrics] == [1, 2, 3, 4]
    again = "Ctrl-C" if name == "SIGINT" else name
    assert f"stopping: this step is finished and saved first; {again} again stops at once" in ran.err
    assert ran.err.splitlines()[-2:] == [
        f"stopped; {folder / 'checkpoints' / 'step-00000004'} is kept",
        f"go on with: ganzoo train {folder} --resume",
    ]
    ran = ganzoo("train", folder, "--resume", "--set", "training.gan.steps=6")
    assert ran.code == 0 and Run(folder).newest.name == "step-00000006"


def test_stopping_is_no_other_training(toy, tmp_path, at):
    """Stopped and gone on with, to the same last bit; from Python it is a KeyboardInterrupt."""
    whole = train(toy.set("training.gan.steps", 7), run_dir=tmp_path / "whole", device="cpu")
    at("gan 2/", "SIGINT")
    recipe = toy.set("training.gan.steps", 7)
    with pytest.raises(KeyboardInterrupt, match="stopped by SIGINT"):
        train(recipe, run_dir=tmp_path / "run", device="cpu", log_every=1)
    run = Run(tmp_path / "run")
    assert [path.name for path in run.saved] == ["step-00000003"]
    train(recipe, run_dir=run.path, resume=True)
    mine, theirs = checkpoint.load(run.newest), checkpoint.load(whole.newest)
    assert mine.step == theirs.step == 7
    assert all(torch.equal(mine.weights[name], theirs.weights[name]) for name in theirs.weights)


def test_a_second_signal_stops_at_once(ganzoo, toy_file, tmp_path, at):
    folder = tmp_path / "run"
    at("gan 3/", "SIGTERM")
    at("stopping:", "SIGINT")
    ran = ganzoo("train", toy_file, "--run", folder, "--save-every", 2, *LONG)
    assert ran.code == 130
    assert f"stopped; {folder / 'checkpoints' / 'step-00000002'} is kept" in ran.err
    assert [path.name for path in Run(folder).saved] == ["step-00000002"]


def test_before_training_a_signal_stops_at_once(ganzoo, toy_file, tmp_path, at):
    at("toy on cpu", "SIGINT")
    ran = ganzoo("train", toy_file, "--run", tmp_path / "run", *LONG)
    assert ran.code == 130
    assert ran.err.splitlines()[-1] == "stopped before the first checkpoint; there is nothing to go on from"
    assert not (tmp_path / "run").exists()


def test_nothing_is_saved_where_nothing_should_be(ganzoo, toy_file, tmp_path, at):
    at("gan 1/", "SIGINT")
    ran = ganzoo("train", toy_file, "--run", tmp_path / "run", "--save-every", 0, *LONG)
    assert ran.code == 130 and "stopped before the first checkpoint" in ran.err
    assert Run(tmp_path / "run").saved == []


def test_a_save_that_was_due_is_not_made_twice(toy, tmp_path, at):
    at("gan 1/", "SIGINT")
    with pytest.raises(Stopped) as stopped:
        train(toy, run_dir=tmp_path / "run", device="cpu", log_every=1, save_every=2)
    assert stopped.value.code == 130
    assert [path.name for path in Run(tmp_path / "run").saved] == ["step-00000002"]


def test_handlers_are_as_before(toy, tmp_path):
    mine = signal.signal(signal.SIGTERM, lambda *_: None)
    try:
        before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        train(toy, run_dir=tmp_path / "run", device="cpu")
        assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    finally:
        signal.signal(signal.SIGTERM, mine)


def test_what_is_ignored_stays_so():
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stop_requests():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, before)


def test_in_another_thread_nothing_changes():
    found = []

    def look():
        with stop_requests() as request:
            found.extend([signal.getsignal(signal.SIGINT), request.signal])

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=look)
    thread.start()
    thread.join()
    assert found == [before, None]


def test_a_request_nobody_answered_is_raised_in_the_end():
    done = []
    with pytest.raises(Stopped, match="SIGTERM"), stop_requests() as request:
        with request.between_steps():
            os.kill(os.getpid(), signal.SIGTERM)
        done.append(True)
    assert done


def test_launchers_pass_a_signal_on_a_second_time(monkeypatch):
    """The terminal tells every process of a group, and torchrun tells its own once more."""
    request = StopRequest()
    monkeypatch.setenv("RANK", "0")
    monkeypatch.setenv("WORLD_SIZE", "2")
    with request.between_steps():
        request.receive(signal.SIGINT)
        request.receive(signal.SIGINT)
        monkeypatch.setattr("ganzoo.interrupts.ECHO", -1.0)
        with pytest.raises(Stopped):
            request.receive(signal.SIGINT)
