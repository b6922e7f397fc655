from __future__ import annotations

from pathlib import Path

import miniatures
import numpy as np
import pytest

from ganzoo.data.flowers import Flowers
from ganzoo.errors import GanzooError
from ganzoo.specs import DataSpec


@pytest.fixture
def flowers(tmp_path: Path) -> Path:
    return miniatures.flowers(tmp_path / "flowers")


def test_captions_lie_in_the_folders_of_the_classes(flowers: Path) -> None:
    examples = Flowers(embedding=8).examples("train", flowers, 8)
    assert examples.keys == ("jpg/image_00001.jpg", "jpg/image_00002.jpg", "jpg/image_00003.jpg")
    assert [own[9] for own in examples.captions] == [f"this flower {i} is seen in way 9 ." for i in range(3)]
    assert examples.class_id is not None and examples.class_id.tolist() == [1, 1, 3]
    assert examples.embedding is not None and examples.embedding.shape == (3, 10, 8)
    np.testing.assert_array_equal(examples.embedding[2], miniatures.embedding_of(2, 10))
    assert miniatures.size_of(examples, 0) == (32, 24)
    test = Flowers().examples("test", flowers, 8)
    assert test.keys == ("jpg/image_00004.jpg",) and test.fingerprint != examples.fingerprint


def test_what_it_yields() -> None:
    assert Flowers().yields() == DataSpec(class_id=True)
    assert Flowers(embedding=8).yields() == DataSpec(class_id=True, embedding=8)


def test_the_folder_is_recognised(flowers: Path, tmp_path: Path) -> None:
    assert Flowers.recognise(flowers) == Flowers(embedding=8)
    for other in (miniatures.birds, miniatures.coco, miniatures.coco_attngan, miniatures.mpii):
        assert Flowers.recognise(other(tmp_path / other.__name__)) is None


def test_a_folder_is_asked_for() -> None:
    with pytest.raises(GanzooError, match="core/flowers needs the folder that holds jpg/"):
        Flowers().examples("train", None, 8)
