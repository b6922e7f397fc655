"""Files that anyone may have written: opened only when they are regular files, read only up to a limit."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any, BinaryIO

from ganzoo.errors import GanzooError

KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def check_regular(path: Path, shown: str | None = None) -> int:
    """The size in bytes of a regular file, or of what a link to one points at.

    Opening a pipe waits for ever, reading a device never ends. Raises GanzooError for these, for folders, and
    for what is not there or may not be read; `shown` is the file's name in messages.
    """
    shown = shown or str(path)
    try:
        found = path.stat()
    except (OSError, ValueError, RuntimeError) as error:  # ValueError: a NUL; RuntimeError: links in a circle
        raise GanzooError(f"{shown} cannot be read: {_reason(error)}") from error
    if not stat.S_ISREG(found.st_mode):
        kind = KINDS.get(stat.S_IFMT(found.st_mode), "no file")
        raise GanzooError(f"{shown} cannot be read: it is {kind}, not a file")
    return found.st_size


def open_file(path: Path, shown: str | None = None) -> BinaryIO:
    """A regular file, to be read. Raises GanzooError as `check_regular` does."""
    check_regular(path, shown)
    try:
        return path.open("rb")
    except OSError as error:
        raise GanzooError(f"{shown or path} cannot be read: {_reason(error)}") from error


def read_bytes(path: Path, most: int, shown: str | None = None) -> bytes:
    """All of a regular file of at most `most` bytes. Raises GanzooError for a larger one."""
    size = check_regular(path, shown)
    if size > most:
        raise GanzooError(f"{shown or path} is larger than {most:,} bytes, too large for what it should hold")
    with open_file(path, shown) as stream:
        try:
            data = stream.read(size + 1)
        except OSError as error:
            raise GanzooError(f"{shown or path} cannot be read: {_reason(error)}") from error
    if len(data) != size:
        raise GanzooError(f"{shown or path} has {size} bytes, but others can be read; is it being written?")
    return data


def read_text(path: Path, most: int, shown: str | None = None) -> str:
    """UTF-8 text, with or without a byte order mark. GanzooError for other encodings and for NUL bytes."""
    data = read_bytes(path, most, shown)
    if data.startswith(UTF_16):
        raise GanzooError(f"{shown or path} is not UTF-8 text: it begins like UTF-16; save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise GanzooError(
            f"{shown or path} is not UTF-8 text: {error.reason} at byte {error.start}"
        ) from error
    if "\0" in text:
        raise GanzooError(f"{shown or path} is not text: it has a NUL byte")
    return text


def parse_json(text: str, shown: str) -> Any:
    """What a JSON text says. Raises GanzooError for other text, and for one nested too deep to be read."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise GanzooError(f"{shown} is no valid JSON: {error}") from error


def read_json(path: Path, most: int, shown: str | None = None) -> dict[str, Any]:
    """The JSON object in a file. Raises GanzooError for anything else."""
    said = parse_json(read_text(path, most, shown), shown or str(path))
    if not isinstance(said, dict):
        raise GanzooError(f"{shown or path} is not a JSON object")
    return said


def check_links(folder: Path, patterns: Iterable[str]) -> None:
    """Raise GanzooError for a symbolic link out of `folder` among what matches the patterns of names in it.

    What is written there, or deleted, then stays in the folder.
    """
    root = folder.resolve()
    for pattern in patterns:
        for path in root.glob(pattern):
            check_link(root, path)


def check_link(root: Path, path: Path) -> None:
    """Raise GanzooError when `path` is a link out of `root` (which is resolved), or one of a circle."""
    try:
        out = path.is_symlink() and not path.resolve().is_relative_to(root)
    except (OSError, RuntimeError) as error:
        raise GanzooError(f"{path} is a link that leads in a circle; remove it") from error
    if out:
        raise GanzooError(f"{path} is a link out of {root}; copy what it points at, or remove it")


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
