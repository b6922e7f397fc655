"""What `torch.save` of Torch7 writes of tables, numbers, text and tensors, to test the reader."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np

KINDS = {"f8": "Double", "f4": "Float", "i8": "Long", "i4": "Int", "i2": "Short", "i1": "Char", "u1": "Byte"}


def dumps(value: Any) -> bytes:
    return _Writer().written(value)


def named(name: str) -> bytes:
    """How an object of a class begins, behind its kind."""
    return struct.pack("<i", 1) + _text("V 1") + _text(name)


class _Writer:
    def __init__(self) -> None:
        self.count = 0

    def number(self) -> bytes:
        self.count += 1
        return struct.pack("<i", self.count)

    def written(self, value: Any) -> bytes:
        if value is None:
            return struct.pack("<i", 0)
        if isinstance(value, bool):
            return struct.pack("<ii", 5, value)
        if isinstance(value, int | float):
            return struct.pack("<id", 1, value)
        if isinstance(value, str):
            return struct.pack("<i", 2) + _text(value)
        if isinstance(value, dict):
            head = struct.pack("<i", 3) + self.number() + struct.pack("<i", len(value))
            return head + b"".join(self.written(k) + self.written(v) for k, v in value.items())
        return self.tensor(np.asarray(value))

    def tensor(self, array: np.ndarray) -> bytes:
        kind = KINDS[array.dtype.str[1:]]
        strides = [step // array.itemsize for step in np.empty(array.shape, array.dtype).strides]
        head = self.torch(f"torch.{kind}Tensor") + struct.pack("<i", array.ndim)
        head += struct.pack(f"<{2 * array.ndim + 1}q", *array.shape, *strides, 1)
        return head + self.torch(f"torch.{kind}Storage") + struct.pack("<q", array.size) + array.tobytes()

    def torch(self, name: str) -> bytes:
        return struct.pack("<i", 4) + self.number() + _text("V 1") + _text(name)


def _text(value: str) -> bytes:
    raw = value.encode()
    return struct.pack("<i", len(raw)) + raw
