"""The captions of COCO as it is shipped: `annotations/captions_train2014.json` and the like.

Source: Chen et al. 2015, arXiv:1504.00325; https://cocodataset.org/#format-data, section 4.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ganzoo import untrusted
from ganzoo.data.caption_files import Captions
from ganzoo.data.caption_table import check_caption
from ganzoo.data.picture_files import check_name, check_pictures
from ganzoo.errors import GanzooError

SPLITS = {"train": "train", "test": "val"}
LARGEST = 1_000_000_000  # bytes; those of 2017 take 92 MB


def annotations_file(root: Path, split: str, year: int) -> Path:
    """Where the captions of a split lie."""
    return root / "annotations" / f"captions_{SPLITS[split]}{year}.json"


def read_annotations(root: Path, split: str, year: int, most: int) -> tuple[list[str], Captions]:
    """Files of the pictures by their numbers, and the first `most` captions of each, by theirs.

    Raises GanzooError: no such file, another form, a picture without a caption or file, a caption of none.
    """
    path = annotations_file(root, split, year)
    if not path.exists():
        others = [other for other in (2014, 2017) if annotations_file(root, split, other).exists()]
        hint = (
            f"there are those of {others[0]}: set `year: {others[0]}`"
            if others
            else "docs/data.md has both forms"
        )
        raise GanzooError(f"{path} is not there, nor {root / 'train' / 'filenames.pickle'}; {hint}")
    said = untrusted.read_json(path, LARGEST)
    folder = f"{SPLITS[split]}{year}"
    names: dict[int, str] = {}
    for where, image in _entries(path, said, "images"):
        own, name = image.get("id"), image.get("file_name")
        if type(own) is not int or not isinstance(name, str) or own in names:
            raise GanzooError(
                f'{where} is {image!r}; expected {{"id": a number of its own, "file_name": ...}}'
            )
        check_name(name, where)
        names[own] = name
    captions = _captions(path, said, names)
    if not names:
        raise GanzooError(f"{path} names no picture")
    bare = [names[own] for own in names if own not in captions]
    if bare:
        raise GanzooError(f"{path} has no caption for {len(bare)} of {len(names)} pictures: {bare[0]}")
    order = sorted(names)
    files = [f"{folder}/{names[own]}" for own in order]
    check_pictures(root, files, path)
    return files, tuple(tuple(text for _, text in sorted(captions[own])[:most]) for own in order)


def _captions(
    path: Path, said: Mapping[str, Any], names: Mapping[int, str]
) -> dict[int, list[tuple[int, str]]]:
    """(number, text) of each picture's captions; blank ones are left out, as blank lines of text files."""
    found: dict[int, list[tuple[int, str]]] = {}
    for where, entry in _entries(path, said, "annotations"):
        own, picture, text = entry.get("id"), entry.get("image_id"), entry.get("caption")
        if type(own) is not int or type(picture) is not int or not isinstance(text, str):
            raise GanzooError(
                f'{where} is {entry!r}; expected {{"id": ..., "image_id": ..., "caption": ...}}'
            )
        if picture not in names:
            raise GanzooError(f"{where} is of picture {picture}, which {path} does not name")
        check_caption(text, where)
        if text.strip():
            found.setdefault(picture, []).append((own, " ".join(text.split())))
    return found


def _entries(path: Path, said: Mapping[str, Any], key: str) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Where each object of a list stands, and the object."""
    entries = said.get(key)
    if not isinstance(entries, list):
        raise GanzooError(f"{path} has no list `{key}`; expected COCO's captions: images and annotations")
    for number, entry in enumerate(entries):
        where = f"{path}: {key}[{number}]"
        if not isinstance(entry, dict):
            raise GanzooError(f"{where} is {entry!r}; expected an object")
        yield where, entry
