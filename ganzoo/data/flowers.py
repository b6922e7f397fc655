"""`core/flowers`: Oxford-102 with the captions, splits and embeddings of StackGAN."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pydantic import NonNegativeInt, PositiveInt

from ganzoo.components import Dataset
from ganzoo.data.caption_files import read_captions
from ganzoo.data.examples import Examples
from ganzoo.data.picture_files import check_pictures, data_root, fingerprint, open_picture
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

PICTURES = "jpg"
CLASS_COUNT = 102


@dataclass(frozen=True, kw_only=True)
class Flowers(Dataset):
    """Oxford-102 as StackGAN has it on disk: 7,034 pictures to train on, 1,155 of other flowers.

    `jpg/` holds the pictures, `train/` and `test/` the pickles `filenames` (`jpg/image_06734`), `class_info`
    and `char-CNN-RNN-embeddings`, `text_c10/class_00001/` the captions.

    `captions`: so many captions of each picture, the first. `embedding`: width of the sentence embeddings
    that are read; 0 = none.
    """

    source: ClassVar[str] = (
        "Nilsback and Zisserman 2008, Oxford-102; Reed et al. 2016, arXiv:1605.05395 (captions); the folders "
        "of hanzhanggit/StackGAN"
    )

    captions: PositiveInt = 10
    embedding: NonNegativeInt = 0

    @classmethod
    def recognise(cls, folder: Path) -> Flowers | None:
        """By `jpg/` and `train/filenames.pickle`."""
        if not (folder / PICTURES).is_dir() or not has_splits(folder):
            return None
        return cls(embedding=embedding_width(folder))

    def yields(self) -> DataSpec:
        """Captions, classes, and embeddings where asked for."""
        return DataSpec(embedding=self.embedding, class_id=True)

    def examples(self, split: str, folder: Path | None, resolution: int) -> Examples:
        """The pictures of `split`, in the order of `filenames.pickle`.

        Raises GanzooError: see the messages in the modules that read the files.
        """
        root = data_root("core/flowers", folder, "the folder that holds jpg/, text_c10/, train/ and test/")
        names = names_of_split(root, split)
        files = [f"{name}.jpg" for name in names]
        check_pictures(root, files, root / split / NAMES)
        classes = read_classes(root, split, len(names))
        if classes is None:
            raise GanzooError(
                f"{root / split / CLASSES} is not there; it tells in which folder text_c10/class_00001/ ... "
                "the captions of a picture lie"
            )
        _check_numbers(root / split / CLASSES, classes.tolist())
        texts = [
            f"class_{number:05d}/{name.removeprefix(f'{PICTURES}/')}"
            for name, number in zip(names, classes.tolist(), strict=True)
        ]
        captions = read_captions(root, split, texts, self.captions)
        embedding = None
        if self.embedding:
            embedding = read_split_embeddings(root, split, [len(own) for own in captions], self.embedding)
        return Examples(
            keys=tuple(files),
            captions=captions,
            image=lambda i: open_picture(root / files[i]),
            fingerprint=fingerprint("core/flowers", root, files),
            class_id=classes,
            embedding=embedding,
        )


def _check_numbers(path: Path, classes: list[int]) -> None:
    for place, number in enumerate(classes):
        if not 1 <= number <= CLASS_COUNT:
            raise GanzooError(
                f"{path}: class {number} of picture {place}; flowers have classes from 1 to {CLASS_COUNT}"
            )
