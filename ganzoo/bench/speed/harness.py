"""The suite's pytest plugin: its options, how a round is timed, what the parent process is told."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable, Generator, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

import pytest
import torch

import ganzoo.plugins
from ganzoo.bench.speed.job import Job, Outcome
from ganzoo.bench.speed.subject import Round, Subject, Unfit
from ganzoo.errors import GanzooError
from ganzoo.runtime import device_called, keep_large_blocks

WARM_UPS = 3  # rounds that do not count
MOST_ROUNDS = 1000
JOB = pytest.StashKey[Job]()

Timed = Callable[[str, str, Round, str, dict[str, Any]], None]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Where the job lies."""
    parser.addoption("--ganzoo-job", required=True)


def pytest_configure(config: pytest.Config) -> None:
    """Read the job; compute as training does."""
    config.stash[JOB] = Job.read(Path(config.getoption("--ganzoo-job")))
    keep_large_blocks()


# -- fixtures ----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def job(request: pytest.FixtureRequest) -> Job:
    """What is asked for."""
    return request.config.stash[JOB]


@pytest.fixture(scope="session")
def subject(request: pytest.FixtureRequest, job: Job) -> Iterator[Subject]:
    """One recipe, gone from memory before the next is built."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GANZOO_CACHE", job.cache)  # nobody else wants these pictures
        try:
            yield Subject(job.models[request.param], ganzoo.plugins.load(), job.device, job.full)
        except Unfit as reason:
            pytest.skip(str(reason))


@pytest.fixture
def timed(benchmark: Any, job: Job) -> Timed:
    """`timed(group, name, round, unit, info)` times it: `unit`_per_second of what it makes, by the median."""
    device = device_called(job.device)

    def act_of(round: Round) -> Callable[[], None]:
        def act() -> None:
            round.act()
            if device.type == "cuda":  # the GPU answers before it has computed
                torch.cuda.synchronize()

        return act

    def run(group: str, name: str, round: Round, unit: str, info: dict[str, Any]) -> None:
        act = act_of(round)
        took = _warm_up(act, round.repeat, job.seconds, patient=device.type == "cuda")
        rounds = max(job.rounds, min(MOST_ROUNDS, int(job.seconds / took)))
        benchmark.group, benchmark.name = group, name
        benchmark.pedantic(act, rounds=rounds, iterations=round.repeat)
        benchmark.extra_info.update(info, device=device.type, form="full" if job.full else "tiny")
        benchmark.extra_info[f"{unit}_per_second"] = round.makes / benchmark.stats.stats.median

    return run


def _warm_up(act: Callable[[], None], repeat: int, seconds: float, patient: bool) -> float:
    """Seconds of the last of a few rounds; unless `patient` only as many as fit into `seconds`."""
    begun = time.perf_counter()
    for _ in range(WARM_UPS):
        start = time.perf_counter()
        for _ in range(repeat):
            act()
        took = time.perf_counter() - start
        if not patient and time.perf_counter() - begun > seconds:
            break
    return max(took, 1e-9)


# -- what is said ------------------------------------------------------------------------


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Recipe after recipe; of each in the suite's order, which pytest would mix up."""
    models = list(config.stash[JOB].models)

    def place(item: pytest.Item) -> tuple[int, int, int]:
        assert isinstance(item, pytest.Function)
        name = item.callspec.params.get("subject")
        model = models.index(str(name)) if name else len(models)
        return model, item.function.__code__.co_firstlineno, item.callspec.indices.get("phase", 0)

    items.sort(key=place)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Say how many benchmarks there are."""
    Path(session.config.stash[JOB].outcomes).with_name("total").write_text(str(len(session.items)))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Say which benchmark begins: if the process is killed, this was the one."""
    _say(item, "begun")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say how it ended, with the error's own words."""
    report = yield
    error = call.excinfo.value if call.excinfo else None
    if report.skipped:
        _say(item, "skipped", str(error))
    elif report.failed:
        _say(item, "failed", _reason(error))
    elif call.when == "call":
        _say(item, "timed")
    return report


def _say(item: pytest.Item, state: Literal["begun", "timed", "failed", "skipped"], reason: str = "") -> None:
    assert isinstance(item, pytest.Function)
    group, name = item.module.called(item.originalname, item.callspec.params)
    outcome = Outcome(group, name, state, reason)
    with Path(item.config.stash[JOB].outcomes).open("a") as file:
        file.write(json.dumps(asdict(outcome)) + "\n")


def _reason(error: BaseException | None) -> str:
    if isinstance(error, GanzooError):
        return str(error)
    return f"{type(error).__name__}: {next(iter(str(error).splitlines()), '')}"


# -- the report --------------------------------------------------------------------------


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    """With torch and the device; without the host's name: reports are shown to others."""
    device = device_called(config.stash[JOB].device)
    machine_info.pop("node", None)
    machine_info["torch"] = torch.__version__
    machine_info["threads"] = torch.get_num_threads()
    machine_info["device"] = torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu"


def pytest_benchmark_update_json(output_json: dict[str, Any]) -> None:
    """Without each round's time, which would make up nearly all of the file."""
    for benchmark in output_json["benchmarks"]:
        benchmark["stats"].pop("data", None)
