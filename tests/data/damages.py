"""Kinds of damage to copies of data sets, and what is said of each.

    PYTHONPATH=tests/data python -m damages

prints the table of docs/data.md.
"""

from __future__ import annotations

import json
import pickle
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import miniatures
import numpy as np
import torch7_writer

from ganzoo.components import Dataset
from ganzoo.data import pickles
from ganzoo.data.birds import Birds
from ganzoo.data.cache import pack
from ganzoo.data.coco import Coco
from ganzoo.data.flowers import Flowers
from ganzoo.data.mpii import Mpii
from ganzoo.errors import GanzooError

Break = Callable[[Path], object]

NAMES, CLASSES = "train/filenames.pickle", "train/class_info.pickle"
EMBEDDINGS = "train/char-CNN-RNN-embeddings.pickle"
BIRD = f"CUB_200_2011/images/{miniatures.BIRDS['train'][1]}.jpg"
BIRD_TEXT = f"text/{miniatures.BIRDS['train'][1]}.txt"
FLOWER_TEXT = "text_c10/class_00001/image_00002.txt"
SCENE = "train2014/COCO_train2014_000000000009.jpg"
SAID = "annotations/captions_train2014.json"
PERSON = "mhp_keypoints/000000001.t7"


@dataclass(frozen=True)
class Format:
    """A data set, how a small copy is made, and the options that read all of it."""

    data: type[Dataset]
    build: Callable[[Path], Path]
    options: Mapping[str, Any] = field(default_factory=dict)


FORMATS = {
    "core/birds": Format(Birds, miniatures.birds, {"embedding": 8, "boxes": True, "keypoints": True}),
    "core/flowers": Format(Flowers, miniatures.flowers, {"embedding": 8}),
    "core/coco, as shipped": Format(Coco, miniatures.coco),
    "core/coco, in folders": Format(Coco, miniatures.coco_attngan, {"embedding": 8}),
    "core/mpii": Format(Mpii, miniatures.mpii, {"embedding": 8, "test_share": 0}),
}


def read(kind: str, folder: Path, cache: Path, **options: Any) -> None:
    """Read all of a copy: both splits, and the training pictures."""
    data = FORMATS[kind].data(**{**FORMATS[kind].options, **options})
    train = data.examples("train", folder, 8)
    data.examples("test", folder, 8)
    pack(train, 8, cache)


def gone(name: str) -> Break:
    def break_(folder: Path) -> None:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink()

    return break_


def cut_short(name: str, share: float = 0.5) -> Break:
    return lambda folder: (folder / name).write_bytes(
        (folder / name).read_bytes()[: int(_size(folder / name) * share)]
    )


def _size(path: Path) -> int:
    return path.stat().st_size


def holds(name: str, data: bytes) -> Break:
    return lambda folder: (folder / name).write_bytes(data)


def pickled(name: str, change: Callable[[Any], Any]) -> Break:
    """The pickle with what `change` makes of what it held."""
    return lambda folder: miniatures.dump(folder / name, change(pickles.load(folder / name)))


def replaced(name: str, old: str, new: str) -> Break:
    """The text file with another piece of text; the first of its kind."""

    def break_(folder: Path) -> None:
        text = (folder / name).read_text("utf-8")
        assert old in text
        (folder / name).write_text(text.replace(old, new, 1), "utf-8")

    return break_


def in_json(change: Callable[[Any], object]) -> Break:
    def break_(folder: Path) -> None:
        said = json.loads((folder / SAID).read_text())
        change(said)
        (folder / SAID).write_text(json.dumps(said))

    return break_


def of_person(**changes: object) -> Break:
    """The .t7 file of person 1 with other values; None = without it."""
    entry = {**miniatures.person(1), **changes}
    kept = {key: value for key, value in entry.items() if value is not None}
    return lambda folder: (folder / PERSON).write_bytes(torch7_writer.dumps(kept))


def both(*breaks: Break) -> Break:
    return lambda folder: [one(folder) for one in breaks]


def linked_away(name: str) -> Break:
    def break_(folder: Path) -> None:
        away = folder.parent / "away.jpg"
        shutil.copy(folder / name, away)
        (folder / name).unlink()
        (folder / name).symlink_to(away)

    return break_


class _Hostile:
    def __reduce__(self) -> tuple[Any, ...]:
        import os

        return os.system, ("touch hacked",)


HOSTILE = pickle.dumps([_Hostile()], protocol=2)


def _narrow(arrays: list[np.ndarray]) -> list[np.ndarray]:
    return [array[:, :7] for array in arrays]


def _nan(arrays: list[np.ndarray]) -> list[np.ndarray]:
    return [*arrays[:-1], np.full_like(arrays[-1], np.nan)]


def _blank(picture: int) -> Callable[[Any], object]:
    return lambda said: [
        one.update(caption=" \n") for one in said["annotations"] if one["image_id"] == picture
    ]


LABELS, BOXES, PARTS = (
    f"CUB_200_2011/{name}" for name in ("image_class_labels.txt", "bounding_boxes.txt", "parts/part_locs.txt")
)
BOX = "10.0 5.0 12.0 8.0"

DAMAGES: dict[str, dict[str, Break | tuple[Break, dict[str, Any]]]] = {
    "core/birds": {
        "no list of pictures": gone("CUB_200_2011/images.txt"),
        "no names of the split": gone(NAMES),
        "names cut short": cut_short(NAMES),
        "names that are a program": holds(NAMES, HOSTILE),
        "names that are no list": pickled(NAMES, lambda said: dict.fromkeys(said)),
        "no names in the list": pickled(NAMES, lambda said: []),
        "a name out of the folder": pickled(NAMES, lambda said: [*said[:-1], "../../etc/passwd"]),
        "a name twice": pickled(NAMES, lambda said: [*said[:-1], said[0]]),
        "a name that CUB has not": pickled(NAMES, lambda said: [*said[:-1], said[-1] + "x"]),
        "a picture in both splits": pickled(NAMES, lambda said: [*said[:-1], miniatures.BIRDS["test"][0]]),
        "classes of other pictures": pickled(CLASSES, lambda said: [1, 2, 1, 2]),
        "too few classes": pickled(CLASSES, lambda said: said[:-1]),
        "classes that are text": pickled(CLASSES, lambda said: ["1"] * len(said)),
        "a picture missing": gone(BIRD),
        "a picture cut short": cut_short(BIRD),
        "a picture that is a link out": linked_away(BIRD),
        "captions of a picture missing": gone(BIRD_TEXT),
        "captions of a picture empty": holds(BIRD_TEXT, b"\n \n"),
        "captions that are not UTF-8": holds(BIRD_TEXT, "ein großer Vogel".encode("latin-1")),
        "fewer captions than embeddings": holds(BIRD_TEXT, b"a bird\n"),
        "no captions at all": both(gone("text"), gone("captions.pickle")),
        "captions.pickle: one missing": both(
            gone("text"), pickled("captions.pickle", lambda said: [said[0][:-1], *said[1:]])
        ),
        "captions.pickle: a word unknown": both(
            gone("text"), pickled("captions.pickle", lambda said: [[[999], *said[0][1:]], *said[1:]])
        ),
        "captions.pickle: a caption empty": both(
            gone("text"), pickled("captions.pickle", lambda said: [[[], *said[0][1:]], *said[1:]])
        ),
        "captions.pickle: of another kind": both(
            gone("text"), pickled("captions.pickle", lambda said: said[2])
        ),
        "no embeddings": gone(EMBEDDINGS),
        "embeddings cut short": cut_short(EMBEDDINGS, 0.9),
        "embeddings that are a program": holds(EMBEDDINGS, HOSTILE),
        "embeddings of another width": pickled(EMBEDDINGS, _narrow),
        "embeddings of fewer pictures": pickled(EMBEDDINGS, lambda said: said[:-1]),
        "embeddings that are not finite": pickled(EMBEDDINGS, _nan),
        "a picture without a class": replaced(LABELS, "2 1\n", ""),
        "no boxes": gone(BOXES),
        "a box without area": replaced(BOXES, BOX, "10.0 5.0 0.0 8.0"),
        "a box outside the picture": replaced(BOXES, BOX, "90.0 5.0 12.0 8.0"),
        "the same, without `crop`": (replaced(BOXES, BOX, "90.0 5.0 12.0 8.0"), {"crop": False}),
        "a box that is no number": replaced(BOXES, BOX, "10.0 5.0 twelve 8.0"),
        "a box of three numbers": replaced(BOXES, BOX, "10.0 5.0 12.0"),
        "a picture without a box": replaced(BOXES, f"2 {BOX}\n", ""),
        "a sixteenth part": replaced(PARTS, "1 15 ", "1 16 "),
        "a part missing": replaced(PARTS, "1 15 39.0 29.0 1\n", ""),
    },
    "core/flowers": {
        "no names of the split": gone("test/filenames.pickle"),
        "names cut short": cut_short(NAMES),
        "names that are a program": holds(NAMES, HOSTILE),
        "no classes": gone(CLASSES),
        "a class that there is not": pickled(CLASSES, lambda said: [0, *said[1:]]),
        "classes of other pictures": pickled(CLASSES, lambda said: [1, 3, 1]),
        "too few classes": pickled(CLASSES, lambda said: said[:-1]),
        "a picture missing": gone("jpg/image_00002.jpg"),
        "a picture cut short": cut_short("jpg/image_00002.jpg"),
        "captions of a picture empty": holds(FLOWER_TEXT, b""),
        "embeddings of another width": pickled(EMBEDDINGS, _narrow),
        "embeddings of fewer pictures": pickled(EMBEDDINGS, lambda said: said[:-1]),
    },
    "core/coco, as shipped": {
        "no captions": gone("annotations"),
        "captions of the other year": (lambda folder: None, {"year": 2017}),
        "captions cut short": cut_short(SAID),
        "captions of another form": holds(SAID, b'{"images": []}'),
        "no list of pictures": in_json(lambda said: said.update(images=None)),
        "a picture without a file": in_json(lambda said: said["images"][0].pop("file_name")),
        "two pictures of one number": in_json(lambda said: said["images"][1].update(id=9)),
        "a file out of the folder": in_json(lambda said: said["images"][0].update(file_name="../../x.jpg")),
        "a caption of no picture": in_json(lambda said: said["annotations"][0].update(image_id=1)),
        "captions of a picture empty": in_json(_blank(9)),
        "a caption that is a number": in_json(lambda said: said["annotations"][0].update(caption=1)),
        "a picture without a caption": in_json(
            lambda said: said.update(annotations=[one for one in said["annotations"] if one["image_id"] != 9])
        ),
        "a picture missing": gone(SCENE),
        "a picture cut short": cut_short(SCENE),
        "embeddings asked for": (lambda folder: None, {"embedding": 1024}),
    },
    "core/coco, in folders": {
        "names cut short": cut_short(NAMES),
        "names that are a program": holds(NAMES, HOSTILE),
        "a picture in both splits": pickled(
            "test/filenames.pickle", lambda said: ["COCO_train2014_000000000009"]
        ),
        "a picture missing": gone("images/COCO_train2014_000000000025.jpg"),
        "captions of a picture missing": gone("text/COCO_train2014_000000000025.txt"),
        "captions of a picture empty": holds("text/COCO_train2014_000000000025.txt", b"\n"),
        "no embeddings": gone(EMBEDDINGS),
        "embeddings of another width": pickled(EMBEDDINGS, _narrow),
        "embeddings of fewer pictures": pickled(EMBEDDINGS, lambda said: said[:-1]),
    },
    "core/mpii": {
        "no entries": gone("mhp_keypoints"),
        "an entry cut short": cut_short(PERSON),
        "an entry that is no .t7 file": holds(PERSON, b"PK\x03\x04 something else"),
        "an entry with a function": holds(PERSON, b"\x06\x00\x00\x00" + bytes(16)),
        "an entry with an object": holds(PERSON, b"\x04\x00\x00\x00" + torch7_writer.named("nn.Linear")),
        "an entry without keypoints": of_person(points=None),
        "joints of another number": of_person(points=np.ones((3, 14, 1))),
        "joints that are not finite": of_person(points=np.full((3, 16, 1), np.inf)),
        "a person who is not there": of_person(single_person=np.full((1, 1), 7.0)),
        "a person without height": of_person(scale=np.zeros((1, 1))),
        "a person outside the picture": of_person(pos=np.full((2, 1), 900.0)),
        "letters that there are not": of_person(char=np.full((201, 3), 99, "u1")),
        "a caption empty": of_person(char=np.zeros((201, 3), "u1")),
        "fewer captions than embeddings": of_person(txt=np.zeros((2, 8), "f4")),
        "embeddings of another width": of_person(txt=np.zeros((3, 7), "f4")),
        "no picture named": of_person(img=None),
        "a picture out of the folder": of_person(img="../../x.jpg"),
        "a picture missing": gone("images/000000001.jpg"),
        "a picture cut short": cut_short("images/000000001.jpg"),
    },
}


def cases() -> list[tuple[str, str]]:
    """(format, damage) of all."""
    return [(kind, what) for kind, own in DAMAGES.items() for what in own]


def message(kind: str, what: str, place: Path) -> str:
    """What is said of a copy so damaged, in `place`, with the folder left out of paths.

    Fails where nothing is said, or where it is not a GanzooError.
    """
    folder = FORMATS[kind].build(place.resolve() / "copy")
    damage = DAMAGES[kind][what]
    break_, options = damage if isinstance(damage, tuple) else (damage, {})
    break_(folder)
    try:
        read(kind, folder, place / "cache", **options)
    except GanzooError as error:
        return str(error).replace(f"{folder}/", "").replace(str(folder), "DATA")
    raise AssertionError(f"{kind} says nothing of {what}")


def table() -> str:
    """The table of docs/data.md."""
    rows = ["| data set | damage | what is said |", "|---|---|---|"]
    for kind, what in cases():
        with tempfile.TemporaryDirectory() as place:
            said = message(kind, what, Path(place))
        rows.append(f"| {kind} | {what} | {escaped(said)} |")
    return "\n".join(rows)


def escaped(said: str) -> str:
    """A message as a cell of a Markdown table."""
    return "`" + said.replace("`", "'").replace("|", "\\|").replace("\n", " ") + "`"


if __name__ == "__main__":
    print(table())
