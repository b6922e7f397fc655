from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch7_writer
from hypothesis import given
from hypothesis import strategies as st

from ganzoo.data import torch7_files
from ganzoo.errors import GanzooError

TABLE = {
    "number": 2.5, "text": "caf\xe9", "yes": True, "none": None, 1.0: "first",
    "inner": {"floats": np.arange(6, dtype="f4").reshape(2, 3)},
    **{kind: np.arange(3).astype(kind) for kind in ("f8", "i8", "i4", "i2", "i1", "u1")},
}  # fmt: skip
WHOLE = torch7_writer.dumps(TABLE)


def load(tmp_path: Path, data: bytes) -> Any:
    path = tmp_path / "x.t7"
    path.write_bytes(data)
    return torch7_files.load(path)


def tensor(shape: tuple[int, ...], strides: tuple[int, ...], first: int = 1, count: int = 4) -> bytes:
    """A DoubleTensor on a storage of `count` numbers from 1."""
    head = struct.pack("<ii", 4, 1) + text("V 1") + text("torch.DoubleTensor")
    head += struct.pack(f"<i{2 * len(shape) + 1}q", len(shape), *shape, *strides, first)
    storage = struct.pack("<ii", 4, 2) + text("V 1") + text("torch.DoubleStorage")
    return head + storage + struct.pack("<q", count) + np.arange(1.0, count + 1).tobytes()


def text(value: str) -> bytes:
    return struct.pack("<i", len(value)) + value.encode()


def test_tables_and_tensors_come_back(tmp_path: Path) -> None:
    found = load(tmp_path, WHOLE)
    assert found.keys() == {**TABLE, "text": ""}.keys()
    assert (found["number"], found["yes"], found["none"], found[1.0]) == (2.5, True, None, "first")
    assert found["text"] == "café".encode().decode("latin-1"), "text is bytes, here read as Latin-1"
    for key in ("f8", "i8", "i4", "i2", "i1", "u1"):
        np.testing.assert_array_equal(found[key], TABLE[key])
        assert found[key].dtype == np.dtype(key)
    np.testing.assert_array_equal(found["inner"]["floats"], [[0, 1, 2], [3, 4, 5]])


def test_tensors_are_views_of_their_storages(tmp_path: Path) -> None:
    np.testing.assert_array_equal(load(tmp_path, tensor((2, 2), (1, 2))), [[1, 3], [2, 4]])
    np.testing.assert_array_equal(load(tmp_path, tensor((2,), (1,), first=3)), [3, 4])


def test_what_is_named_again_is_the_same(tmp_path: Path) -> None:
    again = struct.pack("<iii", 3, 9, 2) + struct.pack("<id", 1, 1.0) + tensor((4,), (1,))
    again += struct.pack("<id", 1, 2.0) + struct.pack("<ii", 4, 1)
    found = load(tmp_path, again)
    assert found[1.0] is found[2.0] and found[1.0].tolist() == [1, 2, 3, 4]


BAD = {
    "a shape larger than its storage": (tensor((5,), (1,)), "reaches out of its 4 numbers"),
    "strides out of the storage": (tensor((2, 2), (1, 3)), "reaches out"),
    "a stride of nothing": (tensor((9,), (0,)), "reaches out"),
    "a stride backwards": (tensor((2,), (-1,), first=2), "reaches out"),
    "a place before the storage": (tensor((1,), (1,), first=0), "reaches out"),
    "a side of nothing": (tensor((0,), (1,)), "reaches out"),
    "a storage larger than the file": (
        tensor((1,), (1,))[:-40] + struct.pack("<q", 2**60) + bytes(32), "it ends too early",
    ),
    "a table in itself": (
        struct.pack("<iii", 3, 1, 1) + struct.pack("<id", 1, 1.0) + struct.pack("<ii", 3, 1),
        "a table in itself",
    ),
    "tables without end": ((struct.pack("<id", 3, 0)[:4] + b"".join(
        struct.pack("<ii", n, 1) + struct.pack("<id", 1, 1.0) + struct.pack("<i", 3) for n in range(40)
    )), "nested deeper than 32"),
    "a tensor as a key": (struct.pack("<iii", 3, 9, 1) + tensor((1,), (1,)) + bytes(4), "a ndarray as a key"),
    "a tensor where a table was": (
        struct.pack("<iii", 3, 1, 1) + struct.pack("<id", 1, 1.0) + struct.pack("<ii", 4, 1), "named again",
    ),
    "a length below nothing": (struct.pack("<ii", 2, -1), "a length of -1"),
    "a tensor on text": (
        tensor((1,), (1,))[: 4 + 4 + 7 + 22 + 4 + 24] + struct.pack("<ii", 2, 0), "no storage",
    ),
    "nothing": (b"", "it ends too early"),
}  # fmt: skip


@pytest.mark.parametrize("data, said", BAD.values(), ids=list(BAD))
def test_files_that_lie(data: bytes, said: str, tmp_path: Path) -> None:
    with pytest.raises(GanzooError, match=said):
        load(tmp_path, data)


@pytest.mark.parametrize("kind", [6, 7, 8])
def test_functions_are_refused(kind: int, tmp_path: Path) -> None:
    with pytest.raises(GanzooError, match="is refused: it holds a function"):
        load(tmp_path, struct.pack("<i", kind) + bytes(30))


def test_cut_short_anywhere(tmp_path: Path) -> None:
    for length in range(0, len(WHOLE), 7):
        with pytest.raises(GanzooError, match=r"x\.t7 is a damaged \.t7 file, or none"):
            load(tmp_path, WHOLE[:length])


@given(place=st.integers(0, len(WHOLE) - 1), value=st.integers(0, 255))
def test_any_byte_changed(place: int, value: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    data = bytearray(WHOLE)
    data[place] = value
    try:
        load(tmp_path_factory.getbasetemp(), bytes(data))
    except GanzooError as error:
        assert "x.t7" in str(error)
