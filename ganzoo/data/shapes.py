"""The data set `core/shapes`: drawn pictures with exact captions, class ids, boxes and keypoints."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, ClassVar, Literal

import numpy as np
from PIL import Image
from pydantic import NonNegativeInt, PositiveInt

from ganzoo.components import Dataset
from ganzoo.data.examples import Examples
from ganzoo.data.scenes import DRAWING_VERSION, Scene, describe, draw, place
from ganzoo.errors import GanzooError
from ganzoo.specs import DataSpec


@dataclass(frozen=True, kw_only=True)
class Shapes(Dataset):
    """Pictures of one or two coloured shapes, "a small red circle above a large blue square".

    Nothing to download. `count` and `test_count`: pictures of each split. `seed`: another seed, other
    pictures. `objects`: how many shapes a picture holds; "both" = one or two, as likely.
    One description in eight never occurs in training: the test split is made of these alone. `class_id`
    numbers what the caption says, so a picture of another class contradicts it. `boxes`: the first-named
    shape. `keypoints`: the middles of the first- and second-named shape.
    """

    source: ClassVar[str] = "ganzoo's own; in the manner of Johnson et al. 2017, CLEVR, arXiv:1612.06890"
    tiny: ClassVar[dict[str, Any]] = {"count": 16, "test_count": 8, "batch": 4}

    count: PositiveInt = 8192
    test_count: PositiveInt = 512
    seed: NonNegativeInt = 0
    objects: Literal[1, 2, "both"] = "both"

    def __post_init__(self) -> None:
        if self.flip:
            raise GanzooError(
                "core/shapes cannot take `flip: true`: a mirrored picture would contradict captions that say "
                "`left of` or `right of`; leave `flip` out"
            )

    def yields(self) -> DataSpec:
        """Captions, class ids, boxes, two keypoints."""
        return DataSpec(captions=1, class_id=True, boxes=True, keypoints=2)

    def examples(self, split: str, folder: Path | None, resolution: int) -> Examples:
        """The examples of `split`, drawn at `resolution` when asked for.

        Raises GanzooError for an unknown split, for a folder (nothing is read), for a resolution below 1.
        """
        if split not in ("train", "test"):
            raise GanzooError(f"core/shapes has no split {split!r}; splits: train, test")
        if folder is not None:
            raise GanzooError(
                f"core/shapes draws its pictures, but was given the folder {folder}; leave it out"
            )
        if resolution < 1:
            raise GanzooError(
                f"core/shapes cannot draw at resolution {resolution}; expected 1 or more pixels"
            )
        scenes = self._scenes(split)
        options = (split, self.count, self.test_count, self.seed, self.objects, resolution, DRAWING_VERSION)

        def image(index: int) -> Image.Image:
            return draw(scenes[index], resolution)

        return Examples(
            keys=tuple(f"shapes/{split}/{index}" for index in range(len(scenes))),
            captions=tuple((scene.description.caption,) for scene in scenes),
            image=image,
            fingerprint=hashlib.sha256(f"core/shapes {options}".encode()).hexdigest(),
            class_id=np.array([scene.description.class_id for scene in scenes], np.int64),
            boxes=np.array([scene.boxes[0] for scene in scenes], np.float32),
            keypoints=np.array([_keypoints(scene) for scene in scenes], np.float32),
        )

    def _scenes(self, split: str) -> tuple[Scene, ...]:
        count = self.count if split == "train" else self.test_count
        return tuple(self._scene(split, index) for index in range(count))

    def _scene(self, split: str, index: int) -> Scene:
        """Scene `index` of `split`: its own stream of draws, so that it is the same whatever `count` is."""
        random = Random(f"{self.seed} {split} {index}")
        while True:
            figures = 1 + int(random.random() * 2) if self.objects == "both" else self.objects
            description = describe(random, figures)
            if description.held_out == (split == "test"):
                return place(description, random)


def _keypoints(scene: Scene) -> list[tuple[float, float, float]]:
    seen = [(x, y, 1.0) for x, y in scene.centres]
    return seen + [(0.0, 0.0, 0.0)] * (2 - len(seen))
