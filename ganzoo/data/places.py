"""Boxes and keypoints as people write them, in 0..1 of the picture, checked one by one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo import untrusted
from ganzoo.errors import GanzooError, did_you_mean

FILE = "layout.json"
LARGEST = 500_000_000  # bytes
EDGE = 1e-6  # what a sum of two decimal fractions may be off
BOX = "expected [x, y, width, height] in 0..1 of the picture, from its upper left corner"


def box(said: Any, where: str) -> tuple[float, float, float, float]:
    """A box (x, y, width, height). Raises GanzooError for what is none, or empty, or not in the picture."""
    numbers = _numbers(said)
    if numbers is None or len(numbers) != 4:
        raise GanzooError(f"{where}: {said!r} is no box; {BOX}")
    x, y, width, height = numbers
    if width <= 0 or height <= 0:
        raise GanzooError(f"{where}: the box {said!r} has no area; {BOX}")
    if min(x, y) < 0 or max(x + width, y + height) > 1 + EDGE:
        raise GanzooError(f"{where}: the box {said!r} reaches out of the picture; {BOX}")
    return x, y, width, height


def keypoints(said: Any, count: int, where: str) -> list[tuple[float, float, float]]:
    """`count` keypoints (x, y, visible); fewer are filled up with invisible ones.

    Each is null where it is not to be seen, [x, y], or [x, y, visible] with 0 or 1.
    Raises GanzooError for too many of them, for other values, for places outside the picture.
    """
    if not isinstance(said, Sequence) or isinstance(said, str):
        raise GanzooError(
            f"{where}: {said!r} are no keypoints; expected a list of [x, y] or null, one a part"
        )
    if len(said) > count:
        raise GanzooError(f"{where}: {len(said)} keypoints; expected {count} at most, one a part")
    found = [_keypoint(one, f"{where}: keypoint {number}") for number, one in enumerate(said)]
    return found + [(0.0, 0.0, 0.0)] * (count - len(found))


def _keypoint(said: Any, where: str) -> tuple[float, float, float]:
    if said is None:
        return 0.0, 0.0, 0.0
    numbers = _numbers(said)
    if numbers is None or len(numbers) not in (2, 3) or (len(numbers) == 3 and numbers[2] not in (0, 1)):
        raise GanzooError(
            f"{where}: {said!r}; expected [x, y], [x, y, 0 or 1], or null for one not to be seen"
        )
    if len(numbers) == 3 and not numbers[2]:
        return 0.0, 0.0, 0.0
    x, y = numbers[:2]
    if not (0 <= x <= 1 and 0 <= y <= 1):
        raise GanzooError(f"{where}: {said!r} lies outside the picture; x and y are in 0..1 of it")
    return x, y, 1.0


def _numbers(said: Any) -> list[float] | None:
    """The finite numbers of a list, or None."""
    if not isinstance(said, list | tuple) or not all(type(x) in (int, float) for x in said):
        return None
    return [float(x) for x in said] if all(abs(x) < 1e9 for x in said) else None


def marked(root: Path) -> tuple[bool, int]:
    """Whether `layout.json` gives boxes, and how many keypoints; (False, 0) where there is no such file."""
    if not (root / FILE).exists():
        return False, 0
    entries = [one for one in untrusted.read_json(root / FILE, LARGEST).values() if isinstance(one, Mapping)]
    points = [one["keypoints"] for one in entries if isinstance(one.get("keypoints"), list)]
    return bool(entries) and all("box" in one for one in entries), max(map(len, points), default=0)


def read_places(
    root: Path, files: Sequence[str], *, boxes: bool, points: int
) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
    """Boxes [n, 4] and keypoints [n, points, 3] of `files` in `layout.json`, where asked for.

    It is an object: by file, {"box": [x, y, width, height], "keypoints": [[x, y], null, ...]}.
    Raises GanzooError: no such file, no such picture, a picture without an entry, an entry that is wrong.
    """
    path = root / FILE
    if not path.exists():
        wanted = " and ".join([*(["boxes"] if boxes else []), *(["keypoints"] if points else [])])
        raise GanzooError(f"{wanted} are read from {path}, which is not there (docs/data.md has its form)")
    said = untrusted.read_json(path, LARGEST)
    missing = [file for file in files if not isinstance(said.get(file), Mapping)]
    if missing:
        hint = did_you_mean(missing[0], list(said)) if missing[0] not in said else ""
        raise GanzooError(
            f"{path} has no entry of the form {{...}} for {len(missing)} of {len(files)} pictures: "
            f"{missing[0]}{hint}"
        )
    there = np.array([box(said[f].get("box"), f"{path}: {f}") for f in files], np.float32) if boxes else None
    if not points:
        return there, None
    marked = [keypoints(said[f].get("keypoints"), points, f"{path}: {f}") for f in files]
    return there, np.array(marked, np.float32).reshape(-1, points, 3)
