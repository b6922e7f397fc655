"""Shards in a data folder: the files that hold many examples each, found below it."""

from __future__ import annotations

import os
from pathlib import Path

from ganzoo import untrusted
from ganzoo.errors import GanzooError, printable

DEEPEST = 4  # folders in folders
MOST = 100_000


def find(root: Path, suffix: str) -> list[str]:
    """Paths below `root` of files that end in `suffix`, with forward slashes, sorted.

    Names that begin with a dot are skipped. Raises GanzooError: links out of `root`, names with control
    characters, files that are none, too many of them, folders nested too deep.
    """
    found: list[str] = []
    for place, folders, names in os.walk(root):
        here = Path(place).relative_to(root)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        if len(here.parts) >= DEEPEST:
            folders.clear()
        chosen = [name for name in names if name.lower().endswith(suffix) and not name.startswith(".")]
        for name in chosen:
            shown = (here / name).as_posix()
            if printable(shown) != shown or "\n" in shown:
                raise GanzooError(f"{root} has a shard {shown!r}, named with control characters; rename it")
            untrusted.check_link(root, Path(place, name))
            untrusted.check_regular(Path(place, name))
            found.append(shown)
        if len(found) > MOST:
            raise GanzooError(f"{root} has more than {MOST:,} shards")
    return sorted(found)
