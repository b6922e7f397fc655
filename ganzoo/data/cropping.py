"""Windows that pictures are cut to before they are packed, and what becomes of boxes and keypoints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo.data.cache import check_pixels
from ganzoo.data.picture_files import Size, open_picture, size_of
from ganzoo.errors import GanzooError

Window = tuple[int, int, int, int]  # left, top, right, bottom in pixels
Rule = Callable[[int, Size], Window]  # of picture i, given its width and height


def whole(_: int, size: Size) -> Window:
    """The picture as it is."""
    return (0, 0, *size)


def cut(path: Path, index: int, rule: Rule) -> Image.Image:
    """The picture at `path`, cut. Raises one of `cache.UNREADABLE`."""
    image = open_picture(path)
    if rule is whole:
        return image
    with image:
        check_pixels(image)
        window = rule(index, image.size)
        if window[0] >= window[2] or window[1] >= window[3]:
            raise ValueError(f"the window {window} lies outside its {image.width} x {image.height} pixels")
        part = image.crop(window)
    part.info.pop("exif", None)  # places are those of the pixels as they lie in the file
    return part


def placed(
    paths: Sequence[Path],
    rule: Rule,
    boxes: NDArray[np.float64] | None,
    points: NDArray[np.float64] | None,
) -> tuple[NDArray[np.float32] | None, NDArray[np.float32] | None]:
    """Boxes [n, 4] and keypoints [n, k, 3] in pixels of the files, as shares of the cut pictures.

    Boxes end at the window's edges. Keypoints outside it become invisible, and
    invisible ones lie at 0, 0. Pictures that cannot be read have a box of all and no keypoints: packing names
    them or leaves them out. Raises GanzooError for a box outside the window.
    """
    windows = np.array([_window(path, i, rule) for i, path in enumerate(paths)], np.float64).reshape(-1, 1, 4)
    corner, side = windows[..., :2], windows[..., 2:] - windows[..., :2]  # [n, 1, 2]
    readable = side.min(-1) > 0  # [n, 1]
    side = np.maximum(side, 1)
    there = marked = None
    if boxes is not None:
        low = ((boxes[:, :2] - corner[:, 0]) / side[:, 0]).clip(0, 1)
        high = ((boxes[:, :2] + boxes[:, 2:] - corner[:, 0]) / side[:, 0]).clip(0, 1)
        bare = np.flatnonzero(readable[:, 0] & (high - low <= 0).any(-1))
        if len(bare):
            raise GanzooError(
                f"the box {boxes[bare[0]].tolist()} lies outside the picture {paths[bare[0]]}; expected "
                "x, y, width and height in its pixels"
            )
        there = np.where(readable, np.concatenate([low, high - low], -1), (0, 0, 1, 1)).astype(np.float32)
    if points is not None:
        place = (points[..., :2] - corner) / side
        seen = (points[..., 2] > 0) & ((place >= 0) & (place <= 1)).all(-1) & readable
        marked = np.where(
            seen[..., None], np.concatenate([place, np.ones_like(place[..., :1])], -1), 0
        ).astype(np.float32)
    return there, marked


def _window(path: Path, index: int, rule: Rule) -> Window:
    size = size_of(path)
    return (0, 0, 0, 0) if size is None else rule(index, size)
