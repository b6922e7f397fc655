"""Runs the suite in a process of its own, out of reach of anyone's pytest settings, and reads its report."""

from __future__ import annotations

import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo import catalogue, durable
from ganzoo.bench.speed.earlier import earlier_report, other_machine
from ganzoo.bench.speed.job import Job, Outcome
from ganzoo.errors import GanzooError, printable
from ganzoo.install import install

ROUNDS, SECONDS = 5, 0.2
NEEDED = ("pytest", "pytest_benchmark")
FOLDER = Path(__file__).parent
NO_MORE = "Legend:"  # what pytest-benchmark prints below its tables
LAST_LINES = 15  # of pytest's output in an error
AGAIN = 0.1  # seconds between looks at how far the suite is

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Speed:
    """What was timed. `report`: pytest-benchmark's, `{}` where nothing could be. `table`: as it prints it.

    `outcomes`: every benchmark that failed or was skipped, and why. `elsewhere`: how the machine or torch of
    the report compared with differ from these; "" = not at all.
    """

    report: dict[str, Any]
    table: str
    outcomes: tuple[Outcome, ...]
    elsewhere: str = ""

    @property
    def failed(self) -> tuple[Outcome, ...]:
        """Those that are broken."""
        return tuple(outcome for outcome in self.outcomes if outcome.state == "failed")

    @property
    def skipped(self) -> tuple[Outcome, ...]:
        """Those that cannot be timed here."""
        return tuple(outcome for outcome in self.outcomes if outcome.state == "skipped")


def run(
    models: Sequence[str | Path] = (),
    *,
    device: str = "auto",
    full: bool = False,
    rounds: int = ROUNDS,
    seconds: float = SECONDS,
    compare: Path | None = None,
    out: Path | None = None,
    progress: Progress | None = None,
) -> Speed:
    """Time `models` (names of the catalogue, recipe files, run folders; default: all installed) and metrics.

    Tiny forms, or `full` recipes as far as memory goes. Each benchmark takes at least `rounds` rounds, and as
    many as fit into `seconds`. `compare`: an earlier report, whose figures stand beside the new ones. `out`:
    the file that gets the report. `progress(done, total)` is called meanwhile.

    A model that fails is an outcome; the others go on. Raises GanzooError: pytest-benchmark is not installed,
    no such model or device, `compare` is no report, `out` cannot be written, the suite's process died.
    """
    for package in NEEDED:
        if importlib.util.find_spec(package) is None:
            raise GanzooError(
                f"timing needs {package.replace('_', '-')}, which is not installed; "
                "try: pip install 'ganzoo[bench]'"
            )
    if rounds < 1 or not seconds > 0:
        raise GanzooError(
            f"timing was asked for {rounds} rounds and {seconds} seconds; "
            "expected 1 round or more, and some time"
        )
    found = _found(models)
    _check_device(device)
    earlier = earlier_report(compare, full) if compare else None
    if out:
        _check_out(out)
    with tempfile.TemporaryDirectory(prefix="ganzoo-speed-") as name:
        at = Path(name).resolve()
        job = Job(found, device, full, rounds, seconds, str(at / "outcomes"), str(at / "cache"))
        job.write(at / "job.json")
        words = _words(at)
        if compare and earlier is not None:
            beside = at / "storage" / f"{printable(compare.stem)}.json"
            beside.parent.mkdir()
            beside.write_text(json.dumps(earlier), errors="replace")
            words += [f"--benchmark-compare={beside}", "--benchmark-sort=name"]
        printed = _watch(words, at, progress)
        report = json.loads((at / "report.json").read_text()) if (at / "report.json").exists() else {}
        outcomes = tuple(o for o in _outcomes(at) if o.state in ("failed", "skipped"))
    if out and report:
        try:
            durable.replace(out, json.dumps(report, indent=1) + "\n")
        except OSError as error:
            raise GanzooError(f"cannot write {out}: {error.strerror or error}") from error
    elsewhere = other_machine(earlier, report) if earlier and report else ""
    return Speed(report, _table(printed), outcomes, elsewhere)


def _found(models: Sequence[str | Path]) -> dict[str, str]:
    """What the suite, in another folder, finds each model by. Raises GanzooError for unknown ones."""
    known = catalogue.load()
    if not models:
        return {name: name for name in known.recipes if not install(name, dry_run=True, catalogue=known)}
    found = {}
    for model in map(str, models):
        catalogue.recipe(model)
        found[model] = model if model in known.recipes else str(Path(model).expanduser().absolute())
    return found


def _check_device(device: str) -> None:
    from ganzoo.runtime import device_called

    device_called(device)


def _check_out(out: Path) -> None:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=out.parent).close()
    except OSError as error:
        raise GanzooError(f"cannot write {out}: {error.strerror or error}") from error
    if out.is_dir():
        raise GanzooError(f"cannot write the report {out}: it is a folder")


def _words(at: Path) -> list[str]:
    """The command: no other plugin, no settings, no cache, nothing imported from the folder it runs in."""
    return [
        sys.executable, "-P", "-m", "pytest", str(FOLDER / "suite.py"),
        "-c", os.devnull, f"--rootdir={FOLDER}", "--import-mode=importlib", "--assert=plain",
        "-p", "no:cacheprovider", "-p", "pytest_benchmark.plugin", "-p", "ganzoo.bench.speed.harness",
        "-q", "--no-header", "--tb=short", "--color=no", "-W", "ignore",
        "--ganzoo-job", str(at / "job.json"),
        f"--benchmark-json={at / 'report.json'}", f"--benchmark-storage=file://{at / 'storage'}",
        "--benchmark-disable-gc", "--benchmark-sort=mean", "--benchmark-columns=median,iqr,ops,rounds",
    ]  # fmt: skip


def _watch(words: list[str], at: Path, progress: Progress | None) -> str:
    """Run the suite to its end; what it printed. Raises GanzooError when it did not get there."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    own = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    with (at / "printed").open("w") as printed:
        suite = subprocess.Popen(
            words, cwd=at, env={**kept, **own}, stdout=printed, stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        try:
            while suite.poll() is None:
                time.sleep(AGAIN)
                if progress and (total := _total(at)):
                    progress(sum(o.state != "begun" for o in _outcomes(at)), total)
        finally:
            suite.kill()
            suite.wait()
    said = (at / "printed").read_text(errors="replace")
    if suite.returncode not in (0, 1):  # 1: benchmarks failed
        raise GanzooError(_death(suite.returncode, _outcomes(at), said))
    return said


def _total(at: Path) -> int:
    """How many benchmarks there are; 0 while that is not known."""
    path = at / "total"
    return int(path.read_text() or 0) if path.exists() else 0


def _outcomes(at: Path) -> list[Outcome]:
    path = at / "outcomes"
    lines = path.read_text().splitlines(keepends=True) if path.exists() else []
    return [Outcome(**json.loads(line)) for line in lines if line.endswith("\n")]


def _death(code: int, outcomes: list[Outcome], said: str) -> str:
    if code >= 0 or not outcomes:
        return "timing did not get to its end\n" + "\n".join(said.splitlines()[-LAST_LINES:])
    last = outcomes[-1]
    advice = "; there may be too little memory for it" if code == -signal.SIGKILL else ""
    return f"timing was ended by signal {-code} at {last.name}, {last.group}{advice}"


def _table(printed: str) -> str:
    """pytest-benchmark's tables out of what pytest prints."""
    lines = printed.splitlines()
    first = next((at for at, line in enumerate(lines) if line.startswith("-") and " benchmark" in line), None)
    if first is None:
        return ""
    last = next((at for at, line in enumerate(lines) if line.startswith(NO_MORE)), len(lines))
    return "\n".join(line.rstrip() for line in lines[first:last]).rstrip()
