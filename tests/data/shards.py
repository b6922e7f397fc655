"""Miniature shards: tar files as WebDataset has them, and what Hugging Face's `datasets` saves."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

COLOURS = ("red", "lime", "blue", "white", "black", "yellow")


def picture(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (6, 5), colour).save(file, "PNG")
    return file.getvalue()


def write_tar(path: Path, entries: dict[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w") as tar:
        for name, data in entries.items():
            header = tarfile.TarInfo(name)
            header.size = len(data)
            tar.addfile(header, io.BytesIO(data))
    return path


def sample(key: str, colour: str = "red", **more: bytes) -> dict[str, bytes]:
    return {f"{key}.png": picture(colour), f"{key}.txt": f"a {colour} picture".encode()} | {
        f"{key}.{ending}": data for ending, data in more.items()
    }


def saved(colours: tuple[str, ...] = COLOURS) -> datasets.Dataset:
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "caption": datasets.Value("string"),
            "texts": datasets.Sequence(datasets.Value("string")),
            "label": datasets.ClassLabel(names=["dark", "light"]),
            "name": datasets.Value("string"),
        }
    )
    return datasets.Dataset.from_dict(
        {
            "image": [{"bytes": picture(colour), "path": None} for colour in colours],
            "caption": [f"all {colour}" for colour in colours],
            "texts": [[f"a {colour} one", "two"] for colour in colours],
            "label": [int(colour == "white") for colour in colours],
            "name": list(colours),
        },
        features,
    )


def write_parquet(path: Path, rows: dict[str, list[Any]], group: int = 1000) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(rows), path, row_group_size=group)
    return path


def rows(count: int) -> dict[str, list[Any]]:
    return {
        "image": [{"bytes": picture(COLOURS[i % 6]), "path": f"{i}.png"} for i in range(count)],
        "caption": [f"caption {i}" for i in range(count)],
    }


def write_saved(folder: Path) -> Path:
    """Two splits as the library saves them, the first in two shards."""
    splits = {"train": saved(COLOURS[:4]), "validation": saved(COLOURS[4:])}
    datasets.DatasetDict(splits).save_to_disk(folder, num_shards={"train": 2, "validation": 1})
    return folder
