"""Miniature copies of data sets as their users have them on disk: a few small pictures each, real formats.

Each function fills a folder and returns it. Embeddings are 8 wide: number i of a picture is full of
`10 * (number of the picture in its split) + i`.
"""

from __future__ import annotations

import json
import pickle
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch7_writer
from PIL import Image

from ganzoo.data.examples import Examples

WIDTH = 8
BIRDS = {
    "train": (
        "001.Black_footed_Albatross/Albatros_Nu\u00e9_0001",  # Latin-1 in the pickle of Python 2
        "001.Black_footed_Albatross/Black_Footed_Albatross_0002",
        "002.Laysan_Albatross/Laysan_Albatross_0001",
        "002.Laysan_Albatross/Laysan_Albatross_0002",
    ),
    "test": ("004.Groove_billed_Ani/Ani_0001", "004.Groove_billed_Ani/Ani_0002"),
}
BIRD_SIZE = (40, 30)
BIRD_BOX = (10.0, 5.0, 12.0, 8.0)  # cut by the authors' rule: (7, 0, 25, 18)
FLOWERS = {
    "train": {"jpg/image_00001": 1, "jpg/image_00002": 1, "jpg/image_00003": 3},
    "test": {"jpg/image_00004": 2},
}
COCO = {"train": (9, 25, 30), "val": (42, 73)}
ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789-,;.!?:'\"/\\|_@#$%^&*~`+-=<>()[]{} "


def birds(folder: Path) -> Path:
    """CUB-200-2011 with the captions, splits and embeddings that StackGAN and AttnGAN read."""
    cub = folder / "CUB_200_2011"
    names = [name for own in BIRDS.values() for name in own]
    labels = {name: sorted({n.split("/")[0] for n in names}).index(name.split("/")[0]) + 1 for name in names}
    for number, name in enumerate(names):
        picture(cub / "images" / f"{name}.jpg", number, BIRD_SIZE)
        write_captions(folder / "text" / f"{name}.txt", "bird", number, 10)
    lines(cub / "images.txt", [f"{i} {name}.jpg" for i, name in enumerate(names, 1)])
    lines(cub / "image_class_labels.txt", [f"{i} {labels[name]}" for i, name in enumerate(names, 1)])
    box = " ".join(map(str, BIRD_BOX))
    lines(cub / "bounding_boxes.txt", [f"{i} {box}" for i, _ in enumerate(names, 1)])
    parts = [f"{i} {part} {bird_part(part)}" for i, _ in enumerate(names, 1) for part in range(1, 16)]
    lines(cub / "parts" / "part_locs.txt", parts)
    splits(folder, BIRDS, 10, {split: [labels[name] for name in own] for split, own in BIRDS.items()})
    (folder / "train" / "filenames.pickle").write_bytes(python_2_strings(BIRDS["train"]))
    (folder / "train" / "char-CNN-RNN-embeddings.pickle").write_bytes(
        python_2_arrays(embeddings(len(BIRDS["train"]), 10))
    )
    attngan_captions(folder, BIRDS, "bird", 10)
    return folder


def bird_part(part: int) -> str:
    """x, y and visible of part 1 to 15: the first is not to be seen, the last lies outside the cut."""
    return "0.0 0.0 0" if part == 1 else "39.0 29.0 1" if part == 15 else f"{part + 7}.0 {part}.0 1"


def flowers(folder: Path) -> Path:
    """Oxford-102 in StackGAN's layout."""
    number = 0
    for own in FLOWERS.values():
        for name, label in own.items():
            picture(folder / f"{name}.jpg", number, (32, 24))
            text = folder / "text_c10" / f"class_{label:05d}" / f"{name.removeprefix('jpg/')}.txt"
            write_captions(text, "flower", number, 10)
            number += 1
    splits(folder, FLOWERS, 10, {split: list(own.values()) for split, own in FLOWERS.items()})
    return folder


def coco(folder: Path, year: int = 2014) -> Path:
    """COCO's pictures and captions as they are shipped. One picture has six captions."""
    for split, ids in COCO.items():
        prefix = f"COCO_{split}2014_" if year == 2014 else ""
        images, said = [], []
        for own in ids:
            name = f"{prefix}{own:012d}.jpg"
            picture(folder / f"{split}{year}" / name, own, (32, 24))
            images.append({"id": own, "file_name": name, "width": 32, "height": 24, "license": 1})
            for i in range(6 if own == 25 else 5):
                caption = f"A scene {own} in words, {i}. "
                said.append({"id": 10 * own + i, "image_id": own, "caption": caption})
        whole = {"info": {"year": year}, "licenses": [], "images": images, "annotations": said[::-1]}
        target = folder / "annotations" / f"captions_{split}{year}.json"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(json.dumps(whole))
    return folder


def coco_attngan(folder: Path) -> Path:
    """COCO in AttnGAN's folders; embeddings for training alone, as StackGAN's authors gave them."""
    named = {
        "train": [f"COCO_train2014_{own:012d}" for own in COCO["train"]],
        "test": [f"COCO_val2014_{own:012d}" for own in COCO["val"]],
    }
    for number, name in enumerate([*named["train"], *named["test"]]):
        picture(folder / "images" / f"{name}.jpg", number, (32, 24))
        write_captions(folder / "text" / f"{name}.txt", "scene", number, 6 if number == 1 else 5)
    splits(folder, named, 5, {})
    (folder / "test" / "char-CNN-RNN-embeddings.pickle").unlink()
    attngan_captions(folder, named, "scene", 5)
    return folder


def mpii(folder: Path) -> Path:
    """MPII Human Pose with the captions and places of GAWWN's authors: a .t7 file a picture.

    Picture 5 shows two people, 6 has no keypoints: these are left out.
    """
    (folder / "mhp_keypoints").mkdir(parents=True, exist_ok=True)
    for number in range(7):
        picture(folder / "images" / f"{number:09d}.jpg", number, (60, 50))
        entry = torch7_writer.dumps(person(number, people=2 if number == 5 else 1, marked=number != 6))
        (folder / "mhp_keypoints" / f"{number:09d}.t7").write_bytes(entry)
    return folder


def person(number: int, people: int = 1, marked: bool = True) -> dict[str, object]:
    """What one of the .t7 files holds: joint j of each person lies at (20 + j, 10 + j), joint 3 is hidden."""
    points = np.zeros((3, 16, people))
    points[0], points[1], points[2] = 20 + np.arange(16)[:, None], 10 + np.arange(16)[:, None], 1
    points[:, 3] = 0
    said = [f"a person {number} does something {i}" for i in range(3)]
    char = np.zeros((201, 3), "u1")
    for column, caption in enumerate(said):
        char[: len(caption), column] = [ALPHABET.rindex(letter) + 1 for letter in caption]
    return {
        "img": f"{number:09d}.jpg",
        "txt": embedding_of(number, 3).astype("f4"),
        "char": char,
        "points": points,
        "pos": np.repeat([[28.0], [18.0]], people, 1),
        "scale": np.full((1, people), 0.1),
        "head": np.repeat([[24.0], [10.0], [28.0], [16.0]], people, 1),
        "single_person": np.arange(1.0, people + 1)[None],
        "has_kp": np.full((1, 1), float(marked)),
        "act_name": "tennis",
        "cat_name": "sports",
    }


def picture(path: Path, number: int, size: tuple[int, int]) -> None:
    """A noisy picture, another one for each number."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (size[1], size[0], 3), np.uint8)
    Image.fromarray(pixels).save(path, quality=95)


def size_of(examples: Examples, index: int) -> tuple[int, int]:
    """Width and height of a picture as it is packed."""
    with examples.image(index) as image:
        return image.size


def lines(path: Path, said: Sequence[str]) -> None:
    """A text file of these lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in said), encoding="utf-8")


def write_captions(path: Path, what: str, number: int, count: int) -> None:
    """The captions of a picture, with a blank line, and a broken letter as in the real ones."""
    said = [f"this {what} {number} is\ufffd\ufffdseen in way {i} ." for i in range(count)]
    lines(path, [*said[:1], "", *said[1:]])


def embedding_of(number: int, count: int) -> np.ndarray:
    """[count, 8] embeddings of a picture."""
    return np.repeat(10.0 * number + np.arange(count)[:, None], WIDTH, 1)


def embeddings(pictures: int, count: int) -> list[np.ndarray]:
    """Those of a split."""
    return [embedding_of(number, count).astype("<f4") for number in range(pictures)]


def splits(
    folder: Path,
    named: Mapping[str, Sequence[str] | Mapping[str, int]],
    count: int,
    labels: Mapping[str, list[int]],
) -> None:
    """`train/` and `test/` with filenames, classes where there are, and embeddings."""
    for split, names in named.items():
        target = folder / split
        target.mkdir(parents=True, exist_ok=True)
        dump(target / "filenames.pickle", list(names))
        dump(target / "char-CNN-RNN-embeddings.pickle", embeddings(len(names), count))
        if split in labels:
            dump(target / "class_info.pickle", labels[split])


def attngan_captions(folder: Path, named: Mapping[str, Sequence[str]], what: str, count: int) -> None:
    """AttnGAN's `captions.pickle`: numbered words of training and test captions, and the words."""
    words = ["<end>", "this", what, "is", "seen", "in", "way", *map(str, range(20))]
    number = {word: i for i, word in enumerate(words)}
    train, test, place = [], [], 0
    for split, target in (("train", train), ("test", test)):
        for _ in named[split]:
            for i in range(count):
                said = f"this {what} {place} is seen in way {i}"
                target.append([number[word] for word in said.split()])
            place += 1
    dump(folder / "captions.pickle", [train, test, dict(enumerate(words)), number])


def dump(path: Path, value: object) -> None:
    """As Python 3 writes it for Python 2."""
    path.write_bytes(pickle.dumps(value, protocol=2))


def python_2_strings(strings: Sequence[str]) -> bytes:
    """A list of `str` as Python 2 pickled it: bytes in Latin-1."""
    written = [b"U" + bytes([len(s)]) + s.encode("latin-1") for s in strings]
    return b"\x80\x02]q\x01(" + b"".join(written) + b"e."


def python_2_arrays(arrays: Sequence[np.ndarray]) -> bytes:
    """A list of float32 arrays [a, b] as Python 2 pickled it: their bytes are strings."""
    parts = [
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R(K\x01"
        + b"".join(b"J" + struct.pack("<i", length) for length in array.shape)
        + b"\x86cnumpy\ndtype\nU\x02f4K\x00K\x01\x87R(K\x03U\x01<NNN"
        + 2 * b"J\xff\xff\xff\xff"
        + b"K\x00tb\x89T"
        + struct.pack("<i", array.nbytes)
        + array.tobytes()
        + b"tb"
        for array in arrays
    ]
    return b"\x80\x02]q\x01(" + b"".join(parts) + b"e."
