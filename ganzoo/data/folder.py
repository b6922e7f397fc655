"""`core/folder`: the user's own pictures, with captions in text files beside them or in one table."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, ClassVar, Literal

import numpy as np
from pydantic import Field, NonNegativeInt

from ganzoo import untrusted
from ganzoo.components import Dataset
from ganzoo.data.caption_table import Row, check_caption, read_table
from ganzoo.data.embeddings import read_embeddings, width_of
from ganzoo.data.examples import Examples
from ganzoo.data.picture_files import data_root, fingerprint, held_out_by_hash, open_picture, some
from ganzoo.data.places import marked, read_places
from ganzoo.errors import GanzooError, did_you_mean, printable
from ganzoo.specs import DataSpec

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif")
TABLES = ("captions.csv", "captions.jsonl")
HELD_OUT = ("test", "val")  # the first there is, is the test split
DEEPEST = 32  # folders in folders
LARGEST_TEXT = 1_000_000  # bytes of the captions of one picture


@dataclass(frozen=True, kw_only=True)
class Folder(Dataset):
    """Pictures in a folder and its subfolders (jpg, jpeg, png, webp, bmp, gif: the first frame).

    Captions: `captions.csv` or `captions.jsonl` at the top with the columns `file` and `caption` (several
    rows for one file are several captions), if wanted also `class` and `split`; or, where there is no such
    table, a text file beside each picture, one caption a line. Names that begin with a dot are skipped.

    Splits: the column `split` (train, test, val); else folders `train/` and `test/` or `val/` at the top;
    else `test_share` of the pictures is held out, by a hash of their paths, so a picture stays where it is
    when others come or go. `val` serves as the test split where there is no `test`.

    `class_from`: "folder" makes classes of the immediate subfolders (below `train/` and `test/` where these
    are the splits), "column" of the table's column `class`. `embedding`: width of the sentence embeddings in
    `embeddings.npy` or `embeddings.pickle`, for text encoders that read them; 0 = none (docs/data.md).

    `boxes`, `keypoints`: whether `layout.json` has a box, and how many keypoints, for each picture. `pairs`:
    left and right keypoints, by number from 0, which trade places in a mirrored picture.
    """

    source: ClassVar[str] = "ganzoo"

    class_from: Literal["none", "folder", "column"] = "none"
    test_share: Annotated[float, Field(ge=0, lt=1)] = 0.1
    embedding: NonNegativeInt = 0
    boxes: bool = False
    keypoints: NonNegativeInt = 0
    pairs: tuple[tuple[NonNegativeInt, NonNegativeInt], ...] = ()

    def __post_init__(self) -> None:
        named = [part for pair in self.pairs for part in pair]
        if len(set(named)) < len(named) or any(part >= self.keypoints for part in named):
            raise GanzooError(
                f"`pairs: {[list(pair) for pair in self.pairs]}` must name each of the {self.keypoints} "
                "keypoints once at most, by numbers from 0"
            )

    def yields(self) -> DataSpec:
        """Captions, and what the options say that there is."""
        return DataSpec(
            captions=1,
            embedding=self.embedding,
            class_id=self.class_from != "none",
            boxes=self.boxes,
            keypoints=self.keypoints,
            pairs=self.pairs,
        )

    @classmethod
    def recognise(cls, folder: Path) -> Folder | None:
        """Any folder with pictures, with what lies beside them: classes, embeddings, boxes, keypoints."""
        root = data_root("core/folder", folder, "a folder of pictures")
        files = _find_pictures(root)
        if not files:
            return None
        table = _table(root)
        rows = [] if table is None else read_table(table)
        tops = [PurePosixPath(file).parts[:-1] for file in files]
        named = {top[0] for top in tops if top}
        split = "train" in named and named.intersection(HELD_OUT)
        folders = {top[1 if split else 0] if len(top) > bool(split) else "" for top in tops}
        column = bool(rows) and all(row.class_name for row in rows)
        several = len(folders) > 1 and all(folders)
        boxes, keypoints = marked(root)
        return cls(
            class_from="column" if column else "folder" if several and not rows else "none",
            embedding=width_of(root),
            boxes=boxes,
            keypoints=keypoints,
        )

    def examples(self, split: str, folder: Path | None, resolution: int) -> Examples:
        """The pictures of `split`, sorted by path.

        Those of "test" are none where nothing is held out. The fingerprint is made of the pictures' paths,
        sizes in bytes and times of change, not of their contents.
        Raises GanzooError: see the messages in this module and `caption_table`.
        """
        root = data_root("core/folder", folder, "a folder of pictures")
        files = _find_pictures(root)
        if not files:
            raise GanzooError(f"{root} has no pictures; expected files that end in {', '.join(SUFFIXES)}")
        table = _table(root)
        rows = [] if table is None else _rows_of(files, table, read_table(table))
        captions = _sidecars(root, files) if table is None else _gather(rows)
        _check_captioned(root, files, captions)
        splits, top = self._splits(files, rows, table)
        chosen = [file for file in files if splits[file] == split]
        if split == "train" and not chosen:
            raise GanzooError(f"none of the {len(files)} pictures in {root} is in the split `train`")
        boxes = points = None
        if self.boxes or self.keypoints:
            boxes, points = read_places(root, chosen, boxes=self.boxes, points=self.keypoints)
        return Examples(
            keys=tuple(chosen),
            captions=tuple(tuple(captions[file]) for file in chosen),
            image=lambda i: open_picture(root / chosen[i]),
            fingerprint=fingerprint("core/folder", root, chosen),
            class_id=self._class_ids(root, files, chosen, rows, table, top),
            boxes=boxes,
            keypoints=points,
            embedding=read_embeddings(root, rows, chosen, self.embedding) if self.embedding else None,
        )

    def _splits(
        self, files: Sequence[str], rows: Sequence[Row], table: Path | None
    ) -> tuple[dict[str, str], bool]:
        """The split of each file (train, test, or a val that is neither); whether the top folders say so."""
        if any(row.split for row in rows):
            return _held_out(_one_each(table, rows, "split")), False
        first = {file: PurePosixPath(file).parts[0] for file in files if "/" in file}
        names = set(first.values())
        if "train" not in names or not names.intersection(HELD_OUT):
            return held_out_by_hash(files, self.test_share), False
        stray = [file for file in files if first.get(file) not in ("train", *HELD_OUT)]
        if stray:
            raise GanzooError(
                f"{len(stray)} pictures lie outside the split folders train/ and test/ or val/: "
                f"{some(stray)}; move them into one of these"
            )
        return _held_out(first), True

    def _class_ids(
        self,
        root: Path,
        files: Sequence[str],
        chosen: Sequence[str],
        rows: Sequence[Row],
        table: Path | None,
        top: bool,
    ) -> np.ndarray[tuple[int], np.dtype[np.int64]] | None:
        """[n] numbers of the class names in sorted order, over both splits. `top`: top folders are splits."""
        if self.class_from == "none":
            return None
        if self.class_from == "folder":
            parts = {file: PurePosixPath(file).parts[top:] for file in files}
            bare = [file for file, own in parts.items() if len(own) < 2]
            if bare:
                raise GanzooError(
                    f"`class_from: folder` reads classes from subfolders, but {len(bare)} pictures lie in "
                    f"none: {some(bare)}"
                )
            names = {file: own[0] for file, own in parts.items()}
        else:
            if not any(row.class_name for row in rows):
                raise GanzooError(
                    f"`class_from: column` needs a column `class` in {root / TABLES[0]} or {TABLES[1]}; "
                    f"{f'{table.name} has none' if table else 'there is no such table'}"
                )
            names = _one_each(table, rows, "class_name")
        number = {name: i for i, name in enumerate(sorted(set(names.values())))}
        return np.array([number[names[file]] for file in chosen], np.int64)


def _find_pictures(root: Path) -> list[str]:
    """Paths of all pictures relative to `root`, with forward slashes, sorted."""
    found = []
    for place, folders, names in os.walk(root, onerror=_unreadable):
        folders[:] = [name for name in folders if not name.startswith(".")]
        if len(Path(place).relative_to(root).parts) > DEEPEST:
            raise GanzooError(f"{place} lies deeper than {DEEPEST} folders below {root}")
        for name in (*folders, *names):
            untrusted.check_link(root, Path(place, name))
        found += [
            Path(place, name).relative_to(root).as_posix()
            for name in names
            if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        ]
    _check_names(root, found)
    for file in found:
        untrusted.check_regular(root / file)
    return sorted(found)


def _unreadable(error: OSError) -> None:
    raise GanzooError(f"the folder {error.filename} cannot be read: {error.strerror}") from error


def _check_names(root: Path, files: Sequence[str]) -> None:
    odd = [repr(file) for file in files if "\n" in file or "\t" in file or printable(file) != file]
    if odd:
        raise GanzooError(
            f"{len(odd)} pictures in {root} have names with control characters, or names that are not UTF-8: "
            f"{some(odd)}; rename them"
        )


def _table(root: Path) -> Path | None:
    there = [root / name for name in TABLES if (root / name).exists()]
    if len(there) > 1:
        raise GanzooError(f"{root} has both {TABLES[0]} and {TABLES[1]}; keep one of them")
    return there[0] if there else None


def _rows_of(files: Sequence[str], table: Path, rows: Sequence[Row]) -> list[Row]:
    """The rows with their paths in the form of `files`, each of which must be there."""
    known = set(files)
    matched = []
    for row in rows:
        path = PurePosixPath(row.file)
        if path.is_absolute() or ".." in path.parts:
            raise GanzooError(
                f"{table}:{row.line}: `{row.file}` leads out of the data folder; paths are relative to it"
            )
        if str(path) not in known:
            kind = "is not there" if path.suffix.lower() in SUFFIXES else f"is none of {', '.join(SUFFIXES)}"
            raise GanzooError(f"{table}:{row.line}: `{row.file}` {kind}{did_you_mean(str(path), files)}")
        matched.append(Row(row.line, str(path), row.caption, row.class_name, row.split))
    return matched


def _gather(rows: Sequence[Row]) -> dict[str, list[str]]:
    captions: dict[str, list[str]] = {}
    for row in rows:
        captions.setdefault(row.file, []).append(row.caption)
    return captions


def _sidecars(root: Path, files: Sequence[str]) -> dict[str, list[str]]:
    """Captions from the text files beside the pictures. Blank lines are skipped, blank files an error."""
    captions = {}
    for file in files:
        path = (root / file).with_suffix(".txt")
        if not path.exists():
            continue
        lines = untrusted.read_text(path, LARGEST_TEXT).splitlines()
        captions[file] = [line.strip() for line in lines if line.strip()]
        if not captions[file]:
            raise GanzooError(f"{path} has an empty caption; write one caption a line")
        for caption in captions[file]:
            check_caption(caption, f"a caption in {path}")
    return captions


def _check_captioned(root: Path, files: Sequence[str], captions: dict[str, list[str]]) -> None:
    how = (
        "write them into a text file beside each picture (bird.jpg: bird.txt, one caption a line), "
        "or into captions.csv or captions.jsonl with the columns file and caption"
    )
    if not captions:
        raise GanzooError(f"{root} has {len(files)} pictures but no captions; {how}")
    bare = [file for file in files if file not in captions]
    if bare:
        raise GanzooError(f"{len(bare)} of {len(files)} pictures have no caption: {some(bare)}; {how}")


def _one_each(
    table: Path | None, rows: Sequence[Row], field: Literal["split", "class_name"]
) -> dict[str, str]:
    """The value of `field` for each file, which all its rows must agree on."""
    values: dict[str, str] = {}
    for row in rows:
        value: str = getattr(row, field)
        if values.setdefault(row.file, value) != value:
            column = field.removesuffix("_name")
            raise GanzooError(
                f"{table}:{row.line}: `{row.file}` has {column} `{value}` here and `{values[row.file]}` above"
            )
    return values


def _held_out(splits: dict[str, str]) -> dict[str, str]:
    """With "val" as "test" where nothing else is."""
    if "test" in splits.values():
        return splits
    return {file: "test" if split == "val" else split for file, split in splits.items()}
