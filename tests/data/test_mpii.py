from __future__ import annotations

import logging
import math
from pathlib import Path

import miniatures
import numpy as np
import pytest

from ganzoo.data.mpii import Mpii, window
from ganzoo.data.pose_entries import read_person
from ganzoo.errors import GanzooError
from ganzoo.specs import DataSpec


@pytest.fixture
def people(tmp_path: Path) -> Path:
    return miniatures.mpii(tmp_path / "mpii")


def test_people_who_are_alone(people: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "ganzoo"):
        examples = Mpii(embedding=8, test_share=0).examples("train", people, 8)
    assert examples.keys == tuple(f"images/{number:09d}.jpg" for number in range(5))
    assert "2 of 7 pictures are of several people, or without keypoints" in caplog.text
    assert examples.captions[1] == tuple(f"a person 1 does something {i}" for i in range(3))
    assert examples.embedding is not None
    np.testing.assert_array_equal(examples.embedding[3], miniatures.embedding_of(3, 3))


def test_splits_share_nobody(people: Path) -> None:
    train, test = (Mpii(test_share=0.4).examples(split, people, 8) for split in ("train", "test"))
    assert train.keys and test.keys and not set(train.keys) & set(test.keys)
    assert len(train) + len(test) == 5


def test_pictures_are_cut_around_the_person(people: Path) -> None:
    cut, whole = (Mpii(test_share=0, crop=crop).examples("train", people, 8) for crop in (True, False))
    person = read_person(people / "mhp_keypoints" / "000000000.t7")
    assert person is not None
    side = math.ceil(0.1 * 200 * 1.1)  # at (28, 18)
    left, top = math.floor(28 - side / 2), math.floor(18 - side / 2)
    assert window(person, (60, 50)) == (left, top, left + side - 1, top + side - 1)
    assert miniatures.size_of(cut, 0) == (side - 1, side - 1) and miniatures.size_of(whole, 0) == (60, 50)
    assert cut.fingerprint != whole.fingerprint
    assert cut.keypoints is not None and whole.keypoints is not None
    np.testing.assert_allclose(whole.keypoints[0, 5], [25 / 60, 15 / 50, 1], rtol=1e-6)
    np.testing.assert_allclose(
        cut.keypoints[0, 5], [(25 - left) / (side - 1), (15 - top) / (side - 1), 1], rtol=1e-6
    )
    assert not cut.keypoints[:, 3].any(), "joint 3 is not to be seen"
    np.testing.assert_allclose(whole.keypoints[0, 16], [26 / 60, 13 / 50, 1], rtol=1e-6)  # middle of the head


def test_what_it_yields() -> None:
    spec = Mpii(embedding=8).yields()
    assert spec == DataSpec(embedding=8, keypoints=17, pairs=spec.pairs)
    assert sorted(part for pair in spec.pairs for part in pair) == [*range(6), *range(10, 16)]


def test_the_folder_is_recognised(people: Path, tmp_path: Path) -> None:
    assert Mpii.recognise(people) == Mpii(embedding=8)
    for other in (miniatures.birds, miniatures.flowers, miniatures.coco, miniatures.coco_attngan):
        assert Mpii.recognise(other(tmp_path / other.__name__)) is None


def test_a_folder_is_asked_for() -> None:
    with pytest.raises(GanzooError, match="core/mpii needs the folder that holds images/"):
        Mpii().examples("train", None, 8)
