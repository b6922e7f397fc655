"""`bench speed`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganzoo.cli.options import Device
from ganzoo.console import say, say_table, warn
from ganzoo.errors import GanzooError

if TYPE_CHECKING:
    from ganzoo.bench.speed import Outcome


def speed(
    models: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Models, recipe files, runs [default: all installed]."),
    ] = None,
    device: Device = None,
    full: Annotated[
        bool, typer.Option("--full", help="Recipes as they are, where memory allows; not tiny forms.")
    ] = False,
    rounds: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="At least so many rounds of each [default: 5].")
    ] = None,
    seconds: Annotated[
        float | None, typer.Option(metavar="S", help="More rounds while they fit into it [default: 0.2].")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="Write pytest-benchmark's report.")
    ] = None,
    compare: Annotated[
        Path | None, typer.Option(metavar="FILE", help="An earlier report to set beside this one.")
    ] = None,
) -> None:
    """Time models and metrics with pytest-benchmark.

    Sampling, a step of each training phase, the text encoder, the loader, each metric: a table of each. Drawn
    shapes stand in for the models' data. Needs pip install 'ganzoo[bench]'.
    """
    from ganzoo.bench.speed import run
    from ganzoo.bench.speed.rates import rates
    from ganzoo.bench.speed.runner import ROUNDS, SECONDS
    from ganzoo.progress import counting, show_log

    show_log()
    with counting("timing") as progress:
        timed = run(
            models or (),
            device=device or "auto",
            full=full,
            rounds=ROUNDS if rounds is None else rounds,
            seconds=SECONDS if seconds is None else seconds,
            compare=compare,
            out=out,
            progress=progress,
        )
    if timed.table:
        say(f"{timed.table}\n\nimages (text encoder: captions) a second, by the median")
        _say_rates(rates(timed.report))
    if timed.elsewhere:
        warn(f"{compare} was not made under these conditions: {timed.elsewhere}")
    for line in _lines(timed.skipped):
        say(f"skipped: {line}")
    if out and timed.report:
        say(f"written: {out}")
    if timed.failed:
        lines = list(_lines(timed.failed))
        listed = "".join(f"\n  {number}. {line}" for number, line in enumerate(lines, 1))
        raise GanzooError(f"{len(timed.failed)} of what was to be timed failed{listed}")


def _say_rates(found: Mapping[str, Mapping[str, float]]) -> None:
    groups = list(dict.fromkeys(group for row in found.values() for group in row))
    rows = [
        (name, *(_number(row[group]) if group in row else "" for group in groups))
        for name, row in found.items()
    ]
    say_table(("", *groups), rows)


def _number(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def _lines(outcomes: Iterable[Outcome]) -> list[str]:
    """One line a reason: what and who, and why."""
    found: dict[str, tuple[dict[str, None], dict[str, None]]] = {}
    for outcome in outcomes:
        groups, names = found.setdefault(outcome.reason, ({}, {}))
        groups[outcome.group], names[outcome.name] = None, None
    return [
        f"{'; '.join(groups)} of {', '.join(names)}: {reason}" for reason, (groups, names) in found.items()
    ]
