"""Weights and optimizer states from files that anyone may have written: safetensors and torch.save's.

Nothing in them is run. What torch.save writes holds a pickle, which `torch.load(weights_only=True)` reads.
Before that a dry run finds what torch does not guard against: a zip file that unfolds to more than its size,
storages larger than the file, nesting on which Python's own C code would end the process. It also names what
is refused.
"""

from __future__ import annotations

import io
import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from ganzoo import untrusted
from ganzoo.errors import GanzooError
from ganzoo.pickle_machine import DAMAGED, Global, Machine, Plain, RefusedError, check_plain, checked_keys

LARGEST_FILE = 64_000_000_000  # bytes

# What reading a damaged file raises.
UNREADABLE = (
    *DAMAGED, SafetensorError, pickle.UnpicklingError, zipfile.BadZipFile, EOFError, RuntimeError,
    AssertionError,
)  # fmt: skip

_ITEM_BYTES = {
    "Double": 8, "Float": 4, "Half": 2, "BFloat16": 2, "Long": 8, "Int": 4, "Short": 2, "Char": 1, "Byte": 1,
    "Bool": 1, "ComplexDouble": 16, "ComplexFloat": 8,
}  # fmt: skip


class _Tensor:
    """Stands for a tensor in the dry run."""


def _ordered(items: Plain) -> dict[Plain, Plain]:
    names, values = zip(*items, strict=True) if items else ((), ())
    return dict(zip(checked_keys(names), values, strict=True))


_GLOBALS = {
    entry.name: entry
    for entry in (
        *(Global(f"torch.{name}Storage") for name in _ITEM_BYTES),
        *(
            Global(f"torch._utils.{name}", lambda *_: _Tensor())
            for name in ("_rebuild_tensor", "_rebuild_tensor_v2", "_rebuild_parameter")
        ),
        Global("collections.OrderedDict", lambda items=(): _ordered(items)),
        Global("torch.Size", lambda sizes: tuple(sizes)),
    )
}


def read_weights(path: Path) -> dict[str, Tensor]:
    """The named tensors of a .safetensors file, or of a state dict that torch.save wrote (any other ending).

    Raises GanzooError, naming the file and what was refused: see this module; also a state dict inside
    something else, with the names it is found among.
    """
    data = untrusted.read_bytes(path, LARGEST_FILE)
    if path.suffix == ".safetensors":
        return unpack_safetensors(data, str(path))
    found = unpack_torch(data, str(path))
    if not isinstance(found, Mapping) or not all(isinstance(name, str) for name in found):
        raise GanzooError(f"{path} holds a {type(found).__name__}; expected a state dict, named tensors")
    others = [name for name, value in found.items() if not isinstance(value, Tensor)]
    if others:
        kinds = ", ".join(f"`{name}`, a {type(found[name]).__name__}" for name in others[:6])
        raise GanzooError(
            f"{path} holds more than named tensors: {kinds}; where one of these is the state dict, give "
            "that part alone"
        )
    return dict(found)


def unpack_safetensors(data: bytes, shown: str) -> dict[str, Tensor]:
    """The named tensors in the bytes of a .safetensors file. Raises GanzooError with `shown`, its name."""
    try:
        return safetensors.torch.load(data)
    except UNREADABLE as error:
        reason = str(error).split("\n")[0].removeprefix("Error while deserializing: ")
        raise GanzooError(f"{shown} is no sound safetensors file: {reason}") from error


def unpack_torch(data: bytes, shown: str) -> Any:
    """Tensors, numbers, text and containers of these, from what torch.save wrote, on the CPU.

    Raises GanzooError with `shown`, the file's name, and what was refused or is damaged.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of escapes in text, of what torch is going to validate
            _dry_run(data)
            found = torch.load(io.BytesIO(data), weights_only=True, map_location="cpu")
        _check_tensors(found)
    except RefusedError as error:
        raise GanzooError(
            f"{shown} is refused: it holds {error}; expected tensors, numbers and text, nothing in it is run"
        ) from error
    except UNREADABLE as error:
        reason = str(error).split("\n")[0] or "it ends too early"
        if isinstance(error, pickle.UnpicklingError):  # what torch says here advises to run the file
            reason = "torch.load(weights_only=True) refuses it"
        raise GanzooError(f"{shown} is damaged, or was not written by torch.save: {reason}") from error
    return found


class _DryMachine(Machine):
    """Finds out what a file of torch.save asks for. `size`: the file's bytes."""

    def __init__(self, stream: io.BytesIO, size: int) -> None:
        super().__init__(stream, _GLOBALS, budget=size)
        self.storages: dict[tuple[str, str], int] = {}
        self.size = size

    def fill(self, target: Plain, state: Plain) -> None:
        if type(target) is not dict:  # the `_metadata` of a state dict
            super().fill(target, state)

    def refer(self, what: Plain) -> Plain:
        kind, of, key, _, count, *_ = what
        name = getattr(of, "name", "").removeprefix("torch.").removesuffix("Storage")
        if kind != "storage" or name not in _ITEM_BYTES or type(key) is not str or type(count) is not int:
            raise RefusedError("a reference to what is no storage of numbers")
        self.storages[key, name] = max(count, self.storages.get((key, name), 0))
        if count < 0 or sum(n * _ITEM_BYTES[name] for (_, name), n in self.storages.items()) > self.size:
            raise RefusedError(f"a storage of {count:,} numbers in a file of {self.size:,} bytes")
        return _Tensor()


def _dry_run(data: bytes) -> None:
    stream = io.BytesIO(data)
    pickles = 5  # magic number, version, system, what was saved, keys of the storages, whose bytes follow
    if data[:2] == b"PK":
        stream = io.BytesIO(_pickle_of_zip(data))
        pickles = 1
    for _ in range(pickles):
        check_plain(_DryMachine(stream, len(data)).run(), (_Tensor,))


def _pickle_of_zip(data: bytes) -> bytes:
    """`data.pkl` of a zip file that is just what torch.save writes: nothing compressed, no name twice."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries):
            raise RefusedError("compressed parts, which torch.save does not write")
        if sum(entry.file_size for entry in entries) > len(data):
            raise RefusedError("parts that unfold to more bytes than the file has")
        names = [entry.filename.lower() for entry in entries]
        found = [entry for entry in entries if entry.filename.endswith("/data.pkl")]
        if len(set(names)) < len(names) or len(found) != 1:
            raise RefusedError("several parts of one name, or no `data.pkl`")
        return archive.read(found[0])


def _check_tensors(value: Any) -> None:
    """Raise RefusedError for a tensor with more numbers than its storage: a copy could fill the memory."""
    if isinstance(value, Tensor):
        if (
            value.layout is not torch.strided
            or value.numel() * value.itemsize > value.untyped_storage().nbytes()
        ):
            raise RefusedError(f"a tensor of shape {tuple(value.shape)} that is not stored in full")
    elif isinstance(value, Mapping):
        _check_tensors(list(value.values()))
    elif isinstance(value, (list, tuple, set, frozenset)):
        for item in value:
            _check_tensors(item)
