"""Kinds of damage to shards, and the heart of what is said of each.

    PYTHONPATH=tests/data python -m shard_damages

prints the table of docs/data.md.
"""

from __future__ import annotations

import gzip
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from damages import escaped
from shards import rows, sample, write_parquet, write_saved, write_tar

from ganzoo.components import Dataset
from ganzoo.data.arrow_shards import STREAM_END
from ganzoo.data.huggingface import HuggingFace
from ganzoo.data.webdataset import WebDataset
from ganzoo.errors import GanzooError

Break = Callable[[Path], object]
Damages = dict[str, tuple[Break, str]]


def cut_within(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:540])


def cut_after(count: int) -> Break:
    return lambda file: file.write_bytes(file.read_bytes()[:count])


def hurt(file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[1024 + 148 : 1024 + 156] = b"12345678"  # the checksum of the second entry's header
    file.write_bytes(data)


def compressed(file: Path) -> None:
    file.write_bytes(gzip.compress(file.read_bytes()))


def link(file: Path) -> None:
    with tarfile.open(file, "a") as tar:
        header = tarfile.TarInfo("b.png")
        header.type, header.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(header)


def sparse(file: Path) -> None:
    with tarfile.open(file, "w", format=tarfile.GNU_FORMAT) as tar:
        header = tarfile.TarInfo("b.png")
        header.type = tarfile.GNUTYPE_SPARSE
        tar.addfile(header)


def huge_header(file: Path) -> None:
    header = tarfile.TarInfo("x")
    header.type, header.size = tarfile.GNUTYPE_LONGNAME, 10**9
    file.write_bytes(header.tobuf(tarfile.GNU_FORMAT) + bytes(1024))


def huge_entry(file: Path) -> None:
    header = tarfile.TarInfo("b.png")
    header.size = 10**9
    with file.open("wb") as file:
        file.write(header.tobuf())
        file.truncate(10**9 + 2048)


def entries(*given: dict[str, bytes]) -> Break:
    return lambda file: write_tar(file, {name: data for one in given for name, data in one.items()})


TAR: Damages = {
    "cut within a picture": (cut_within, "0.tar: entry `a.png` is cut short"),
    "cut after a picture": (cut_after(700), "damaged tar file, after entry `a.png`: unexpected end"),
    "cut between entries": (cut_after(1024), "after entry `a.png`: it has no end, it is cut short"),
    "a header overwritten": (hurt, "0.tar is a damaged tar file, after entry `a.png`: what follows"),
    "no tar file": (lambda f: f.write_bytes(b"x" * 2000), "0.tar is a damaged tar file, at its beginning"),
    "empty": (lambda f: f.write_bytes(b""), "0.tar is a damaged tar file, at its beginning: empty file"),
    "only an end": (lambda f: f.write_bytes(bytes(10240)), "0.tar has no entries"),
    "compressed": (compressed, "0.tar is compressed; unpack it with `gunzip`"),
    "a link in it": (link, "0.tar: entry `b.png` is a link, a device or a sparse file"),
    "a sparse file in it": (sparse, "0.tar: entry `b.png` is a link, a device or a sparse file"),
    "a name of a gigabyte": (huge_header, "at its beginning: a header of 1,000,000,000 bytes"),
    "a picture of a gigabyte": (huge_entry, "entry `b.png` has 1,000,000,000 bytes; expected at most"),
    "no caption": (entries({"a.png": b"x"}), "sample `a` has no `txt` (option `caption: txt`); found png"),
    "an empty caption": (entries(sample("a"), {"a.txt": b" \n"}), "0.tar: entry `a.txt` holds no caption"),
    "a caption not in UTF-8": (entries(sample("a"), {"a.txt": b"\xff"}), "entry `a.txt` is no UTF-8 text"),
    "a far too long text": (entries(sample("a"), {"a.txt": b"x" * 2_000_000}), "`a.txt` has 2,000,000"),
    "a far too long caption": (entries(sample("a"), {"a.txt": b"x" * 20_000}), "`a.txt` has 20000"),
    "no picture": (entries({"a.txt": b"x"}), "sample `a` has no picture; expected jpg or jpeg"),
    "samples torn apart": (
        entries(sample("a"), sample("b"), {"a.json": b"{}"}),
        "0.tar: entry `a.json` belongs to `a`, which ended before `b.txt`",
    ),
    "an entry twice": (entries(sample("a"), {"a.PNG": b"x"}), "0.tar: entry `a.PNG` is there twice"),
    "a name with escape codes": (entries({"\x1b[31m.png": b"x"}), r"entry '\x1b[31m.png' has a name"),
}  # fmt: skip

SHARD = "data-00000-of-00002.arrow"


def cut_at_its_end(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-20])


def cut_in_the_middle(file: Path) -> None:
    data = file.read_bytes()
    file.write_bytes(data[: len(data) // 2] + STREAM_END)


def lying_offsets(file: Path) -> None:
    """The caption of the first row is said to end far behind the last byte."""
    data = file.read_bytes()
    place = data.index(np.array([0, 7, 15], np.int32).tobytes())  # "all red", "all lime"
    file.write_bytes(data[:place] + np.array([0, 7, 2**30], np.int32).tobytes() + data[place + 12 :])


ARROW: Damages = {
    "cut short": (cut_at_its_end, f"train/{SHARD} is damaged: it does not end as an Arrow stream ends"),
    "cut in the middle": (cut_in_the_middle, f"train/{SHARD} is damaged: "),
    "empty": (lambda f: f.write_bytes(b""), f"train/{SHARD} is damaged: it does not end as an Arrow"),
    "zeros": (lambda f: f.write_bytes(bytes(4000)), f"train/{SHARD} is damaged: it does not end as"),
    "nothing but an end": (lambda f: f.write_bytes(STREAM_END), f"train/{SHARD} is damaged: "),
    "offsets that lie": (lying_offsets, f"train/{SHARD} is damaged: "),
    "gone": (Path.unlink, f"state.json names {SHARD}, which is not there; copy the whole data set"),
}

PARQUET: Damages = {
    "cut short": (cut_at_its_end, "0.parquet is damaged: "),
    "empty": (lambda f: f.write_bytes(b""), "0.parquet is damaged: Parquet file size is 0 bytes"),
    "no Parquet file": (lambda f: f.write_bytes(b"x" * 99), "0.parquet is damaged: Parquet magic bytes"),
    "no such column": (lambda f: write_parquet(f, {"image": [b"x"], "captions": ["x"]}), "did you mean"),
    "pictures that are none": (
        lambda f: write_parquet(f, {"image": ["x"], "caption": ["x"]}),
        "0.parquet: column `image` is string; pictures are bytes, or objects with `bytes`",
    ),
    "an empty caption": (
        lambda f: write_parquet(f, rows(2) | {"caption": ["x", " "]}),
        "0.parquet: row 1, column `caption`, holds no caption; expected a text",
    ),
    "no caption": (lambda f: write_parquet(f, rows(2) | {"caption": ["x", None]}), "row 1, column"),
    "captions that are numbers": (lambda f: write_parquet(f, rows(1) | {"caption": [1.5]}), "row 0"),
    "a far too long caption": (
        lambda f: write_parquet(f, rows(1) | {"caption": ["x" * 20_000]}),
        "0.parquet: row 0, column `caption`, a caption has 20000 characters",
    ),
}  # fmt: skip

# By format: the data set, what makes a small copy in a folder, the file in it that is broken, the damages.
FORMATS: dict[str, tuple[type[Dataset], Callable[[Path], object], str, Damages]] = {
    "core/webdataset": (WebDataset, lambda folder: write_tar(folder / "0.tar", sample("a")), "0.tar", TAR),
    "core/hf, saved": (HuggingFace, write_saved, f"train/{SHARD}", ARROW),
    "core/hf, Parquet": (
        HuggingFace,
        lambda folder: write_parquet(folder / "0.parquet", rows(3)),
        "0.parquet",
        PARQUET,
    ),
}


def cases() -> list[tuple[str, str]]:
    """(format, damage) of all."""
    return [(kind, what) for kind, (*_, damages) in FORMATS.items() for what in damages]


def message(kind: str, what: str, place: Path) -> str:
    """What is said of a copy so damaged, in `place`, with the folder left out of paths.

    Fails where nothing is said, or where it is not a GanzooError.
    """
    data, build, file, damages = FORMATS[kind]
    folder = place.resolve() / "copy"
    build(folder)
    damages[what][0](folder / file)
    try:
        data(test_share=0).examples("train", folder, 8)
    except GanzooError as error:
        return str(error).replace(f"{folder}/", "").replace(str(folder), "DATA")
    raise AssertionError(f"{kind} says nothing of {what}")


def table() -> str:
    """The table of docs/data.md."""
    found = ["| shards | damage | what is said |", "|---|---|---|"]
    for kind, what in cases():
        with tempfile.TemporaryDirectory() as place:
            found.append(f"| {kind} | {what} | {escaped(message(kind, what, Path(place)))} |")
    return "\n".join(found)


if __name__ == "__main__":
    print(table())
