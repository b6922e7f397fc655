from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import TypeAdapter

from ganzoo.data.folder import Folder
from ganzoo.data.places import box, keypoints
from ganzoo.errors import GanzooError
from ganzoo.specs import DataSpec

ENTRIES = {
    "a.png": {"box": [0.1, 0.2, 0.5, 0.6], "keypoints": [[0.5, 0.5], None]},
    "b.png": {"box": [0, 0, 1, 1], "keypoints": [[0.25, 1, 1], [0.3, 0.3, 0]]},
    "unused.png": {},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("a", "b"):
        Image.new("RGB", (3, 2)).save(tmp_path / f"{name}.png")
        (tmp_path / f"{name}.txt").write_text("a caption")
    (tmp_path / "layout.json").write_text(json.dumps(ENTRIES))
    return tmp_path


def test_a_folder_gives_boxes_and_keypoints(folder: Path) -> None:
    data = Folder(test_share=0, boxes=True, keypoints=3, pairs=((0, 2),))
    assert data.yields() == DataSpec(boxes=True, keypoints=3, pairs=((0, 2),))
    found = data.examples("train", folder, 8)
    assert found.boxes is not None and found.keypoints is not None
    assert found.boxes.dtype == found.keypoints.dtype == np.float32
    assert np.allclose(found.boxes, [[0.1, 0.2, 0.5, 0.6], [0, 0, 1, 1]])
    gone = [0, 0, 0]
    assert np.allclose(found.keypoints, [[[0.5, 0.5, 1], gone, gone], [[0.25, 1, 1], gone, gone]])
    alone = Folder(test_share=0, boxes=True).examples("train", folder, 8)
    assert alone.boxes is not None and alone.keypoints is None


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"a.png": ENTRIES["a.png"]}, r"no entry of the form .* for 1 of 2 pictures: b.png"),
        ({**ENTRIES, "b.png": 3}, "for 1 of 2 pictures: b.png"),
        ({**ENTRIES, "b.png": {}}, r"layout.json: b.png: None is no box; expected \[x, y, width, height\]"),
        ([], "is not a JSON object"),
        (None, "boxes and keypoints are read from .*layout.json, which is not there"),
    ],
)
def test_entries_that_are_wrong(folder: Path, entries: Any, message: str) -> None:
    (folder / "layout.json").write_text(json.dumps(entries))
    if entries is None:
        (folder / "layout.json").unlink()
    with pytest.raises(GanzooError, match=message):
        Folder(test_share=0, boxes=True, keypoints=2).examples("train", folder, 8)


@pytest.mark.parametrize("pairs", [((0, 0),), ((0, 1), (1, 2)), ((0, 3),)])
def test_pairs_that_are_none(pairs: Any) -> None:
    with pytest.raises(GanzooError, match="must name each of the 3 keypoints once at most"):
        TypeAdapter(Folder).validate_python({"keypoints": 3, "pairs": pairs})


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ([0.1, 0.2, 0.5], "is no box"),
        ("0.1,0.2,0.5,0.5", "is no box"),
        ([0.1, 0.2, float("nan"), 0.5], "is no box"),
        ([True, 0, 1, 1], "is no box"),
        ([0.1, 0.2, 0, 0.5], "has no area"),
        ([0.1, 0.2, 0.5, -0.5], "has no area"),
        ([0.6, 0.2, 0.5, 0.5], "reaches out of the picture"),
        ([-0.1, 0.2, 0.5, 0.5], "reaches out of the picture"),
    ],
)
def test_boxes_that_are_none(said: Any, message: str) -> None:
    with pytest.raises(GanzooError, match=message):
        box(said, "here")


def test_a_box_may_end_at_the_border() -> None:
    assert box([0.7, 0.9, 0.3, 0.1], "here") == (0.7, 0.9, 0.3, 0.1)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ([[0, 0]] * 4, "4 keypoints; expected 3 at most"),
        ([[0.5]], r"keypoint 0: \[0.5\]; expected \[x, y\]"),
        ([None, [0.5, 0.5, 2]], "keypoint 1"),
        ([[0.5, 1.5]], "lies outside the picture"),
        ("0.5", "are no keypoints"),
        (None, "are no keypoints"),
    ],
)
def test_keypoints_that_are_none(said: Any, message: str) -> None:
    with pytest.raises(GanzooError, match=message):
        keypoints(said, 3, "here")
