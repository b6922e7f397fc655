from __future__ import annotations

from pathlib import Path

import miniatures
import numpy as np
import pytest

from ganzoo.data.split_pickles import embedding_width, read_classes, read_names, read_split_embeddings
from ganzoo.errors import GanzooError


@pytest.fixture
def split(tmp_path: Path) -> Path:
    (tmp_path / "train").mkdir()
    return tmp_path / "train"


def test_names_of_python_2_are_read_as_latin_1(split: Path) -> None:
    (split / "filenames.pickle").write_bytes(miniatures.python_2_strings(["a/Nu\u00e9", "b/x"]))
    assert read_names(split.parent, "train") == ("a/Nué", "b/x")


@pytest.mark.parametrize("name", ["/etc/passwd", "a/../../b", "..", "", "a\nb", "a\x1b[31m"])
def test_names_that_are_refused(name: str, split: Path) -> None:
    miniatures.dump(split / "filenames.pickle", ["fine", name])
    with pytest.raises(GanzooError, match=r"filenames\.pickle: name 1: "):
        read_names(split.parent, "train")


@pytest.mark.parametrize("classes", [[3, 1], (3, 1), np.array([3, 1]), [np.int64(3), np.int32(1)]])
def test_classes_in_every_form(classes: object, split: Path) -> None:
    miniatures.dump(split / "class_info.pickle", classes)
    found = read_classes(split.parent, "train", 2)
    assert found is not None and found.dtype == np.int64 and found.tolist() == [3, 1]


@pytest.mark.parametrize("classes", [[1.5, 2], [True, 1], [2**63, 1], {1: 2}, np.ones((2, 1)), None])
def test_classes_that_are_none(classes: object, split: Path) -> None:
    miniatures.dump(split / "class_info.pickle", classes)
    with pytest.raises(GanzooError, match="expected a list of whole numbers"):
        read_classes(split.parent, "train", 2)


@pytest.mark.parametrize("dtype", ["f4", "f8", ">f4", "f2"])
@pytest.mark.parametrize("whole", [True, False], ids=["one array", "a list"])
def test_embeddings_in_every_form(dtype: str, whole: bool, split: Path) -> None:
    table = np.arange(12, dtype=dtype).reshape(2, 2, 3)
    miniatures.dump(split / "char-CNN-RNN-embeddings.pickle", table if whole else list(table))
    found = read_split_embeddings(split.parent, "train", [2, 2], 3)
    assert found.dtype == np.float32 and found.tolist() == table.tolist()
    assert embedding_width(split.parent) == 3


@pytest.mark.parametrize(
    "arrays, said",
    [
        ([[1.0, 2.0]] * 2, "entry 0 is a list of 2"),
        ([np.ones((2, 3), int)] * 2, "entry 0 is int64"),
        ([np.ones((2, 3)), np.full((2, 3), 1e300)], "not finite"),
        (np.ones((2, 3)), "holds float64 of shape"),
    ],
)
def test_embeddings_that_are_none(arrays: object, said: str, split: Path) -> None:
    miniatures.dump(split / "char-CNN-RNN-embeddings.pickle", arrays)
    with pytest.raises(GanzooError, match=said):
        read_split_embeddings(split.parent, "train", [2, 2], 3)


def test_a_width_that_is_not_there(split: Path) -> None:
    assert embedding_width(split.parent) == 0
    miniatures.dump(split / "char-CNN-RNN-embeddings.pickle", [])
    assert embedding_width(split.parent) == 0
