"""Files of Torch7's `torch.save`: numbers, text, tables and tensors; nothing in them is run.

Source: the binary form of torch/torch7, File.lua and generic/Tensor.c.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo import untrusted
from ganzoo.errors import GanzooError

LARGEST = 100_000_000  # bytes
DEEPEST = 32  # levels of nesting

NIL, NUMBER, STRING, TABLE, TORCH, BOOLEAN = range(6)
TYPES = {
    "Double": "<f8", "Float": "<f4", "Long": "<i8", "Int": "<i4", "Short": "<i2", "Char": "i1", "Byte": "u1",
}  # fmt: skip


def load(path: Path) -> Any:
    """What the file holds: None, numbers, text (as Latin-1), booleans, dicts, arrays.

    Raises GanzooError, naming the file: a function, an object that is no tensor of numbers, a file that is
    cut short, too large, nested too deep, or none of Torch7's.
    """
    reader = _Reader(untrusted.read_bytes(path, LARGEST))
    try:
        return reader.value(0)
    except _RefusedError as error:
        raise GanzooError(
            f"{path} is refused: it holds {error}; a .t7 file here is made of tables, text, numbers and "
            "tensors of numbers, and nothing in it is run"
        ) from error
    except (ValueError, struct.error) as error:
        raise GanzooError(f"{path} is a damaged .t7 file, or none: {error}") from error


class _RefusedError(Exception):
    """What is neither plain data nor a tensor of numbers."""


class _Reader:
    """A place in the file, and the tables, tensors and storages that were read, by number."""

    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0
        self.known: dict[int, Any] = {}

    def value(self, depth: int) -> Any:
        if depth > DEEPEST:
            raise _RefusedError(f"data nested deeper than {DEEPEST} levels")
        (kind,) = self.take("i")
        if kind == NIL:
            return None
        if kind == NUMBER:
            return self.take("d")[0]
        if kind == STRING:
            return self.text()
        if kind == BOOLEAN:
            return bool(self.take("i")[0])
        if kind == TABLE:
            return self.table(depth)
        if kind == TORCH:
            return self.tensor(depth)
        if kind in (6, 7, 8):
            raise _RefusedError("a function")
        raise ValueError(f"no kind of value has the number {kind}")

    def table(self, depth: int) -> dict[Any, Any]:
        (number,) = self.take("i")
        if number in self.known:
            again: dict[Any, Any] = self.again(number, dict)
            return again
        table: dict[Any, Any] = {}
        self.known[number] = table
        for _ in range(self.count()):
            key, value = self.value(depth + 1), self.value(depth + 1)
            if not isinstance(key, str | float | bool):
                raise _RefusedError(f"a {type(key).__name__} as a key")
            if value is table:
                raise _RefusedError("a table in itself")
            table[key] = value
        return table

    def tensor(self, depth: int) -> NDArray[Any]:
        """A tensor or, when asked for one, the storage below it."""
        (number,) = self.take("i")
        if number in self.known:
            again: NDArray[Any] = self.again(number, np.ndarray)
            return again
        version = self.text()
        name = self.text() if version.startswith("V ") else version
        kind = next((TYPES[own] for own in TYPES if name == f"torch.{own}Tensor"), None)
        stored = next((TYPES[own] for own in TYPES if name == f"torch.{own}Storage"), None)
        if stored is not None:
            (count,) = self.take("q")
            made = np.frombuffer(self.bytes(count * np.dtype(stored).itemsize), stored)
        elif kind is not None:
            made = self.strided(kind, depth)
        else:
            raise _RefusedError(f"an object `{name}`")
        self.known[number] = made
        return made

    def again(self, number: int, kind: type) -> Any:
        """What was read before, where the file only names it."""
        if not isinstance(self.known[number], kind):
            raise ValueError(f"a {kind.__name__} is none where it is named again")
        return self.known[number]

    def strided(self, kind: str, depth: int) -> NDArray[Any]:
        axes = self.count()
        shape, strides = self.take(f"{axes}q"), self.take(f"{axes}q")
        (first,) = self.take("q")
        storage = self.value(depth + 1)
        if storage is None:
            return np.empty(0, kind)
        if not isinstance(storage, np.ndarray) or storage.ndim != 1 or storage.dtype != np.dtype(kind):
            raise ValueError("a tensor lies on no storage of its kind")
        last = first - 1 + sum((length - 1) * step for length, step in zip(shape, strides, strict=True))
        if (
            any(length < 1 for length in shape) or any(step < 0 for step in strides)
            or first < 1 or last >= len(storage) or math.prod(shape) > len(storage)
        ):  # fmt: skip
            raise ValueError(f"a tensor of shape {shape} reaches out of its {len(storage)} numbers")
        steps = [step * storage.itemsize for step in strides]
        return np.lib.stride_tricks.as_strided(storage[first - 1 :], shape, steps, writeable=False)

    def text(self) -> str:
        return self.bytes(self.count()).decode("latin-1")

    def count(self) -> int:
        """A length, which cannot be more than there are bytes left."""
        (count,) = self.take("i")
        if not 0 <= count <= len(self.data) - self.place:
            raise ValueError(f"a length of {count} where {len(self.data) - self.place} bytes are left")
        return int(count)

    def take(self, form: str) -> tuple[Any, ...]:
        return struct.unpack(f"<{form}", self.bytes(struct.calcsize(f"<{form}")))

    def bytes(self, count: int) -> bytes:
        if not 0 <= count <= len(self.data) - self.place:
            raise ValueError("it ends too early")
        self.place += count
        return self.data[self.place - count : self.place]
