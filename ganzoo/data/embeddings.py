"""`embeddings.npy`: sentence embeddings made elsewhere, a row for each row of the caption table."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ganzoo.data.caption_table import Row
from ganzoo.errors import GanzooError

NAME = "embeddings.npy"


def read_embeddings(root: Path, rows: Sequence[Row], files: Sequence[str], width: int) -> NDArray[np.float32]:
    """[files, captions, width] float32: the embeddings of each file's captions, in the order of the table.

    Raises GanzooError: no table, no `embeddings.npy`, not a plain array of numbers (pickled ones are
    refused), another shape than [rows of the table, width], pictures with different numbers of captions.
    """
    path = root / NAME
    if not rows:
        raise GanzooError(
            f"`embedding: {width}` reads {path}, one row for each row of captions.csv or captions.jsonl; "
            "there is no such table"
        )
    try:
        table = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise GanzooError(
            f"cannot read {path}: {error}; expected what `numpy.save` writes of floats"
        ) from error
    if table.ndim != 2 or table.shape != (len(rows), width) or table.dtype.kind != "f":
        raise GanzooError(
            f"{path} holds {table.dtype} of shape {table.shape}; expected floats of shape "
            f"({len(rows)}, {width}): rows of the caption table, `embedding` of the recipe's data"
        )
    places: dict[str, list[int]] = {}
    for place, row in enumerate(rows):
        places.setdefault(row.file, []).append(place)
    counts = {len(places[file]) for file in files}
    if len(counts) > 1:
        raise GanzooError(
            f"pictures with embeddings need the same number of captions each; there are pictures with "
            f"{', '.join(map(str, sorted(counts)))}"
        )
    index = np.array([places[file] for file in files], np.int64).reshape(len(files), -1)
    return np.asarray(table[index], np.float32)
