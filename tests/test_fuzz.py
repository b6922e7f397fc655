"""Good files of every kind, spoilt at random: they are read, or refused with a GanzooError. Nothing else.

1,000 files a run; GANZOO_FUZZ=100000 makes it as many. A failure names the kind of the file and its number,
which is the seed of how it was spoilt.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import random
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
import safetensors.torch
import torch
from PIL import Image
from torch import nn

from ganzoo import checkpoint
from ganzoo.assemble import assemble
from ganzoo.data import pickles
from ganzoo.data.array_files import map_array
from ganzoo.data.cache import UNREADABLE, decode, pack
from ganzoo.data.caption_table import read_table
from ganzoo.data.captions import CaptionStore
from ganzoo.data.examples import Examples
from ganzoo.data.folder import Folder
from ganzoo.data.picture_files import FORMATS
from ganzoo.errors import GanzooError
from ganzoo.optimizers import Adam, load_moments
from ganzoo.recipe import Recipe, load_recipes
from ganzoo.run import Run
from ganzoo.settings import Settings
from ganzoo.weight_files import read_weights, unpack_torch

Reader: TypeAlias = tuple[list[bytes], Callable[[bytes], object]]  # good files, and who reads one

FILES = int(os.environ.get("GANZOO_FUZZ", "1000"))

# What a program does to run another, or to run code, as Python reports it; only while a file is read.
STARTS = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "subprocess.Popen",
    "pty.spawn",
)
seen: list[str] | None = None


def watch(event: str, _: Any) -> None:
    if seen is not None and event in STARTS:
        seen.append(event)


sys.addaudithook(watch)


# -- spoiling ------------------------------------------------------------------------------------------------

EXTREMES = [0, 1, 0x7F, 0x80, 0xFF, 0x7FFFFFFF, 0xFFFFFFFF, 2**62, 2**63 - 1, 2**64 - 1]
WORDS = [
    b"-1", b"0", b"1e999", b".nan", b"NaN", b"9" * 99, b"9" * 5000, b"4611686018427387904", b"null", b"[]",
    b"{}", b'""', b"true", b"'\\ud800'", b"\x1b[31m", b"../..", b"[" * 200, b"&a", b"*a",
    b"!!python/name:os.system",
]  # fmt: skip


def flip(data: bytearray, draw: random.Random, _: bytes) -> None:
    for _number in range(draw.choice([1, 1, 2, 8])):
        data[draw.randrange(len(data))] ^= 1 << draw.randrange(8)


def cut(data: bytearray, draw: random.Random, _: bytes) -> None:
    del data[draw.randrange(len(data)) :]


def delete(data: bytearray, draw: random.Random, _: bytes) -> None:
    start = draw.randrange(len(data))
    del data[start : start + draw.choice([1, 4, 30])]


def insert(data: bytearray, draw: random.Random, _: bytes) -> None:
    start = draw.randrange(len(data))
    data[start:start] = draw.randbytes(draw.choice([1, 4, 30]))


def repeat(data: bytearray, draw: random.Random, _: bytes) -> None:
    start = draw.randrange(len(data))
    part = data[start : start + draw.choice([1, 9, 80])]
    data[start:start] = part * draw.choice([1, 2, 50])


def splice(data: bytearray, draw: random.Random, other: bytes) -> None:
    start, from_ = draw.randrange(len(data)), draw.randrange(len(other))
    data[start : start + draw.choice([0, 20])] = other[from_ : from_ + draw.choice([8, 60, 900])]


def extreme(data: bytearray, draw: random.Random, _: bytes) -> None:
    start, size = draw.randrange(len(data)), draw.choice([1, 2, 4, 8])
    value = draw.choice(EXTREMES) % 256**size
    data[start : start + size] = value.to_bytes(size, draw.choice(["little", "big"]))


def word(data: bytearray, draw: random.Random, _: bytes) -> None:
    """Another number or word in the place of one."""
    places = [found.span() for found in re.finditer(rb"[A-Za-z0-9_.+-]+", data[:100_000])]
    if places:
        start, end = draw.choice(places)
        data[start:end] = draw.choice(WORDS)


SPOIL = [flip, cut, delete, insert, repeat, splice, extreme, word]


def spoilt(good: bytes, others: list[bytes], draw: random.Random) -> bytes:
    data = bytearray(good)
    for _ in range(draw.choice([1, 1, 1, 2, 4])):
        if data:
            draw.choice(SPOIL)(data, draw, draw.choice(others))
    return bytes(data)


# -- good files, and who reads them --------------------------------------------------------------------------


class Runs:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch canary",)


def torch_file(value: Any, legacy: bool = False) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=not legacy)
    return buffer.getvalue()


def picture(kind: str, **options: Any) -> bytes:
    drawn = Image.fromarray(np.random.default_rng(0).integers(0, 255, (12, 10, 3), np.uint8))
    buffer = io.BytesIO()
    drawn.convert(options.pop("mode", "RGB")).save(buffer, kind, **options)
    return buffer.getvalue()


def npy(array: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def a_pickle(protocol: int) -> bytes:
    arrays = [np.arange(8, dtype=np.float32).reshape(2, 4), np.ones((2, 4))]
    return pickle.dumps([arrays, {"a": (1, 2.5, "x", b"y", None, {3})}, np.int64(7)], protocol)


def moments() -> tuple[torch.optim.Optimizer, bytes]:
    weights = [nn.Parameter(torch.ones(2, 3))]
    optimizer = Adam().build(weights)
    weights[0].sum().backward()
    optimizer.step()
    return optimizer, torch_file({"generator": optimizer.state_dict()})


STATE_DICT = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.bias": torch.zeros(2), "n": torch.tensor(3)}
TABLE = "file,caption,class,split\n" + "".join(f'{n}.png,"a {n}, red",c,train\n' for n in "abc")
LINES = "".join(json.dumps({"file": f"{n}.png", "caption": f"ä {n}"}) + "\n" for n in "abc")
PICTURES = [
    picture("PNG"), picture("PNG", mode="P"), picture("PNG", mode="RGBA"), picture("JPEG"),
    picture("JPEG", mode="CMYK"), picture("JPEG", progressive=True), picture("GIF", mode="P"),
    picture("WEBP"), picture("WEBP", lossless=True), picture("BMP"),
]  # fmt: skip


@pytest.fixture
def readers(tmp_path: Path, trained: Path, registry: Any, plan: Any) -> dict[str, Reader]:
    """By kind of file."""
    path, tensors, table = tmp_path / "file", tmp_path / "a.safetensors", tmp_path / "a.jsonl"
    run = Run.open(trained)
    newest = run.newest

    def at(place: Path, read: Callable[[], object]) -> Callable[[bytes], object]:
        def reader(data: bytes) -> object:
            place.write_bytes(data)
            return read()

        return reader

    def recipe(data: bytes) -> None:
        path.write_bytes(data)
        for found in load_recipes(path).values():
            assert Recipe.from_yaml(found.to_yaml()) == found
            assemble(found, registry)

    def settings() -> None:
        names = {field.name for field in fields(Settings)}
        Settings.of({name: value for name, value in run.settings.items() if name in names})

    def in_checkpoint(name: str) -> Reader:
        shutil.copytree(newest, copy := tmp_path / name / newest.name)
        state = json.loads((copy / "state.json").read_text())
        (copy / "state.json").write_text(json.dumps(state | {"files": None}))
        good = [(copy / name).read_bytes()]
        return good, at(copy / name, lambda: (checkpoint.load(copy), checkpoint.best_in(copy.parent)))

    weights = at(path, lambda: read_weights(path))
    optimizer, optimizer_bytes = moments()

    def optimizers(data: bytes) -> None:
        try:
            load_moments(optimizer, unpack_torch(data, "optimizers.pt")["generator"])
        except (KeyError, TypeError, ValueError):
            pass  # what `train.py` turns into a GanzooError

    def decoded(data: bytes) -> None:
        try:
            decode(Image.open(io.BytesIO(data), formats=FORMATS), 8)
        except UNREADABLE:
            pass  # what `pack` turns into a GanzooError

    (tmp_path / "folder").mkdir()
    for name in "abc":
        Image.new("RGB", (3, 3)).save(tmp_path / "folder" / f"{name}.png")
        (tmp_path / "folder" / f"{name}.txt").write_text("x")

    def folder(name: str, **options: Any) -> Callable[[bytes], object]:
        place = tmp_path / f"folder {name}"
        shutil.copytree(tmp_path / "folder", place)
        if name.startswith("embeddings"):
            (place / "captions.csv").write_text(TABLE)
        return at(place / name, lambda: Folder(**options).examples("train", place, 8))

    examples = Examples(("a", "b"), (("x",), ("y z",)), lambda i: Image.new("RGB", (4, 4), (i, 0, 0)), "fuzz")
    packed = pack(examples, 8, tmp_path / "pictures").images.copy()
    (pictures,) = (tmp_path / "pictures").iterdir()
    encoder = plan.text.build()

    def repack() -> None:
        assert (pack(examples, 8, tmp_path / "pictures").images == packed).all()

    def encode() -> Any:
        store = CaptionStore(examples)
        store.tokenize(encoder)
        store.encode(encoder, tmp_path / "captions", device="cpu")
        return store.features(np.array([0, 1])).sentence

    sentence = encode()
    (captions,) = (tmp_path / "captions").iterdir()

    def reencode() -> None:
        assert torch.equal(encode(), sentence)

    def in_place(place: Path, read: Callable[[], object]) -> Reader:
        return [place.read_bytes()], at(place, read)

    return {
        "recipe.yaml": ([run.path.joinpath("recipe.yaml").read_bytes()], recipe),
        "run.json": in_place(trained / "run.json", settings),
        "metrics.jsonl": in_place(trained / "metrics.jsonl", lambda: run.metrics),
        "state.json": in_checkpoint("state.json"),
        "model.safetensors": in_checkpoint("model.safetensors"),
        "optimizers.pt": in_checkpoint("optimizers.pt"),
        "moments": ([optimizer_bytes], optimizers),
        "safetensors": (
            [safetensors.torch.save(STATE_DICT)],
            at(tensors, lambda: read_weights(tensors)),
        ),
        "pth": ([torch_file(STATE_DICT), torch_file({"a": Runs()})], weights),
        "old pth": ([torch_file(STATE_DICT, True), torch_file({"a": Runs()}, True)], weights),
        "pickle": (
            [*(a_pickle(protocol) for protocol in (0, 1, 2, 4, 5)), pickle.dumps(Runs(), 2)],
            at(path, lambda: pickles.load(path)),
        ),
        "npy": ([npy(np.ones((3, 4), "f4")), npy(np.ones(3))], at(path, lambda: map_array(path).sum())),
        "embeddings.npy": ([npy(np.ones((3, 4), "f4"))], folder("embeddings.npy", embedding=4)),
        "embeddings.pickle": (
            [pickle.dumps([np.ones((1, 4), "f4")] * 3, 2)], folder("embeddings.pickle", embedding=4),
        ),
        "picture": (PICTURES, decoded),
        "captions.csv": ([TABLE.encode()], folder("captions.csv", class_from="column")),
        "captions.jsonl": ([LINES.encode()], folder("captions.jsonl")),
        "captions.txt": (["ä bird\na red one\n".encode()], folder("b.txt")),
        "table": ([LINES.encode()], at(table, lambda: read_table(table))),
        "images.u8": in_place(pictures / "images.u8", repack),
        "pictures' meta.json": in_place(pictures / "meta.json", repack),
        "sentence.npy": in_place(captions / "sentence.npy", reencode),
        "captions' meta.json": in_place(captions / "meta.json", reencode),
    }  # fmt: skip


@pytest.mark.filterwarnings("ignore::UserWarning:PIL", "ignore::RuntimeWarning")
def test_spoilt_files_are_read_or_refused(
    readers: dict[str, Reader],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    global seen
    monkeypatch.chdir(tmp_path)
    everything = [data for good, _ in readers.values() for data in good]
    counts, wrong = {"read": 0, "refused": 0}, []
    for number in range(FILES):
        kind = list(readers)[number % len(readers)]
        good, read = readers[kind]
        draw = random.Random(number)
        data = spoilt(draw.choice(good), everything, draw)
        seen = []
        try:
            read(data)
            counts["read"] += 1
        except GanzooError as error:
            counts["refused"] += 1
            if "\x1b" in str(error) or not str(error):
                wrong.append(f"{kind}, file {number}: {str(error)!r}")
        except Exception as error:
            wrong.append(f"{kind}, file {number}: {error!r}")
        wrong += [f"{kind}, file {number} started {event}" for event in seen]
        seen = None
    assert not wrong, "\n".join(wrong)
    assert not list(tmp_path.rglob("canary"))
    assert min(counts.values()) > FILES // 20, counts
    print(counts)


def test_good_files_are_read(readers: dict[str, Reader]) -> None:
    for kind, (good, read) in readers.items():
        for data in good:
            if b"touch canary" in data:
                with pytest.raises(GanzooError, match=r"global `(posix|nt)\.system`"):
                    read(data)
            else:
                read(data)
        assert good, kind


def test_the_watch_sees_what_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    global seen
    monkeypatch.chdir(tmp_path)
    seen = []
    pickle.loads(pickle.dumps(Runs()))
    started, seen = seen, None
    assert started == ["os.system"] and (tmp_path / "canary").exists()
