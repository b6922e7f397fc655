"""How NumPy writes arrays of numbers into pickles, undone from checked parts; what `pickles.py` may call."""

from __future__ import annotations

import math
import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ganzoo.pickle_machine import Global, Plain, RefusedError, checked_keys

_NUMBER = re.compile(r"[<>|=]?(?:b1|[biufc]\d{1,2})")
_PLAIN_TYPE = (None, None, None, -1, -1, 0)  # of a dtype's state: no fields, no shape, no flags


def fill(target: Plain, state: Plain) -> None:
    """Do what the opcode BUILD asks for an array or its type, and for nothing else."""
    if isinstance(target, np.ndarray):
        _fill_array(target, state)
    elif isinstance(target, np.dtype):
        version, order, *rest = state
        if version != 3 or order not in ("<", ">", "|", "=") or tuple(rest[:6]) != _PLAIN_TYPE:
            raise RefusedError(f"an array of `{target}` with more than a byte order, not of numbers")
        target.__setstate__((3, order, *_PLAIN_TYPE))  # type: ignore[attr-defined]
    else:
        raise RefusedError(f"the opcode BUILD, which fills objects, for a {type(target).__name__}")


def _fill_array(array: NDArray[Any], state: Plain) -> None:
    _, shape, kind, fortran, raw = state
    raw = raw.encode("latin-1") if isinstance(raw, str) else raw
    _check_size(shape, kind, raw)
    array.__setstate__((1, shape, kind, bool(fortran), raw))  # type: ignore[arg-type]


def _check_size(shape: Plain, kind: Plain, raw: Plain) -> None:
    if not isinstance(kind, np.dtype) or type(raw) is not bytes or type(shape) is not tuple:
        raise ValueError("an array is not made of a shape, a type of numbers and bytes")
    if not all(type(length) is int and length >= 0 for length in shape):
        raise ValueError(f"an array has the shape {shape}")
    if math.prod(shape) * kind.itemsize != len(raw):
        raise ValueError(f"an array of {kind} has the shape {shape}, but {len(raw)} bytes")


def _number_type(text: Plain, align: Plain = False, copy: Plain = True) -> np.dtype[Any]:
    """A dtype of its own, not NumPy's shared one: a byte order may be filled in."""
    if not isinstance(text, str) or not _NUMBER.fullmatch(text):
        raise RefusedError(f"an array of {text!r}, not of numbers")
    return np.dtype(text, copy=True)


def _reconstruct(kind: Plain, shape: Plain, code: Plain) -> NDArray[Any]:
    if kind is not NDARRAY:
        raise RefusedError("an array of a class of its own")
    return np.empty(0, np.uint8)  # filled by BUILD


def _scalar(kind: Plain, raw: Plain) -> Plain:
    raw = raw.encode("latin-1") if isinstance(raw, str) else raw
    _check_size((), kind, raw)
    return np.frombuffer(raw, kind)[0]


def _from_buffer(raw: Plain, kind: Plain, shape: Plain, order: Plain) -> NDArray[Any]:
    _check_size(shape, kind, raw)
    if order not in ("C", "F"):
        raise ValueError(f"an array has the order {order!r}")
    return np.frombuffer(raw, kind).reshape(shape, order=order)


def _encode(text: Plain, encoding: Plain) -> bytes:
    """Bytes, as Python 3 writes them into old kinds of pickles."""
    if encoding not in ("latin1", "latin-1") or not isinstance(text, str):
        raise RefusedError(f"text encoded as {encoding!r}")
    return text.encode("latin-1")


NDARRAY = Global("numpy.ndarray")

GLOBALS = {
    entry.name: entry
    for entry in (
        NDARRAY,
        Global("numpy.dtype", _number_type),
        *(Global(f"{home}.multiarray._reconstruct", _reconstruct) for home in ("numpy.core", "numpy._core")),
        *(Global(f"{home}.multiarray.scalar", _scalar) for home in ("numpy.core", "numpy._core")),
        *(Global(f"{home}.numeric._frombuffer", _from_buffer) for home in ("numpy.core", "numpy._core")),
        Global("_codecs.encode", _encode),
        *(Global(f"{home}.bytes", lambda: b"") for home in ("builtins", "__builtin__")),
        *(
            Global(f"{home}.set", lambda items: set(checked_keys(items)))
            for home in ("builtins", "__builtin__")
        ),
        *(
            Global(f"{home}.frozenset", lambda items: frozenset(checked_keys(items)))
            for home in ("builtins", "__builtin__")
        ),
    )
}
