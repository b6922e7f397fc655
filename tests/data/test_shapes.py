"""The data set core/shapes."""

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from ganzoo.data.scenes import RELATIONS, parse
from ganzoo.data.shapes import Shapes
from ganzoo.errors import GanzooError


def test_examples_carry_what_yields_promises():
    shapes = Shapes(count=40)
    given, spec = shapes.examples("train", None, 32), shapes.yields()
    assert spec.offers == {"captions", "class_id", "boxes", "keypoints"}
    assert len(given) == len(given.captions) == len(set(given.keys)) == 40
    assert all(len(captions) == 1 for captions in given.captions)
    assert (given.class_id.shape, given.class_id.dtype) == ((40,), np.int64)
    assert (given.boxes.shape, given.boxes.dtype) == ((40, 4), np.float32)
    assert (given.keypoints.shape, given.keypoints.dtype) == ((40, spec.keypoints, 3), np.float32)
    assert (given.image(0).size, given.image(0).mode) == ((32, 32), "RGB")


def test_pictures_are_the_same_in_any_order_and_from_any_thread():
    first, second = (Shapes(count=24).examples("train", None, 32) for _ in range(2))
    in_order = [first.image(index).tobytes() for index in range(24)]
    with ThreadPoolExecutor(4) as pool:
        backwards = list(pool.map(lambda index: second.image(index).tobytes(), reversed(range(24))))
    assert in_order == backwards[::-1]
    assert first.captions == second.captions
    assert first.fingerprint == second.fingerprint


def test_more_pictures_leave_the_first_ones_as_they_were():
    few, many = (Shapes(count=count).examples("train", None, 32) for count in (5, 9))
    assert many.captions[:5] == few.captions
    assert all(few.image(index).tobytes() == many.image(index).tobytes() for index in range(5))


def test_the_fingerprint_changes_with_whatever_changes_a_picture():
    changes = ({}, {"count": 9}, {"test_count": 9}, {"seed": 1}, {"objects": 1})
    prints = [Shapes(**change).examples("test", None, 32).fingerprint for change in changes]
    prints += [
        Shapes().examples(split, None, side).fingerprint for split, side in (("train", 32), ("test", 64))
    ]
    assert len(set(prints)) == len(prints)


@pytest.mark.parametrize("objects", [1, 2, "both"])
def test_held_out_captions_never_occur_in_training(objects):
    shapes = Shapes(count=3000, test_count=300, objects=objects)
    train, test = (shapes.examples(split, None, 16) for split in ("train", "test"))
    assert not set(train.captions) & set(test.captions)
    assert not set(train.class_id.tolist()) & set(test.class_id.tolist())


@pytest.mark.parametrize(("objects", "seen"), [(1, {1}), (2, {2}), ("both", {1, 2})])
def test_objects_says_how_many_shapes_a_picture_holds(objects, seen):
    given = Shapes(count=60, objects=objects).examples("train", None, 16)
    figures = [len(parse(captions[0]).figures) for captions in given.captions]
    assert set(figures) == seen
    assert given.keypoints[..., 2].sum(axis=1).tolist() == figures


def test_box_and_keypoints_follow_the_order_in_which_the_caption_names_shapes():
    given = Shapes(count=80, objects=2).examples("train", None, 16)
    for captions, box, (first, second) in zip(given.captions, given.boxes, given.keypoints, strict=True):
        relation = parse(captions[0]).relation
        assert (first - second)[:2] @ RELATIONS[relation] > 0
        assert box[:2] + box[2:] / 2 == pytest.approx(first[:2])


def test_class_ids_tell_pictures_apart_by_what_their_captions_say():
    given = Shapes(count=200).examples("train", None, 16)
    assert given.class_id.tolist() == [parse(captions[0]).class_id for captions in given.captions]


def test_a_mirrored_picture_would_contradict_its_caption():
    with pytest.raises(GanzooError, match=r"cannot take `flip: true`.*left of"):
        Shapes(flip=True)
    with pytest.raises(GanzooError, match="flip"):
        TypeAdapter(Shapes).validate_python({"flip": True})


def test_options_are_validated():
    for wrong in ({"count": 0}, {"objects": 3}, {"seed": -1}, {"colours": 4}):
        with pytest.raises(ValidationError):
            TypeAdapter(Shapes).validate_python(wrong)
    assert TypeAdapter(Shapes).validate_python({"objects": 2}) == dataclasses.replace(Shapes(), objects=2)


def test_what_cannot_be_drawn_is_an_error():
    with pytest.raises(GanzooError, match="no split 'val'; splits: train, test"):
        Shapes().examples("val", None, 32)
    with pytest.raises(GanzooError, match="was given the folder photos"):
        Shapes().examples("train", Path("photos"), 32)
    with pytest.raises(GanzooError, match="resolution 0; expected 1 or more"):
        Shapes().examples("train", None, 0)
