"""`core/mpii`: people of MPII Human Pose with captions and keypoints, as GAWWN's authors gave them out."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, NonNegativeInt, PositiveInt

from ganzoo.components import Dataset
from ganzoo.data.cropping import Rule, Window, cut, placed, whole
from ganzoo.data.examples import Examples
from ganzoo.data.picture_files import Size, check_pictures, data_root, fingerprint, held_out_by_hash
from ganzoo.data.pose_entries import Person, read_people, read_person
from ganzoo.errors import GanzooError
from ganzoo.specs import DataSpec

ENTRIES, PICTURES = "mhp_keypoints", "images"
JOINTS = 17  # MPII's sixteen, from right ankle to left wrist, and the middle of the head
PAIRS = ((0, 5), (1, 4), (2, 3), (10, 15), (11, 14), (12, 13))
TALL, AROUND = 200, 1.1  # pixels of a person of scale 1; a window's side in a person's height


@dataclass(frozen=True, kw_only=True)
class Mpii(Dataset):
    """MPII Human Pose as GAWWN read it: `images/`, and `mhp_keypoints/` with a .t7 file a picture.

    Those with one person and keypoints are taken. Keypoints are MPII's 16 joints and the middle of the head;
    left and right ones trade places in a mirrored picture. `test_share` of the pictures is held out, by a
    hash of their names; the authors held out none.

    `crop`: pictures are cut to a square around the person, a tenth larger than they are tall. `captions`: so
    many captions of each picture, the first. `embedding`: width of the sentence embeddings that are read, the
    files have them; 0 = none.
    """

    source: ClassVar[str] = (
        "Andriluka et al. 2014, MPII Human Pose; Reed et al. 2016, arXiv:1610.02454 (captions); the files of "
        "reedscot/nips2016"
    )

    crop: bool = True
    captions: PositiveInt = 3
    embedding: NonNegativeInt = 0
    test_share: Annotated[float, Field(ge=0, lt=1)] = 0.1

    @classmethod
    def recognise(cls, folder: Path) -> Mpii | None:
        """By the folder of .t7 files, and the first of these that is of use."""
        entries = folder / ENTRIES
        people = map(read_person, sorted(entries.glob("*.t7"))) if entries.is_dir() else iter(())
        first = next((person for person in people if person), None)
        return None if first is None else cls(embedding=first.embedding.shape[1])

    def yields(self) -> DataSpec:
        """Captions, keypoints, and embeddings where asked for."""
        return DataSpec(embedding=self.embedding, keypoints=JOINTS, pairs=PAIRS)

    def examples(self, split: str, folder: Path | None, resolution: int) -> Examples:
        """The pictures of `split`, by the names of their files. Raises GanzooError: see `pose_entries`."""
        root = data_root("core/mpii", folder, f"the folder that holds {PICTURES}/ and {ENTRIES}/")
        people = read_people(root / ENTRIES)
        splits = held_out_by_hash([person.entry for person in people], self.test_share)
        chosen = [person for person in people if splits[person.entry] == split]
        files = [f"{PICTURES}/{person.picture}" for person in chosen]
        check_pictures(root, files, root / ENTRIES)
        paths = [root / file for file in files]
        rule: Rule = (lambda i, size: window(chosen[i], size)) if self.crop else whole
        points = np.array([person.joints for person in chosen]).reshape(-1, JOINTS, 3)
        _, keypoints = placed(paths, rule, None, points)
        at = np.array([(*person.middle, person.scale) for person in chosen]) if self.crop else np.empty(0)
        return Examples(
            keys=tuple(files),
            captions=tuple(person.captions[: self.captions] for person in chosen),
            image=lambda i: cut(paths[i], i, rule),
            fingerprint=fingerprint("core/mpii", root, files, at.tobytes()),
            keypoints=keypoints,
            embedding=self._embeddings(root / ENTRIES, chosen) if self.embedding else None,
        )

    def _embeddings(
        self, folder: Path, people: list[Person]
    ) -> np.ndarray[tuple[int, int, int], np.dtype[np.float32]]:
        """[n, captions, width] float32."""
        each = min(self.captions, len(people[0].captions)) if people else 0
        for person in people:
            if person.embedding[: self.captions].shape != (each, self.embedding):
                raise GanzooError(
                    f"{folder / person.entry}: `txt` has the shape {person.embedding.shape}; expected {each} "
                    f"captions or more of width {self.embedding}, `embedding` of the recipe's data"
                )
        table = np.array([person.embedding[:each] for person in people], np.float32)
        return table.reshape(len(people), each, self.embedding)


def window(person: Person, size: Size) -> Window:
    """What the authors cut out around a person, as much of it as there is.

    Source: the rule of reedscot/nips2016, data/donkey_folder_mhp_keypoint_and_image.lua.
    """
    side = math.ceil(person.scale * TALL * AROUND)
    left, top = (max(1, math.floor(middle - side / 2)) for middle in person.middle)
    return left, top, min(size[0], left + side - 1), min(size[1], top + side - 1)
