from __future__ import annotations

from pathlib import Path
from typing import Literal

import miniatures
import numpy as np
import pytest

from ganzoo.data.coco import Coco
from ganzoo.errors import GanzooError
from ganzoo.specs import DataSpec


@pytest.mark.parametrize(
    "year, file", [(2014, "train2014/COCO_train2014_000000000025.jpg"), (2017, "train2017/000000000025.jpg")]
)
def test_as_it_is_shipped(year: Literal[2014, 2017], file: str, tmp_path: Path) -> None:
    folder = miniatures.coco(tmp_path, year)
    train, test = (Coco(year=year).examples(split, folder, 8) for split in ("train", "test"))
    assert train.keys[1] == file and len(train) == 3
    assert train.captions[1] == tuple(f"A scene 25 in words, {i}." for i in range(5)), "the sixth is left out"
    assert all(key.startswith(f"val{year}/") for key in test.keys) and len(test) == 2
    assert train.class_id is None and miniatures.size_of(train, 0) == (32, 24)
    assert len(Coco(year=year, captions=6).examples("train", folder, 8).captions[1]) == 6


def test_in_folders(tmp_path: Path) -> None:
    folder = miniatures.coco_attngan(tmp_path)
    examples = Coco(embedding=8).examples("train", folder, 8)
    assert examples.keys[0] == "images/COCO_train2014_000000000009.jpg"
    assert [len(own) for own in examples.captions] == [5, 5, 5]
    assert examples.embedding is not None
    np.testing.assert_array_equal(examples.embedding[1], miniatures.embedding_of(1, 5))
    assert len(Coco().examples("test", folder, 8)) == 2
    assert len(Coco(embedding=8).examples("test", folder, 8)) == 0, "the authors gave none for it"


def test_what_it_yields() -> None:
    assert Coco().yields() == DataSpec()
    assert Coco(embedding=8).yields() == DataSpec(embedding=8)


def test_the_folder_is_recognised(tmp_path: Path) -> None:
    assert Coco.recognise(miniatures.coco(tmp_path / "2014")) == Coco()
    assert Coco.recognise(miniatures.coco(tmp_path / "2017", 2017)) == Coco(year=2017)
    assert Coco.recognise(miniatures.coco_attngan(tmp_path / "attngan")) == Coco(embedding=8)
    for other in (miniatures.birds, miniatures.flowers, miniatures.mpii):
        assert Coco.recognise(other(tmp_path / other.__name__)) is None


def test_a_folder_is_asked_for() -> None:
    with pytest.raises(GanzooError, match="core/coco needs the folder that holds annotations/"):
        Coco().examples("train", None, 8)


def test_blank_captions_are_left_out(tmp_path: Path) -> None:
    file = miniatures.coco(tmp_path) / "annotations" / "captions_train2014.json"
    file.write_text(
        file.read_text().replace("A scene 9 in words, 1. ", " ").replace("words, 2. ", "words,\\n2")
    )
    assert [*Coco().examples("train", tmp_path, 8).captions[0]] == [
        "A scene 9 in words, 0.", "A scene 9 in words, 2", "A scene 9 in words, 3.", "A scene 9 in words, 4.",
    ]  # fmt: skip
