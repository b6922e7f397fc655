"""Files that are on the disk, whole and as given, once they count: a process may be killed at any moment.

Everything here raises OSError, as for a full disk. Nothing here imports torch.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from pathlib import Path

GONE = ".gone-"  # a folder on its way out


def digest(data: bytes | memoryview) -> str:
    """The SHA-256 of `data`."""
    return hashlib.sha256(data).hexdigest()


def write(path: Path, data: bytes | memoryview) -> str:
    """Write a new file, have it put on the disk, read it back. Returns its digest."""
    with path.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    wanted = digest(data)
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != wanted:
            raise OSError(errno.EIO, "the disk does not hold what was written", str(path))
    return wanted


def replace(path: Path, text: str) -> None:
    """Put a small text file in the place of what was there, in one step."""
    partial = path.parent / f".{path.name}.partial"
    try:
        write(partial, text.encode())
        os.replace(partial, path)
    except OSError:
        partial.unlink(missing_ok=True)
        raise
    sync(path.parent)


def sync(path: Path) -> None:
    """Have a file put on the disk, or the names in a folder: files appear, vanish and are renamed there."""
    if os.name != "posix":  # Windows opens no folders, and orders such changes itself
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def discard(folder: Path) -> None:
    """Take a folder away in one step; what is left of it when that is cut short is named `.gone-...`."""
    doomed = folder.parent / f"{GONE}{folder.name}"
    shutil.rmtree(doomed, ignore_errors=True)
    os.replace(folder, doomed)
    shutil.rmtree(doomed)
