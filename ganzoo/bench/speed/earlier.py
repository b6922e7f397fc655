"""An earlier report to compare with: anybody's file, so only what the table shows of it goes on."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ganzoo import untrusted
from ganzoo.errors import GanzooError, printable

LARGEST = 200_000_000  # bytes
NUMBERS = ("min", "max", "mean", "median", "stddev", "iqr", "ops", "rounds", "iterations")


def earlier_report(path: Path, full: bool) -> dict[str, Any]:
    """What pytest-benchmark needs of the report at `path`, to set it beside a new one in that form.

    Raises GanzooError for a file that is no report, and for one of the other form.
    """
    report = read_report(path)
    benchmarks = report["benchmarks"]
    form, other = ("full", "tiny") if full else ("tiny", "full")
    if any(_form(benchmark) == other for benchmark in benchmarks):
        raise GanzooError(
            f"{path} has the speed of {other} forms, which tells nothing beside that of {form} ones; "
            f"{'leave out' if full else 'add'} `--full`"
        )
    machine = report.get("machine_info")
    return {
        "machine_info": machine if isinstance(machine, dict) else {},
        "benchmarks": [_copy(benchmark) for benchmark in benchmarks],
    }


def read_report(path: Path) -> dict[str, Any]:
    """A report of pytest-benchmark as it is. Raises GanzooError for a file that is none."""
    report = untrusted.read_json(path, LARGEST)
    benchmarks = report.get("benchmarks")
    if not isinstance(benchmarks, list) or not benchmarks or not all(map(_sound, benchmarks)):
        raise GanzooError(
            f"{path} is no report of pytest-benchmark; `ganzoo bench speed --json FILE` writes one"
        )
    return report


def other_machine(earlier: dict[str, Any], now: dict[str, Any]) -> str:
    """`torch 2.13.0, now 2.14.1`: what times depend on and the two reports say differently; "" = nothing."""
    then, here = (_machine(report["machine_info"]) for report in (earlier, now))
    return "; ".join(f"{what} {then[what]}, now {here[what]}" for what in here if then[what] != here[what])


def _machine(said: dict[str, Any]) -> dict[str, str]:
    cpu = said.get("cpu")
    found = {"cpu": cpu.get("brand_raw") if isinstance(cpu, dict) else None}
    found |= {what: said.get(what) for what in ("device", "threads", "torch", "python_version")}
    return {what: printable(str(value))[:80] for what, value in found.items()}


def _form(benchmark: dict[str, Any]) -> Any:
    info = benchmark.get("extra_info")
    return info.get("form") if isinstance(info, dict) else None


def _sound(benchmark: Any) -> bool:
    if not isinstance(benchmark, dict) or not isinstance(benchmark.get("stats"), dict):
        return False
    numbers = [benchmark["stats"].get(key) for key in NUMBERS]
    return isinstance(benchmark.get("fullname"), str) and all(
        type(number) in (int, float) and math.isfinite(number) for number in numbers
    )


def _copy(benchmark: dict[str, Any]) -> dict[str, Any]:
    stats = {key: benchmark["stats"][key] for key in NUMBERS}
    return {"fullname": printable(benchmark["fullname"]), "stats": {**stats, "outliers": ""}}
