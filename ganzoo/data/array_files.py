"""Arrays in .npy files, mapped into memory once their headers are known to tell the truth."""

from __future__ import annotations

import tokenize
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo import untrusted
from ganzoo.errors import GanzooError

# What NumPy raises for a header that lies, or for a file that is no .npy file.
DAMAGED = (
    OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, SyntaxError, OverflowError,
    RecursionError, MemoryError, tokenize.TokenError,
)  # fmt: skip


def map_array(path: Path) -> NDArray[Any]:
    """The array in a .npy file, read-only, not yet read.

    Raises GanzooError for a header that lies about the file's size, an array of objects, which would be a
    pickle, and any other file.
    """
    untrusted.check_regular(path)
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except DAMAGED as error:
        reason = str(error).split("\n")[0]
        raise GanzooError(
            f"cannot read {path}: {reason}; expected what `numpy.save` writes of numbers"
        ) from error
