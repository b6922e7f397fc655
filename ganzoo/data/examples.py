"""Examples: pictures with captions and what else is known of them, before anything is packed or tokenised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image


@dataclass(frozen=True, eq=False)
class Examples:
    """n examples of one split. Pictures are decoded when `image(i)` is called, from several threads perhaps.

    `keys`: a name for each example, for messages (a path, usually). `captions`: at least one a picture.
    `fingerprint`: changes whenever a picture or its decoding would; keys the packed cache. `class_id`: [n]
    int64. `boxes`: [n, 4] float32 (x, y, width, height) in 0..1. `keypoints`: [n, k, 3] float32 (x, y,
    visible). `embedding`: [n, captions, s] float32, one sentence embedding a caption, the same number each.
    """

    keys: tuple[str, ...]
    captions: tuple[tuple[str, ...], ...]
    image: Callable[[int], Image.Image]
    fingerprint: str
    class_id: NDArray[np.int64] | None = None
    boxes: NDArray[np.float32] | None = None
    keypoints: NDArray[np.float32] | None = None
    embedding: NDArray[np.float32] | None = None

    def __len__(self) -> int:
        return len(self.keys)
