from __future__ import annotations

import os
import pickle
import struct
import subprocess
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ganzoo import pickle_machine
from ganzoo.data import pickles
from ganzoo.errors import GanzooError

ROWS = np.arange(6, dtype="<f4").reshape(2, 3) - 2.5

# What Python 2 writes of [ROWS, ROWS + 1], in its protocols 2 and 0.
PYTHON_2 = {
    2: b"\x80\x02]q\x01(%s%se." % tuple(
        (
            b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"
            b"(K\x01K\x02K\x03\x86cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R"
            b"(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x18" + a.tobytes() + b"tb"
        )
        for a in (ROWS, ROWS + 1)
    ),
    0: b"(lp0\n%s%s." % tuple(
        (
            b"cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\n(I0\ntS'b'\ntR"
            b"(I1\n(I2\nI3\ntcnumpy\ndtype\n(S'f4'\nI0\nI1\ntR"
            b"(I3\nS'<'\nNNNI-1\nI-1\nI0\ntbI00\n"
            b"S'" + b"".join(b"\\x%02x" % byte for byte in a.tobytes()) + b"'\ntba"
        )
        for a in (ROWS, ROWS + 1)
    ),
}  # fmt: skip


def load(tmp_path: Path, data: bytes) -> Any:
    path = tmp_path / "x.pickle"
    path.write_bytes(data)
    return pickles.load(path)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_plain_data_and_arrays_come_back_as_they_were(tmp_path: Path, protocol: int) -> None:
    shared = ["shared", 2**40, -1.5]
    plain = {
        "a": [1, 2.5, None, True, False, -(2**63), 2**64 - 1],
        "b": ("ä\U0001f600", b"\x00\xff", (), (1,), (1, 2), (1, 2, 3, 4)),
        3: {"s": {1, 2}, "f": frozenset({"x"})},
        "shared": [shared, shared],
        "many": list(range(5000)),
    }
    arrays = [np.arange(24, dtype=kind).reshape(2, 3, 4) for kind in ("f2", "<f4", ">f8", "i8", "u1", "c8")]
    arrays += [np.asfortranarray(ROWS), np.array(3.0), np.zeros((0, 5)), np.array([True, False]), ROWS[:, 1]]
    written = pickle.dumps([plain, arrays, np.float32(2.5), np.int64(7), b""], protocol)
    read = load(tmp_path, written)
    assert read[0] == plain and read[0]["shared"][0] is read[0]["shared"][1]
    for given, got in zip(pickle.loads(written)[1], read[1], strict=True):
        np.testing.assert_array_equal(got, given)
        assert got.dtype == given.dtype
    assert read[2] == np.float32(2.5) and type(read[2]) is np.float32 and read[3:] == [7, b""]


@pytest.mark.parametrize("protocol", list(PYTHON_2))
def test_arrays_of_python_2(tmp_path: Path, protocol: int) -> None:
    first, second = load(tmp_path, PYTHON_2[protocol])
    np.testing.assert_array_equal(first, ROWS)
    np.testing.assert_array_equal(second, ROWS + 1)
    assert first.dtype == np.dtype("<f4")


def test_strings_of_python_2_are_latin_1(tmp_path: Path) -> None:
    assert load(tmp_path, b"\x80\x02U\x02a\xe9.") == "aé" and load(tmp_path, b"S'a\\xe9'\n.") == "aé"


def test_the_same_array_twice(tmp_path: Path) -> None:
    first, second = load(tmp_path, pickle.dumps([ROWS, ROWS], 4))
    assert first is second


class Runs:
    """Its pickle writes a file when it is run."""

    def __init__(self, canary: Path, by: Any) -> None:
        self.canary, self.by = canary, by

    def __reduce__(self) -> tuple[Any, ...]:
        return self.by, (f"touch {self.canary}",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_nothing_is_run(tmp_path: Path, protocol: int) -> None:
    canary = tmp_path / "canary"
    for by, name in (
        (os.system, f"{os.system.__module__}.system"),
        (subprocess.getoutput, ".getoutput"),
        (eval, "eval"),
    ):
        with pytest.raises(GanzooError) as error:
            load(tmp_path, pickle.dumps([1, Runs(canary, by)], protocol))
        said = str(error.value)
        assert said.startswith(f"{tmp_path / 'x.pickle'} is refused: it holds the global `")
        assert name in said and "nothing in it is run" in said
    assert not canary.exists()


ARRAY = (
    b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01%b"
    b"cnumpy\ndtype\nU%c%bK\x00K\x01\x87R(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x04abcdtb."
)

HUGE = struct.pack("<Q", 2**60)

HOSTILE = {
    "an object": (b"(i__main__\nThing\n.", "the opcode INST, which makes objects"),
    "a new object": (pickle.dumps(Path("x"), 4), "the global `pathlib.PosixPath`"),
    "an ordered dict": (pickle.dumps(OrderedDict(a=1), 2), "the global `collections.OrderedDict`"),
    "an extension": (b"\x82\x01.", "the opcode EXT1"),
    "a persistent id": (b"Pname\n.", "the opcode PERSID"),
    "a global by its parts": (b"\x8c\x02os\x8c\x06system\x93.", "the global `os.system`"),
    "a dotted global": (b"\x80\x04\x8c\x05numpy\x8c\x0alib.os.foo\x93.", "the global `numpy.lib.os.foo`"),
    "a global as data": (b"cnumpy\ndtype\n.", "`numpy.dtype` as data"),
    "a type as data": (pickle.dumps(np.dtype("f4"), 2), "as data"),
    "a call of text": (b"S'x'\n)R.", "a call of a str"),
    "a call of a class": (b"cnumpy\nndarray\nK\x05\x85R.", "a call of `numpy.ndarray`"),
    "an array of objects": (pickle.dumps(np.array([1, "a", None], object), 2), "an array of 'O8', not of"),
    "an array with fields": (pickle.dumps(np.zeros(2, "f4,i4"), 2), "an array of 'V8', not of numbers"),
    "an array of dates": (pickle.dumps(np.zeros(2, "M8[s]"), 2), "an array of 'M8', not of numbers"),
    "an array of its own class": (pickle.dumps(np.ma.masked_array([1.0]), 2), "the global `numpy.ma"),
    "a filled list": (b"]Nb.", "the opcode BUILD, which fills objects, for a list"),
    "another encoding": (b"c_codecs\nencode\nX\x01\x00\x00\x00aX\x03\x00\x00\x00hex\x86R.", "as 'hex'"),
    "a tuple as a key": (b"}N\x85Ns.", "a tuple as a key"),
    "a nested tuple in a set": (b"\x8f(" + b")" + b"\x85" * 5000 + b"\x90.", "a tuple as a key"),
    "deep lists": (b"]" * 100_000 + b"a" * 99_999 + b".", "nested deeper than 32 levels"),
    "deep tuples": (b")" + b"\x85" * 100_000 + b".", "nested deeper than 32 levels"),
    "a list in itself": (b"]q\x00h\x00a.", "nested deeper than 32 levels, or in itself"),
    "a laughing billion": (b")" + b"2\x86" * 60 + b".", "nested deeper than 32 levels"),
    "a long integer": (pickle.dumps(2**200), "an integer of more than 128 bits"),
    "one part in many arrays": (
        b"(" + pickle.dumps(b"x" * 9999, 3)[2:-1] + b"q\x05"
        + b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87Rq\x06"
        + b"cnumpy.core.numeric\n_frombuffer\n(h\x05h\x06M\x0f\x27\x85U\x01CtR" * 9 + b"t.",
        "arrays and sets far larger than the file",
    ),
}  # fmt: skip

DAMAGED = {
    "nothing but a name": (b"hello", "is a damaged pickle, or none"),
    "cut short": (pickle.dumps([1, "two", ROWS])[:-30], "is a damaged pickle, or none"),
    "no end": (b"]", "it ends too early"),
    "no such opcode": (b"\xff", "no pickle has the opcode b'\\xff'"),
    "bytes that are not there": (b"\x8e" + HUGE + b"abc.", "bytes8, but only"),
    "a byte array that is not there": (b"\x96" + HUGE + b"abc.", "bytearray8, but only"),
    "text that is not there": (b"\x8d" + HUGE + b"abc.", "but only"),
    "a string without quotes": (b"Sabc\n.", "a string without quotes"),
    "an empty stack": (b".", "is a damaged pickle, or none"),
    "no mark": (b"t.", "is a damaged pickle, or none"),
    "nothing to get": (b"h\x07.", "is a damaged pickle, or none"),
    "items for a tuple": (b")Na.", "a tuple where a list is filled"),
    "shape that lies": (ARRAY % (b"J\x00\x00\x00\x40\x85", 2, b"u1"), "(1073741824,), but 4 bytes"),
    "shape below zero": (ARRAY % (b"J\xfc\xff\xff\xff\x85", 2, b"u1"), "an array has the shape (-4,)"),
    "shape of text": (ARRAY % (b"U\x01x\x85", 2, b"u1"), "an array has the shape ('x',)"),
    "no such number": (ARRAY % (b"K\x01\x85", 2, b"f7"), "is a damaged pickle, or none"),
}  # fmt: skip


@pytest.mark.parametrize("data, said", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_pickles_are_refused(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(GanzooError) as error:
        load(tmp_path, data)
    assert "is refused: it holds" in str(error.value) and said in str(error.value)


@pytest.mark.parametrize("data, said", DAMAGED.values(), ids=list(DAMAGED))
def test_damaged_pickles_are_an_error(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(GanzooError) as error:
        load(tmp_path, data)
    assert said in str(error.value)


def test_a_memo_costs_what_is_put_there(tmp_path: Path) -> None:
    """Python's own unpickler makes room for all places below the one that is named: here 34 GB."""
    assert load(tmp_path, b"Nr\xff\xff\xff\xff.") is None


def test_too_many_opcodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pickle_machine, "MOST_OPCODES", 100)
    with pytest.raises(GanzooError, match="more than 100 opcodes"):
        load(tmp_path, b"N" * 200 + b".")


def test_too_large_or_empty_a_file(tmp_path: Path) -> None:
    with (tmp_path / "x.pickle").open("wb") as file:
        file.truncate(pickles.LARGEST_FILE + 1)  # a hole: it takes no room
    with pytest.raises(GanzooError, match=r"is larger than 8,000,000,000 bytes, too large for a pickle"):
        pickles.load(tmp_path / "x.pickle")
    with pytest.raises(GanzooError, match="is empty"):
        load(tmp_path, b"")
    with pytest.raises(GanzooError, match="cannot be read: No such file"):
        pickles.load(tmp_path / "none.pickle")


def test_the_first_array_is_read_without_the_rest(tmp_path: Path) -> None:
    path = tmp_path / "x.pickle"
    whole = pickle.dumps([ROWS, ROWS + 1, ROWS + 2], 2)
    path.write_bytes(whole[:-20])
    np.testing.assert_array_equal(pickles.first_array(path), ROWS)
    path.write_bytes(PYTHON_2[0])
    np.testing.assert_array_equal(pickles.first_array(path), ROWS)
    path.write_bytes(pickle.dumps({"a": 1}))
    assert pickles.first_array(path) is None
    path.write_bytes(next(iter(HOSTILE.values()))[0])
    with pytest.raises(GanzooError, match="refused"):
        pickles.first_array(path)
