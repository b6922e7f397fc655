"""`core/webdataset`: tar shards of pictures with captions, as WebDataset and img2dataset write them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, BinaryIO, ClassVar

import numpy as np
from PIL import Image
from pydantic import Field

from ganzoo import untrusted
from ganzoo.components import Dataset
from ganzoo.data import shard_files
from ganzoo.data.caption_table import check_caption
from ganzoo.data.examples import Examples
from ganzoo.data.picture_files import FORMATS, data_root, fingerprint, held_out_by_hash
from ganzoo.data.splits import numbered, of_shards
from ganzoo.data.tar_shards import SUFFIX, Entry, Sample, read_entry, read_shard
from ganzoo.errors import GanzooError, did_you_mean
from ganzoo.specs import DataSpec

WHO = "core/webdataset"
LARGEST_TEXT = 1_000_000  # bytes of what is said about one picture
PEEKED = 20  # samples looked at to recognise a shard


@dataclass(frozen=True)
class _Row:
    """One example: the shard, its picture there, its captions, its class."""

    shard: str
    key: str
    picture: Entry
    captions: tuple[str, ...]
    class_name: str


@dataclass(frozen=True, kw_only=True)
class WebDataset(Dataset):
    """Pictures with captions in tar files (WebDataset): `0017.jpg`, `0017.txt`, `0017.json` side by side.

    `image`: endings of the pictures' entries, the first that a sample has. `caption`: ending of the captions'
    entries, `txt` (one caption a line) or `json.FIELD`, a field of the .json entry that holds a text or a
    list of texts; dots lead into objects. `class_from`: likewise for classes, `cls` or `json.label`; "" = no
    classes.

    Splits: shards in a folder `train/` or called `train-...` are the training split, those called test, val,
    validation, valid or dev (the first there is) the test split; `train_split` and `test_split` name others.
    Where no shard is held out, `test_share` of the examples is, by a hash of their keys.

    Nothing else is needed to read the shards, and nothing in them is run: entries of other endings, pickles
    among them, are left alone. Shards are not compressed.
    """

    source: ClassVar[str] = "the format of webdataset, github.com/webdataset/webdataset"

    image: tuple[str, ...] = ("jpg", "jpeg", "png", "webp")
    caption: str = "txt"
    class_from: str = ""
    train_split: str = ""
    test_split: str = ""
    test_share: Annotated[float, Field(ge=0, lt=1)] = 0.1

    def __post_init__(self) -> None:
        if not self.image or not self.caption:
            raise GanzooError(f"{WHO} needs the endings of its entries: `image: [jpg]`, `caption: txt`")

    def yields(self) -> DataSpec:
        """Captions, and classes where an option says where they stand."""
        return DataSpec(captions=1, class_id=bool(self.class_from))

    @classmethod
    def recognise(cls, folder: Path) -> WebDataset | None:
        """Shards whose first samples have a picture and a .txt, or a caption or text in a .json."""
        shards = shard_files.find(folder.resolve(), SUFFIX)
        if not shards:
            return None
        path = folder / shards[0]
        samples = read_shard(path, shards[0])[:PEEKED]
        endings = {ending for sample in samples for ending in sample.entries}
        image = tuple(ending for ending in cls.image if ending in endings)
        if not image or not endings & {"txt", "json"}:
            return None
        said: dict[str, Any] = {}
        if "json" in endings:
            with untrusted.open_file(path, shards[0]) as stream:
                said = next(
                    _json(stream, sample.entries["json"], shards[0])
                    for sample in samples
                    if "json" in sample.entries
                )
        fields = [f"json.{name}" for name in ("caption", "captions", "text") if said.get(name)]
        classes = ["cls"] if "cls" in endings else [f"json.{n}" for n in ("label", "class") if n in said]
        caption = "txt" if "txt" in endings else (fields or ["json.caption"])[0]
        return cls(image=image, caption=caption, class_from=(classes or [""])[0])

    def examples(self, split: str, folder: Path | None, resolution: int) -> Examples:
        """The examples of `split`, in the order of the shards.

        Raises GanzooError, naming shard and entry: see the messages here and in `tar_shards`.
        """
        root = data_root(WHO, folder, "a folder of .tar files")
        shards = shard_files.find(root, SUFFIX)
        if not shards:
            raise GanzooError(f"{root} has no shards; expected files that end in {SUFFIX}")
        learnt, held_out = of_shards(shards, self.train_split, self.test_split)
        asked = learnt if split == "train" or not held_out else held_out
        read = [*learnt, *held_out] if self.class_from else asked  # a class has one number in both splits
        rows = [row for shard in read for row in self._rows(root / shard, shard)]
        numbers = numbered(row.class_name for row in rows)
        if held_out:
            chosen = [row for row in rows if row.shard in set(asked)]
        else:
            splits = held_out_by_hash([row.key for row in rows], self.test_share)
            chosen = [row for row in rows if splits[row.key] == split]
        return Examples(
            keys=tuple(row.key for row in chosen),
            captions=tuple(row.captions for row in chosen),
            image=lambda i: _open(root / chosen[i].shard, chosen[i].picture),
            fingerprint=fingerprint(
                WHO, root, asked, *(f"{row.key} {row.picture.start}\n".encode() for row in chosen)
            ),
            class_id=np.array([numbers[row.class_name] for row in chosen], np.int64)
            if self.class_from
            else None,
        )

    def _rows(self, path: Path, shard: str) -> list[_Row]:
        samples = read_shard(path, shard)
        with untrusted.open_file(path, shard) as stream:
            return [self._row(stream, shard, sample) for sample in samples]

    def _row(self, stream: BinaryIO, shard: str, sample: Sample) -> _Row:
        picture = next((sample.entries[end] for end in self.image if end in sample.entries), None)
        if picture is None:
            raise GanzooError(
                f"{shard}: sample `{sample.key}` has no picture; expected {_or(self.image)} "
                f"(option `image`), found {', '.join(sample.entries)}"
            )
        said, where = self._read(stream, shard, sample, self.caption, "caption")
        texts = said if isinstance(said, list) else str(said).splitlines() if said is not None else []
        captions = tuple(text.strip() for text in texts if isinstance(text, str) and text.strip())
        if not captions or not all(isinstance(text, str) for text in texts):
            raise GanzooError(f"{shard}: entry {where} holds no caption; expected a text, or a list of texts")
        for caption in captions:
            check_caption(caption, f"{shard}: a caption in {where}")
        class_name = ""
        if self.class_from:
            found, where = self._read(stream, shard, sample, self.class_from, "class_from")
            class_name = str(found).strip() if isinstance(found, str | int) else ""
            if not class_name:
                raise GanzooError(f"{shard}: entry {where} holds no class; expected a name or a number")
        return _Row(shard, f"{shard}/{sample.key}", picture, captions, class_name)

    def _read(
        self, stream: BinaryIO, shard: str, sample: Sample, place: str, option: str
    ) -> tuple[str | int | list[Any] | None, str]:
        """What stands at `place` (`txt`, `json.caption`) of a sample, and that place for messages."""
        ending, *fields = place.split(".") if place.startswith("json.") else [place.lower()]
        entry = sample.entries.get(ending)
        if entry is None:
            raise GanzooError(
                f"{shard}: sample `{sample.key}` has no `{ending}` (option `{option}: {place}`)"
                f"{did_you_mean(ending, sample.entries)}; found {', '.join(sample.entries)}"
            )
        if not fields:
            return _text(stream, entry, shard), f"`{entry.name}`"
        said: Any = _json(stream, entry, shard)
        for field in fields:
            if not isinstance(said, dict) or field not in said:
                known = said if isinstance(said, dict) else {}
                raise GanzooError(
                    f"{shard}: entry `{entry.name}` has no field `{field}` (option `{option}: {place}`)"
                    f"{did_you_mean(field, known)}; found {', '.join(map(str, known)) or 'none'}"
                )
            said = said[field]
        usable = isinstance(said, str | int | list) and not isinstance(said, bool)
        return said if usable else None, f"`{entry.name}`, field `{'.'.join(fields)}`,"


def _text(stream: BinaryIO, entry: Entry, shard: str) -> str:
    if entry.size > LARGEST_TEXT:
        raise GanzooError(f"{shard}: entry `{entry.name}` has {entry.size:,} bytes, too many for a text")
    try:
        return read_entry(stream, entry).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise GanzooError(f"{shard}: entry `{entry.name}` is no UTF-8 text: {error}") from error


def _json(stream: BinaryIO, entry: Entry, shard: str) -> dict[str, Any]:
    where = f"{shard}: entry `{entry.name}`"
    said = untrusted.parse_json(_text(stream, entry, shard), where)
    if not isinstance(said, dict):
        raise GanzooError(f"{where} is no JSON object")
    return said


def _open(path: Path, entry: Entry) -> Image.Image:
    """A picture read at its place: shards are opened anew each time, so threads do not meet."""
    with path.open("rb") as stream:
        return Image.open(io.BytesIO(read_entry(stream, entry)), formats=FORMATS)


def _or(names: tuple[str, ...]) -> str:
    return " or ".join(names)
