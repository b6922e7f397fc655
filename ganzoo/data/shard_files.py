"""Shards in a data folder: the files that hold many examples each, found, fingerprinted and split."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from pathlib import Path

from ganzoo import untrusted
from ganzoo.errors import GanzooError, printable

DEEPEST = 4  # folders in folders
MOST = 100_000


def data_folder(folder: Path | None, who: str) -> Path:
    """The folder given with --data, resolved. GanzooError where there is none, saying `who` reads it."""
    if folder is None:
        raise GanzooError(f"{who} reads a folder: name it with --data")
    if not folder.is_dir():
        raise GanzooError(
            f"{folder} is {'no folder' if folder.exists() else 'not there'}; --data names a folder"
        )
    return folder.resolve()


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


def fingerprint(root: Path, shards: Sequence[str], keys: Sequence[str], options: object) -> str:
    """Changes with the shards' names, sizes and times of change, with the examples, and with `options`."""
    state = hashlib.sha256(f"{options}\n".encode())
    for shard in shards:
        stat = (root / shard).stat()
        state.update(f"{shard}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    for key in keys:
        state.update(f"{key}\n".encode())
    return state.hexdigest()
