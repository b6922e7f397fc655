"""Picture files of a data folder: found, checked, opened, told apart; what every data set on disk shares."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

from PIL import Image

from ganzoo import untrusted
from ganzoo.data.cache import UNREADABLE
from ganzoo.errors import GanzooError, printable

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF")  # among Pillow's others are some that start programs
NAMED = 5  # files named in a message

Size = tuple[int, int]  # width and height in pixels


def data_root(data: str, folder: Path | None, what: str) -> Path:
    """The folder, resolved. Raises GanzooError where none was given, or where there is none."""
    if folder is None:
        raise GanzooError(f"{data} needs {what}: name it with --data")
    if not folder.is_dir():
        raise GanzooError(
            f"{folder} is {'no folder' if folder.exists() else 'not there'}; --data names a folder"
        )
    return folder.resolve()


def check_name(name: str, where: str) -> None:
    """Raise GanzooError for a name that leads out of the data folder, or that cannot be shown."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.name:
        raise GanzooError(f"{where}: `{name}` leads out of the data folder; names are relative to it")
    if "\n" in name or "\t" in name or printable(name) != name:
        raise GanzooError(f"{where}: {name!r} has control characters, or is not UTF-8")


def check_pictures(root: Path, files: Sequence[str], named_in: Path) -> None:
    """Raise GanzooError where one of `files` below `root`, named in a file, is none or leads out of it."""
    missing = [file for file in files if not (root / file).is_file()]
    if missing:
        raise GanzooError(
            f"{len(missing)} of the {len(files)} pictures that {named_in} names are not in {root}: "
            f"{some(missing)}"
        )
    for file in files:
        check_inside(root, root / file)


def check_inside(root: Path, path: Path) -> None:
    """Raise GanzooError where `path` leads, by a link, out of `root` (which is resolved)."""
    if not path.resolve().is_relative_to(root):
        raise GanzooError(f"{path} leads out of {root} by a link; copy what the link points at")


def open_picture(path: Path) -> Image.Image:
    """The picture, not yet decoded; only of the formats that data folders may hold."""
    return Image.open(path, formats=FORMATS)


def size_of(path: Path) -> Size | None:
    """Width and height in pixels from the head of the file; None where Pillow cannot read it."""
    untrusted.check_regular(path)
    try:
        with open_picture(path) as image:
            return image.size
    except UNREADABLE:
        return None


def fingerprint(data: str, root: Path, files: Iterable[str], *parts: bytes) -> str:
    """Of the files' paths, sizes in bytes and times of change, and of `parts`."""
    state = hashlib.sha256()
    for file in files:
        stat = (root / file).stat()
        state.update(f"{file}\0{stat.st_size}\0{stat.st_mtime_ns}\n".encode())
    for part in parts:
        state.update(part)
    return f"{data} {state.hexdigest()}"


def held_out_by_hash(files: Sequence[str], share: float) -> dict[str, str]:
    """About `share` of the files in "test"; at least one on either side if there are two and `share` > 0.

    By a hash of their paths, so a picture stays where it is when others come or go.
    """
    place = {
        file: int.from_bytes(hashlib.sha256(file.encode()).digest()[:8], "big") / 2**64 for file in files
    }
    ranked = sorted(files, key=lambda file: place[file])
    splits = {file: "test" if place[file] < share else "train" for file in files}
    if share > 0 and len(files) > 1:
        splits[ranked[0]], splits[ranked[-1]] = "test", "train"
    return splits


def some(files: Sequence[str]) -> str:
    """The first few, and how many more there are."""
    more = f" and {len(files) - NAMED} more" if len(files) > NAMED else ""
    return ", ".join(files[:NAMED]) + more
