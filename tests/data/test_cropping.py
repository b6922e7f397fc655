from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganzoo.data import cache
from ganzoo.data.cropping import Window, cut, placed, whole
from ganzoo.data.picture_files import Size
from ganzoo.errors import GanzooError


def corner(index: int, size: Size) -> Window:
    """The right half, and of it the lower three quarters."""
    return size[0] // 2, size[1] // 4, *size


@pytest.fixture
def path(tmp_path: Path) -> Path:
    pixels = np.arange(8 * 20 * 3, dtype=np.uint8).reshape(8, 20, 3)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    return tmp_path / "a.png"


def test_the_window_is_cut_out(path: Path) -> None:
    pixels = np.asarray(cut(path, 0, corner))
    assert pixels.shape == (6, 10, 3)
    with Image.open(path) as image:
        np.testing.assert_array_equal(pixels, np.asarray(image)[2:, 10:])


def test_boxes_and_keypoints_in_shares_of_the_window(path: Path) -> None:
    boxes = np.array([[8.0, 4.0, 8.0, 2.0]])
    points = np.array([[[15.0, 5.0, 1.0], [5.0, 5.0, 1.0], [15.0, 5.0, 0.0], [20.0, 8.0, 1.0]]])
    there, marked = placed([path], corner, boxes, points)
    assert there is not None and marked is not None
    np.testing.assert_allclose(there, [[0, 2 / 6, 6 / 10, 2 / 6]], rtol=1e-6)
    np.testing.assert_allclose(marked, [[[0.5, 0.5, 1], [0, 0, 0], [0, 0, 0], [1, 1, 1]]], rtol=1e-6)
    there, marked = placed([path], whole, boxes, None)
    np.testing.assert_allclose(there, [[8 / 20, 4 / 8, 8 / 20, 2 / 8]], rtol=1e-6)
    assert marked is None


def test_a_box_outside_the_window(path: Path) -> None:
    with pytest.raises(GanzooError, match=r"the box \[0.0, 0.0, 10.0, 8.0\] lies outside .*a\.png"):
        placed([path], corner, np.array([[0.0, 0.0, 10.0, 8.0]]), None)


def test_pictures_too_large_are_not_decoded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "PIXEL_LIMIT", 100)
    with pytest.raises(ValueError, match="20 x 8 pixels; at most"):
        cut(path, 0, corner)


def test_a_cut_picture_is_not_turned_again(tmp_path: Path) -> None:
    """Boxes and keypoints belong to the pixels as they lie in the file."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (20, 8)).save(tmp_path / "turned.jpg", exif=exif)
    assert cache.decode(cut(tmp_path / "turned.jpg", 0, corner), 4).shape == (3, 4, 4)
    assert cut(tmp_path / "turned.jpg", 0, corner).getexif().get(0x0112) is None


def test_no_pictures() -> None:
    there, marked = placed([], whole, np.empty((0, 4)), np.empty((0, 15, 3)))
    assert there is not None and there.shape == (0, 4)
    assert marked is not None and marked.shape == (0, 15, 3)
