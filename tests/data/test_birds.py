from __future__ import annotations

from pathlib import Path

import miniatures
import numpy as np
import pytest
from PIL import Image

from ganzoo.data.birds import PAIRS, Birds, window
from ganzoo.data.cache import pack
from ganzoo.errors import GanzooError
from ganzoo.specs import DataSpec

TRAIN, TEST = miniatures.BIRDS["train"], miniatures.BIRDS["test"]


@pytest.fixture
def birds(tmp_path: Path) -> Path:
    return miniatures.birds(tmp_path / "birds")


def test_splits_captions_and_classes(birds: Path) -> None:
    train, test = (Birds().examples(split, birds, 8) for split in ("train", "test"))
    assert train.keys == tuple(f"CUB_200_2011/images/{name}.jpg" for name in TRAIN)
    assert test.keys == tuple(f"CUB_200_2011/images/{name}.jpg" for name in TEST)
    assert [len(own) for own in train.captions] == [10] * 4
    assert train.captions[1][:2] == ("this bird 1 is seen in way 0 .", "this bird 1 is seen in way 1 .")
    assert train.class_id is not None and train.class_id.tolist() == [1, 1, 2, 2]
    assert test.class_id is not None and test.class_id.tolist() == [3, 3]
    assert train.embedding is None and train.boxes is None and train.keypoints is None


def test_what_it_yields() -> None:
    assert Birds().yields() == DataSpec(class_id=True)
    full = Birds(embedding=8, boxes=True, keypoints=True).yields()
    assert full == DataSpec(embedding=8, class_id=True, boxes=True, keypoints=15, pairs=PAIRS)


def test_embeddings_follow_the_names_and_the_captions(birds: Path) -> None:
    examples = Birds(embedding=8).examples("train", birds, 8)
    assert examples.embedding is not None and examples.embedding.dtype == np.float32
    expected = [miniatures.embedding_of(number, 10) for number in range(4)]
    np.testing.assert_array_equal(examples.embedding, expected)


def test_fewer_captions_when_fewer_are_asked_for(birds: Path) -> None:
    examples = Birds(captions=3).examples("train", birds, 8)
    assert examples.captions[0][2].endswith("way 2 .") and len(examples.captions[0]) == 3
    with pytest.raises(GanzooError, match=r"shape \(10, 8\); expected floats of shape \(3, 8\)"):
        Birds(captions=3, embedding=8).examples("train", birds, 8)


@pytest.mark.parametrize(
    "box, size, expected",
    [
        ((60, 27, 325, 304), (500, 335), (0, 0, 465, 335)),  # r = 243 around (222, 179)
        ((10, 5, 12, 8), (40, 30), (7, 0, 25, 18)),
        ((100, 100, 21, 10), (500, 500), (95, 90, 125, 120)),  # r = int(15.75), the middle int(110.5)
        ((0, 0, 500, 400), (500, 400), (0, 0, 500, 400)),
    ],
)
def test_the_window_is_what_the_authors_cut(
    box: tuple[int, ...], size: tuple[int, int], expected: tuple[int, ...]
) -> None:
    x, y, w, h = box
    half, middle, centre = int(max(w, h) * 0.75), int((2 * x + w) / 2), int((2 * y + h) / 2)
    edges = (max(0, middle - half), max(0, centre - half))
    assert window(list(box), size) == expected
    assert expected == (*edges, min(size[0], middle + half), min(size[1], centre + half))


def test_pictures_are_cut_before_they_are_packed(birds: Path, tmp_path: Path) -> None:
    cut, whole = (Birds(crop=crop).examples("train", birds, 18) for crop in (True, False))
    assert cut.fingerprint != whole.fingerprint
    with Image.open(birds / cut.keys[2]) as image:
        expected = np.asarray(image.crop((7, 0, 25, 18)).convert("RGB")).transpose(2, 0, 1)
    packed = pack(cut, 18, tmp_path / "cache")
    np.testing.assert_array_equal(packed.images[2], expected)
    assert pack(whole, 18, tmp_path / "cache").images[2].tobytes() != expected.tobytes()
    assert miniatures.size_of(whole, 2) == miniatures.BIRD_SIZE


def test_boxes_and_keypoints_follow_the_cut(birds: Path) -> None:
    cut, whole = (
        Birds(crop=crop, boxes=True, keypoints=True).examples("train", birds, 8) for crop in (True, False)
    )
    assert cut.boxes is not None and whole.boxes is not None
    np.testing.assert_allclose(whole.boxes[0], [10 / 40, 5 / 30, 12 / 40, 8 / 30], rtol=1e-6)
    np.testing.assert_allclose(cut.boxes[0], [3 / 18, 5 / 18, 12 / 18, 8 / 18], rtol=1e-6)
    assert cut.keypoints is not None and whole.keypoints is not None
    assert cut.keypoints.shape == (4, 15, 3) and not cut.keypoints[0, 0].any()
    np.testing.assert_allclose(cut.keypoints[0, 4], [(12 - 7) / 18, 5 / 18, 1], rtol=1e-6)
    np.testing.assert_allclose(whole.keypoints[0, 14], [39 / 40, 29 / 30, 1], rtol=1e-6)
    assert not cut.keypoints[0, 14].any(), "it lies outside the cut"


def test_another_box_makes_another_fingerprint(birds: Path) -> None:
    before = {crop: Birds(crop=crop).examples("train", birds, 8).fingerprint for crop in (True, False)}
    boxes = birds / "CUB_200_2011" / "bounding_boxes.txt"
    boxes.write_text(boxes.read_text().replace("10.0 5.0", "11.0 5.0", 1))
    assert Birds(crop=True).examples("train", birds, 8).fingerprint != before[True]
    assert Birds(crop=False).examples("train", birds, 8).fingerprint == before[False]


def test_a_broken_picture_is_left_to_packing(birds: Path, tmp_path: Path) -> None:
    name = f"CUB_200_2011/images/{TRAIN[1]}.jpg"
    (birds / name).write_bytes(b"no picture")
    examples = Birds(boxes=True, keypoints=True).examples("train", birds, 8)
    packed = pack(examples, 8, tmp_path / "cache", skip_broken=True)
    assert packed.broken == (name,)
    kept = packed.select(examples)
    assert kept.boxes is not None and kept.boxes.shape == (3, 4)


def test_the_folder_is_recognised(birds: Path, tmp_path: Path) -> None:
    assert Birds.recognise(birds) == Birds(embedding=8, boxes=True, keypoints=True)
    (birds / "train" / "char-CNN-RNN-embeddings.pickle").unlink()
    (birds / "CUB_200_2011" / "bounding_boxes.txt").unlink()
    assert Birds.recognise(birds) == Birds(crop=False, keypoints=True)
    for other in (miniatures.flowers, miniatures.coco, miniatures.coco_attngan, miniatures.mpii):
        assert Birds.recognise(other(tmp_path / other.__name__)) is None
    assert Birds.recognise(tmp_path / "nowhere") is None


def test_classes_of_the_split_may_have_other_numbers(birds: Path) -> None:
    miniatures.dump(birds / "train" / "class_info.pickle", [7, 7, 3, 3])
    examples = Birds().examples("train", birds, 8)
    assert examples.class_id is not None and examples.class_id.tolist() == [1, 1, 2, 2]


def test_a_folder_is_asked_for() -> None:
    with pytest.raises(GanzooError, match="core/birds needs the folder that holds CUB_200_2011/"):
        Birds().examples("train", None, 8)
