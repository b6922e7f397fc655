"""`core/hf`: data sets as the library `datasets` saves them, and folders of Parquet files."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, ClassVar

import numpy as np
from PIL import Image
from pydantic import Field

from ganzoo import untrusted
from ganzoo.components import Dataset
from ganzoo.data import shard_files
from ganzoo.data.arrow_shards import PARQUET, Shard, pyarrow, shard
from ganzoo.data.caption_table import check_caption
from ganzoo.data.examples import Examples
from ganzoo.data.picture_files import FORMATS, data_root, fingerprint, held_out_by_hash
from ganzoo.data.splits import numbered, of_shards
from ganzoo.errors import GanzooError
from ganzoo.specs import DataSpec

WHO = "core/hf"
STATE = "state.json"
LARGEST_STATE = 100_000_000  # bytes
LARGEST_PICTURE = 200_000_000  # bytes
IMAGES = ("image", "img", "picture", "jpg", "png")
CAPTIONS = ("caption", "captions", "text", "sentences", "description", "prompt")
CLASSES = ("label", "class", "labels", "category")


@dataclass(frozen=True, kw_only=True)
class HuggingFace(Dataset):
    """A data set saved by Hugging Face's `datasets` (`save_to_disk`), or a folder of .parquet files.

    `image`: the column of pictures (files in it, not paths to others). `caption`: that of captions, a text or
    a list of texts a picture, or a column of classes, whose names are then the captions. `class_from`: that
    of classes, numbers or names; "" = no classes.

    Splits: those saved together (`train/`, `test/`), or Parquet files in a folder `train/` or called
    `train-...`; the first of test, val, validation, valid, dev that there is, is the test split;
    `train_split` and `test_split` name others. Where none is held out, `test_share` of the examples is, by a
    hash of their places.

    Needs pyarrow (`pip install "ganzoo[huggingface]"`), not `datasets`. Nothing in the files is run: there is
    no loading script, and Arrow's extension types stay what they are stored as.
    """

    source: ClassVar[str] = "the format of datasets, github.com/huggingface/datasets"

    image: str = "image"
    caption: str = "caption"
    class_from: str = ""
    train_split: str = ""
    test_split: str = ""
    test_share: Annotated[float, Field(ge=0, lt=1)] = 0.1

    def yields(self) -> DataSpec:
        """Captions, and classes where an option names their column."""
        return DataSpec(captions=1, class_id=bool(self.class_from))

    @classmethod
    def recognise(cls, folder: Path) -> HuggingFace | None:
        """Shards with a column of pictures and one of captions, or of named classes to be captions."""
        shards = _shards(folder.resolve())
        if not shards:
            return None
        first = shard(folder / shards[0], shards[0])
        image = _first(IMAGES, [name for name, kind in first.types.items() if _holds_pictures(kind)])
        captions = [name for name, kind in first.types.items() if _holds_texts(kind)]
        classes = [*(name for name in first.names if name in first.types), *_named(CLASSES, first.types)]
        caption = _first(CAPTIONS, captions) or (classes[0] if classes and classes[0] in first.names else "")
        if not image or not caption:
            return None
        return cls(image=image, caption=caption, class_from=(classes or [""])[0])

    def examples(self, split: str, folder: Path | None, resolution: int) -> Examples:
        """The examples of `split`, in the order of the shards; keys are `SHARD:ROW`, rows from 0.

        Raises GanzooError, naming shard and row: see the messages here and in `arrow_shards`.
        """
        root = data_root(WHO, folder, "a folder that `datasets` saved, or of .parquet files")
        shards = _shards(root)
        if not shards:
            raise GanzooError(
                f"{root} has no data set in it; expected what `save_to_disk` of `datasets` writes "
                f"({STATE} and .arrow files), or files that end in {PARQUET}"
            )
        learnt, held_out = of_shards(shards, self.train_split, self.test_split)
        asked = learnt if split == "train" or not held_out else held_out
        columns = list(dict.fromkeys([self.image, self.caption, *filter(None, [self.class_from])]))
        opened = {name: self._opened(root, name, columns) for name in [*learnt, *held_out]}
        rows = [(name, row) for name in asked for row in range(len(opened[name]))]
        if not held_out:
            splits = held_out_by_hash([_key(*row) for row in rows], self.test_share)
            rows = [row for row in rows if splits[_key(*row)] == split]
        captions = {name: self._captions(opened[name]) for name in asked}
        return Examples(
            keys=tuple(_key(*row) for row in rows),
            captions=tuple(captions[name][row] for name, row in rows),
            image=lambda i: self._picture(opened[rows[i][0]], rows[i][1]),
            fingerprint=fingerprint(
                WHO, root, asked, f"{self.image}\n".encode(), *(f"{_key(*row)}\n".encode() for row in rows)
            ),
            class_id=self._class_ids(opened, rows) if self.class_from else None,
        )

    def _opened(self, root: Path, name: str, columns: Sequence[str]) -> Shard:
        opened = shard(root / name, name, columns)
        if not _holds_pictures(opened.types[self.image]):
            raise GanzooError(
                f"{name}: column `{self.image}` is {opened.types[self.image]}; pictures are bytes, or "
                "objects with `bytes` (option `image`)"
            )
        return opened

    def _captions(self, opened: Shard) -> list[tuple[str, ...]]:
        """The captions of all rows of a shard."""
        found = []
        for row, value in enumerate(opened.values(self.caption)):
            where = f"{opened.shown}: row {row}, column `{self.caption}`,"
            texts = value if isinstance(value, list) else [_name(opened, self.caption, value)]
            own = tuple(text.strip() for text in texts if isinstance(text, str) and text.strip())
            if not own:
                raise GanzooError(f"{where} holds no caption; expected a text, or a list of texts")
            for caption in own:
                check_caption(caption, f"{where} a caption")
            found.append(own)
        return found

    def _class_ids(
        self, opened: Mapping[str, Shard], rows: Sequence[tuple[str, int]]
    ) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
        """[n] numbers of the classes, the same in both splits."""
        names: dict[str, list[str]] = {}
        for shown, one in opened.items():
            found = [_name(one, self.class_from, value) for value in one.values(self.class_from)]
            bare = next((row for row, name in enumerate(found) if not name.strip()), None)
            if bare is not None:
                raise GanzooError(
                    f"{shown}: row {bare}, column `{self.class_from}`, holds no class; "
                    "expected a name or a number from 0"
                )
            names[shown] = found
        number = numbered(name for own in names.values() for name in own)
        return np.array([number[names[shown][row]] for shown, row in rows], np.int64)

    def _picture(self, opened: Shard, row: int) -> Image.Image:
        value = opened.cell(self.image, row)
        data = value.get("bytes") if isinstance(value, dict) else value
        if not data:
            path = value.get("path") if isinstance(value, dict) else None
            raise ValueError(f"holds only the path {path!r}, no file" if path else "holds no picture")
        if len(data) > LARGEST_PICTURE:
            raise ValueError(f"{len(data):,} bytes; expected at most {LARGEST_PICTURE:,}")
        return Image.open(io.BytesIO(data), formats=FORMATS)


def _shards(root: Path) -> list[str]:
    """The .arrow files that the `state.json`s name, in their order, or else all .parquet files."""
    found = []
    for state in shard_files.find(root, STATE):
        if PurePosixPath(state).name != STATE:
            continue
        said = untrusted.read_json(root / state, LARGEST_STATE).get("_data_files")
        if said is None:
            continue
        for one in said if isinstance(said, list) else [said]:
            name = one.get("filename") if isinstance(one, dict) else None
            if not isinstance(name, str) or PurePosixPath(name).name != name:
                raise GanzooError(f"{root / state} names {one!r}; expected files that lie beside it")
            path = PurePosixPath(state).parent / name
            if not (root / path).exists():
                raise GanzooError(f"{root / state} names {name}, which is not there; copy the whole data set")
            untrusted.check_link(root, root / path)
            found.append(str(path))
    return found or shard_files.find(root, PARQUET)


def _key(shown: str, row: int) -> str:
    return f"{shown}:{row}"


def _name(opened: Shard, column: str, value: Any) -> str:
    """A class or a caption as text; "" where there is none."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    names = opened.names.get(column)
    if isinstance(value, int) and names:
        return names[value] if 0 <= value < len(names) else ""
    return str(value) if isinstance(value, str) or value >= 0 else ""


def _holds_pictures(kind: Any) -> bool:
    types = pyarrow().types
    if types.is_struct(kind):
        kind = next((field.type for field in kind if field.name == "bytes"), kind)
    return bool(types.is_binary(kind) or types.is_large_binary(kind))


def _holds_texts(kind: Any) -> bool:
    types = pyarrow().types
    if types.is_list(kind) or types.is_large_list(kind):
        kind = kind.value_type
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _named(wanted: Sequence[str], there: Any) -> list[str]:
    return [name for name in wanted if name in there]


def _first(wanted: Sequence[str], there: Sequence[str]) -> str:
    """The best known of the names that are there, or the only one."""
    return next(iter(_named(wanted, there)), there[0] if len(there) == 1 else "")
