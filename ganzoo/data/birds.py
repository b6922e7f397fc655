"""`core/birds`: CUB-200-2011 with the captions, splits and embeddings of StackGAN and AttnGAN."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import NonNegativeInt, PositiveInt

from ganzoo.components import Dataset
from ganzoo.data.caption_files import read_captions
from ganzoo.data.cropping import Rule, Window, cut, placed, whole
from ganzoo.data.cub_tables import BOXES, IMAGES, LABELS, PART_COUNT, PARTS, Cub
from ganzoo.data.examples import Examples
from ganzoo.data.picture_files import Size, check_pictures, data_root, fingerprint
from ganzoo.data.split_pickles import (
    CLASSES,
    NAMES,
    embedding_width,
    has_splits,
    names_of_split,
    read_classes,
    read_split_embeddings,
)
from ganzoo.errors import GanzooError
from ganzoo.specs import DataSpec

CUB = "CUB_200_2011"
PAIRS = ((6, 10), (7, 11), (8, 12))  # left and right eye, leg, wing
LARGER = 0.75  # a window's half side, in longer sides of the box


@dataclass(frozen=True, kw_only=True)
class Birds(Dataset):
    """CUB-200-2011 as StackGAN and AttnGAN have it on disk: 8,855 pictures to train on, 2,933 of other birds.

    `CUB_200_2011/` holds the pictures and their tables, `train/` and `test/` the pickles `filenames`,
    `class_info` and `char-CNN-RNN-embeddings`, `text/` or `text_c10/` the captions; without these they are
    spelled from `captions.pickle`. Classes are CUB's.

    `crop`: pictures are cut to 1.5 times the longer side of the bird's box around its middle, at most to
    their edges. `captions`: so many captions of each picture, the first. `embedding`: width of the sentence
    embeddings that are read; 0 = none. `boxes`: the bird's. `keypoints`: its 15 parts, of which left and
    right ones trade places in a mirrored picture. Both follow `crop`.
    """

    source: ClassVar[str] = (
        "Wah et al. 2011, CUB-200-2011; Reed et al. 2016, arXiv:1605.05395 (captions); the folders of "
        "hanzhanggit/StackGAN and taoxugit/AttnGAN"
    )

    crop: bool = True
    captions: PositiveInt = 10
    embedding: NonNegativeInt = 0
    boxes: bool = False
    keypoints: bool = False

    @classmethod
    def recognise(cls, folder: Path) -> Birds | None:
        """By `CUB_200_2011/images.txt` and `train/filenames.pickle`."""
        cub = folder / CUB
        if not (cub / IMAGES).is_file() or not has_splits(folder):
            return None
        boxed = (cub / BOXES).is_file()
        return cls(
            embedding=embedding_width(folder),
            crop=boxed,
            boxes=boxed,
            keypoints=(cub / PARTS).is_file(),
        )

    def yields(self) -> DataSpec:
        """Captions, classes, and what the options ask for."""
        return DataSpec(
            embedding=self.embedding,
            class_id=True,
            boxes=self.boxes,
            keypoints=PART_COUNT if self.keypoints else 0,
            pairs=PAIRS if self.keypoints else (),
        )

    def examples(self, split: str, folder: Path | None, resolution: int) -> Examples:
        """The pictures of `split`, in the order of `filenames.pickle`.

        Raises GanzooError: see the messages in the modules that read the files.
        """
        root = data_root("core/birds", folder, f"the folder that holds {CUB}/, text/, train/ and test/")
        names = names_of_split(root, split)
        cub = Cub(root / CUB, names, root / split / NAMES)
        files = [f"{CUB}/images/{name}.jpg" for name in names]
        check_pictures(root, files, root / split / NAMES)
        labels = cub.labels()
        _check_classes(root / split / CLASSES, read_classes(root, split, len(names)), labels, names)
        captions = read_captions(root, split, names, self.captions)
        embedding = None
        if self.embedding:
            embedding = read_split_embeddings(root, split, [len(own) for own in captions], self.embedding)
        around = cub.boxes() if self.crop or self.boxes else np.empty((0, 4))
        edges: list[list[int]] = around.astype(np.int64).tolist() if self.crop else []
        rule: Rule = (lambda i, size: window(edges[i], size)) if self.crop else whole
        paths = [root / file for file in files]
        boxes = points = None
        if self.boxes or self.keypoints:
            boxes, points = placed(
                paths, rule, around if self.boxes else None, cub.parts() if self.keypoints else None
            )
        return Examples(
            keys=tuple(files),
            captions=captions,
            image=lambda i: cut(paths[i], i, rule),
            fingerprint=fingerprint("core/birds", root, files, repr(edges).encode()),
            class_id=labels,
            boxes=boxes,
            keypoints=points,
            embedding=embedding,
        )


def window(box: list[int], size: Size) -> Window:
    """What the authors cut out: a square of 1.5 times the box's longer side, as much of it as there is.

    `box`: whole pixels, as they read it. Source: the rule of hanzhanggit/StackGAN, misc/utils.py.
    """
    x, y, width, height = box
    half = int(max(width, height) * LARGER)
    middle, centre = (2 * x + width) // 2, (2 * y + height) // 2
    return (
        max(0, middle - half), max(0, centre - half), min(size[0], middle + half), min(size[1], centre + half)
    )  # fmt: skip


def _check_classes(
    path: Path, said: NDArray[np.int64] | None, labels: NDArray[np.int64], names: tuple[str, ...]
) -> None:
    """Raise GanzooError where `class_info.pickle` puts pictures together, or apart, that CUB does not."""
    if said is None:
        return
    seen: tuple[dict[int, Any], dict[int, Any]] = ({}, {})
    for name, one, other in zip(names, said.tolist(), labels.tolist(), strict=True):
        if seen[0].setdefault(one, other) != other or seen[1].setdefault(other, one) != one:
            raise GanzooError(
                f"{path} gives {name} the class {one}, {CUB}/{LABELS} the class {other}, but another picture "
                "one of these alone; take both files from one copy of the data"
            )
