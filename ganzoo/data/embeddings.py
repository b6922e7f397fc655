"""`embeddings.npy` or `embeddings.pickle`: sentence embeddings made elsewhere, for a caption table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganzoo.data import pickles
from ganzoo.data.array_files import map_array
from ganzoo.data.caption_table import Row
from ganzoo.errors import GanzooError

ARRAY, PICKLE = "embeddings.npy", "embeddings.pickle"


def read_embeddings(root: Path, rows: Sequence[Row], files: Sequence[str], width: int) -> NDArray[np.float32]:
    """[files, captions, width] float32: the embeddings of each file's captions, in the order of the table.

    `embeddings.npy` is an array [rows of the table, width]; `embeddings.pickle` a list of arrays [captions,
    width], one a picture, in the order in which the table first names them.
    Raises GanzooError: no table, neither file or both, what is no array of numbers, another shape, values
    that are not finite, pictures with different numbers of captions.
    """
    array, pickle = root / ARRAY, root / PICKLE
    if not rows:
        raise GanzooError(
            f"`embedding: {width}` reads {array}, one row for each row of captions.csv or captions.jsonl; "
            "there is no such table"
        )
    if array.exists() and pickle.exists():
        raise GanzooError(f"{root} has both {ARRAY} and {PICKLE}; keep one of them")
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(row.file, []).append(place)
    counts = {len(places[file]) for file in files}
    if len(counts) > 1:
        raise GanzooError(
            f"pictures with embeddings need the same number of captions each; there are pictures with "
            f"{', '.join(map(str, sorted(counts)))}"
        )
    index = [places[file] for file in files]
    chosen = (
        _of_pickle(pickle, places, index, width) if pickle.exists() else _of_array(array, rows, index, width)
    )
    if not np.isfinite(chosen).all():
        raise GanzooError(f"{pickle if pickle.exists() else array} holds values that are not finite numbers")
    return chosen


def width_of(root: Path) -> int:
    """Width of the embeddings in a folder; 0 where there are none. Raises GanzooError: a broken file."""
    if (root / ARRAY).exists():
        shape = map_array(root / ARRAY).shape
        return shape[1] if len(shape) == 2 else 0
    if not (root / PICKLE).exists():
        return 0
    arrays = pickles.load(root / PICKLE)
    first = arrays[0] if isinstance(arrays, list) and arrays else None
    return first.shape[1] if isinstance(first, np.ndarray) and first.ndim == 2 else 0


def _of_array(path: Path, rows: Sequence[Row], index: list[list[int]], width: int) -> NDArray[np.float32]:
    table = map_array(path)
    if table.ndim != 2 or table.shape != (len(rows), width) or table.dtype.kind != "f":
        raise GanzooError(
            f"{path} holds {table.dtype} of shape {table.shape}; expected floats of shape "
            f"({len(rows)}, {width}): rows of the caption table, `embedding` of the recipe's data"
        )
    return np.asarray(table[np.array(index, np.int64).reshape(len(index), -1)], np.float32)


def _of_pickle(
    path: Path, places: dict[str, list[int]], index: list[list[int]], width: int
) -> NDArray[np.float32]:
    arrays = pickles.load(path)
    if not isinstance(arrays, list) or len(arrays) != len(places):
        found = f"a list of {len(arrays)}" if isinstance(arrays, list) else f"a {type(arrays).__name__}"
        raise GanzooError(
            f"{path} holds {found}; expected a list of {len(places)} arrays, one a picture of the table"
        )
    table = np.empty((sum(map(len, places.values())), width), np.float32)
    for number, ((file, own), array) in enumerate(zip(places.items(), arrays, strict=True)):
        if not isinstance(array, np.ndarray) or array.dtype.kind != "f" or array.shape != (len(own), width):
            found = (
                f"{array.dtype} of shape {array.shape}"
                if isinstance(array, np.ndarray)
                else type(array).__name__
            )
            raise GanzooError(
                f"{path}: entry {number}, of {file}, is {found}; expected floats of shape "
                f"({len(own)}, {width}): captions of the picture, `embedding` of the recipe's data"
            )
        table[own] = array
    return table[np.array(index, np.int64).reshape(len(index), -1)]
