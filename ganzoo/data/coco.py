"""`core/coco`: MS-COCO's pictures with their captions, as it is shipped, or in AttnGAN's folders."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

from pydantic import NonNegativeInt, PositiveInt

from ganzoo.components import Dataset
from ganzoo.data.caption_files import FOLDERS, NUMBERED, Captions, read_captions
from ganzoo.data.coco_annotations import annotations_file, read_annotations
from ganzoo.data.examples import Examples
from ganzoo.data.picture_files import check_pictures, data_root, fingerprint, open_picture
from ganzoo.data.split_pickles import (
    EMBEDDINGS,
    NAMES,
    embedding_width,
    has_splits,
    names_of_split,
    read_split_embeddings,
)
from ganzoo.errors import GanzooError
from ganzoo.specs import DataSpec


@dataclass(frozen=True, kw_only=True)
class Coco(Dataset):
    """MS-COCO: pictures of everyday scenes; 82,783 to train on in 2014, 118,287 in 2017. Its val is the test.

    As it is shipped: `annotations/captions_train2014.json`, `train2014/`, the same of `val2014`. Or, where
    there is `train/filenames.pickle`, in the folders of StackGAN and AttnGAN: `images/`, `text/` with a file
    a picture, `train/` and `test/` with the pickles `filenames` and `char-CNN-RNN-embeddings`. There are no
    classes.

    `year`: of the files as they are shipped, 2014 or 2017. `captions`: so many captions of each picture, the
    first. `embedding`: width of the sentence embeddings that are read, in the second form; 0 = none. Where
    the test split has no embeddings, as in the authors' copy, it is empty.
    """

    source: ClassVar[str] = (
        "Lin et al. 2014, arXiv:1405.0312; Chen et al. 2015, arXiv:1504.00325 (captions); the folders of "
        "hanzhanggit/StackGAN-Pytorch and taoxugit/AttnGAN"
    )

    year: Literal[2014, 2017] = 2014
    captions: PositiveInt = 5
    embedding: NonNegativeInt = 0

    @classmethod
    def recognise(cls, folder: Path) -> Coco | None:
        """By `annotations/captions_train2014.json` or 2017, or by `images/`, `train/` and captions."""
        if has_splits(folder):
            told = any((folder / name).exists() for name in (*FOLDERS, NUMBERED))
            return cls(embedding=embedding_width(folder)) if told and (folder / "images").is_dir() else None
        years: tuple[Literal[2014, 2017], ...] = (2014, 2017)
        there = [year for year in years if annotations_file(folder, "train", year).is_file()]
        return cls(year=there[0]) if there else None

    def yields(self) -> DataSpec:
        """Captions, and embeddings where asked for."""
        return DataSpec(embedding=self.embedding)

    def examples(self, split: str, folder: Path | None, resolution: int) -> Examples:
        """The pictures of `split`, in the order of `filenames.pickle`, or of their numbers.

        Raises GanzooError: see the messages in the modules that read the files.
        """
        root = data_root("core/coco", folder, "the folder that holds annotations/ and train2014/, or train/")
        if has_splits(root):
            files, captions = self._of_folders(root, split)
        elif self.embedding:
            raise GanzooError(
                f"`embedding: {self.embedding}` reads {root / 'train' / EMBEDDINGS}, which comes with "
                f"{root / 'train' / NAMES}; neither is there (docs/data.md)"
            )
        else:
            files, captions = read_annotations(root, split, self.year, self.captions)
        embedding = None
        if self.embedding and files:
            embedding = read_split_embeddings(root, split, [len(own) for own in captions], self.embedding)
        return Examples(
            keys=tuple(files),
            captions=captions,
            image=lambda i: open_picture(root / files[i]),
            fingerprint=fingerprint("core/coco", root, files),
            embedding=embedding,
        )

    def _of_folders(self, root: Path, split: str) -> tuple[list[str], Captions]:
        """Pictures and captions of StackGAN's and AttnGAN's folders."""
        if split == "test" and self.embedding and not (root / split / EMBEDDINGS).exists():
            return [], ()
        names = names_of_split(root, split)
        files = [f"images/{name}.jpg" for name in names]
        check_pictures(root, files, root / split / NAMES)
        return files, read_captions(root, split, names, self.captions)
