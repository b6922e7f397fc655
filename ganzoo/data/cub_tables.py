"""The text tables of CUB-200-2011: numbered pictures, their classes, boxes and parts.

Source: Wah et al. 2011, CUB-200-2011, Caltech CNS-TR-2011-001.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganzoo import untrusted
from ganzoo.data.picture_files import check_name
from ganzoo.errors import GanzooError, did_you_mean

IMAGES, LABELS, BOXES, PARTS = (
    "images.txt", "image_class_labels.txt", "bounding_boxes.txt", "parts/part_locs.txt",
)  # fmt: skip
PART_COUNT = 15
LARGEST = 100_000_000  # bytes; the parts take 5 MB


class Cub:
    """The tables in `CUB_200_2011/`, for the pictures of `names` (without `.jpg`), which it must know."""

    def __init__(self, folder: Path, names: Sequence[str], named_in: Path) -> None:
        self.folder, self.names = folder, names
        known: dict[str, int] = {}
        for line, (number, file) in _lines(folder / IMAGES, "number and file", 2):
            where = f"{folder / IMAGES}:{line}"
            check_name(file, where)
            known[file.removesuffix(".jpg")] = int(_number(number, where))
        strange = [name for name in names if name not in known]
        if strange:
            raise GanzooError(
                f"{folder / IMAGES} has no {strange[0]}.jpg, which {named_in} names"
                f"{did_you_mean(strange[0], known)}; it lacks {len(strange)} of {len(names)}"
            )
        self._place = {known[name]: place for place, name in enumerate(names)}

    def labels(self) -> NDArray[np.int64]:
        """[n] numbers of the pictures' classes, from 1."""
        return self._read(LABELS, "number and class", 1)[:, 0].astype(np.int64)

    def boxes(self) -> NDArray[np.float64]:
        """[n, 4] (x, y, width, height) in pixels. Raises GanzooError for one without area."""
        boxes = self._read(BOXES, "number, x, y, width and height", 4)
        bad = np.flatnonzero((boxes[:, 2:] < 1).any(1) | (boxes[:, :2] < 0).any(1) | (boxes > 1e6).any(1))
        if len(bad):
            raise GanzooError(
                f"{self.folder / BOXES}: the box {boxes[bad[0]].tolist()} of {self.names[bad[0]]} is none; "
                "expected x, y, width and height in pixels, from 0 and from 1"
            )
        return boxes

    def parts(self) -> NDArray[np.float64]:
        """[n, 15, 3] (x, y, visible) in pixels."""
        path = self.folder / PARTS
        found = np.full((len(self.names), PART_COUNT, 3), np.nan)
        for line, (number, part, *rest) in _lines(path, "picture, part, x, y and visible", 5):
            where = f"{path}:{line}"
            place, own = self._place.get(int(_number(number, where))), int(_number(part, where))
            if not 1 <= own <= PART_COUNT:
                raise GanzooError(f"{where}: no part {part}; parts are numbered from 1 to {PART_COUNT}")
            if place is not None:
                found[place, own - 1] = [_number(text, where) for text in rest]
        missing = np.argwhere(np.isnan(found[..., 0]))
        if len(missing):
            picture, own = missing[0]
            raise GanzooError(f"{path} has no line for part {own + 1} of {self.names[picture]}")
        return found

    def _read(self, table: str, columns: str, width: int) -> NDArray[np.float64]:
        """[n, width] of a table with a line for each picture."""
        path = self.folder / table
        found = np.full((len(self.names), width), np.nan)
        for line, (number, *rest) in _lines(path, columns, width + 1):
            where = f"{path}:{line}"
            place = self._place.get(int(_number(number, where)))
            if place is not None:
                found[place] = [_number(text, where) for text in rest]
        missing = np.flatnonzero(np.isnan(found[:, 0]))
        if len(missing):
            raise GanzooError(
                f"{path} has no line for {len(missing)} of {len(self.names)} pictures: "
                f"{self.names[missing[0]]}"
            )
        return found


def _lines(path: Path, columns: str, count: int) -> Iterator[tuple[int, list[str]]]:
    """Numbers and words of the lines that are not blank."""
    for line, text in enumerate(untrusted.read_text(path, LARGEST).split("\n"), 1):
        words = text.split()
        if words and len(words) != count:
            raise GanzooError(f"{path}:{line} has {len(words)} values; expected {count}: {columns}")
        if words:
            yield line, words


def _number(text: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise GanzooError(f"{where}: `{text}` is no number")
    return number
