"""Pickles of data sets, as the old text-to-image data sets are: plain data and arrays of numbers.

Read by `pickle_machine.py`, with the few names that arrays are made of (`pickled_arrays.py`).
"""

from __future__ import annotations

import mmap
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo import untrusted
from ganzoo.data.pickled_arrays import GLOBALS, fill
from ganzoo.errors import GanzooError
from ganzoo.pickle_machine import DAMAGED, Machine, Plain, RefusedError, check_plain

LARGEST_FILE = 8_000_000_000  # bytes; the embeddings of MS-COCO take 2 GB


def load(path: Path) -> Plain:
    """What the pickle at `path` holds; strings of Python 2 are decoded as Latin-1.

    Raises GanzooError, naming the file: a global other than those of arrays (named too), an opcode that makes
    objects, a file that is cut short, too large, nested too deep, or no pickle.
    """
    return _run(path, _ArrayMachine)


def first_array(path: Path) -> NDArray[Any] | None:
    """The first array of the pickle at `path`, without the rest of it, which may be damaged; None = no array.

    Raises GanzooError as `load` does for what comes before it.
    """
    try:
        _run(path, _FirstArrayMachine)
    except _FoundError as found:
        return found.array
    return None


def _run(path: Path, machine: type[_ArrayMachine]) -> Plain:
    size = untrusted.check_regular(path)
    if not 0 < size <= LARGEST_FILE:
        reason = f"larger than {LARGEST_FILE:,} bytes, too large for a pickle" if size else "empty"
        raise GanzooError(f"{path} is {reason}")
    with untrusted.open_file(path) as stream, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of escapes in text that Python does not know
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            try:
                made = machine(mapped, GLOBALS, budget=2 * size).run()  # bytes, of these an array
                return check_plain(made, (np.ndarray, np.generic))
            except RefusedError as error:
                raise GanzooError(
                    f"{path} is refused: it holds {error}; a pickle here is made of lists, dicts, text, "
                    "numbers and NumPy arrays of numbers, and nothing in it is run"
                ) from error
            except DAMAGED as error:
                raise GanzooError(f"{path} is a damaged pickle, or none: {error}") from error


class _ArrayMachine(Machine):
    def fill(self, target: Plain, state: Plain) -> None:
        fill(target, state)


class _FoundError(Exception):
    """An array was made."""

    def __init__(self, array: NDArray[Any]) -> None:
        super().__init__()
        self.array = array


class _FirstArrayMachine(_ArrayMachine):
    def fill(self, target: Plain, state: Plain) -> None:
        super().fill(target, state)
        if isinstance(target, np.ndarray):
            raise _FoundError(target)
