"""Two comparisons side by side: `compare`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganzoo.console import say, warn


def compare(
    a: Annotated[Path, typer.Argument(metavar="A", help="A results.json, or the folder of one.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Another.")],
) -> None:
    """Compare two results.json score by score.

    Scores are subtracted only where they were measured under one protocol; else it says what differs.
    """
    from ganzoo.bench import comparing, results

    found = comparing.compare(results.load(a), results.load(b))
    if found.pairs:
        say(comparing.table(found))
    else:
        say(f"no model is finished in both {a} and {b}")
    for name, why in found.missing:
        warn(f"{name} is not compared: {why}")
    if found.settings:
        say("\nsettings that differ: " + "; ".join(f"{s.path} {s.one} → {s.other}" for s in found.settings))
