"""Checks of data sets."""

from __future__ import annotations

import numpy as np
from PIL import Image

from ganzoo.data.examples import Examples
from ganzoo.errors import GanzooError
from ganzoo.specs import DataSpec
from ganzoo.testing.conformance.subject import Subject

SIDE = 16


def examples(subject: Subject) -> None:
    """Without a folder it gives examples, or says in a GanzooError that it needs one.

    Every example has a key of its own and a caption; arrays are as the spec declares; pictures decode as RGB;
    fingerprints are stable; the splits share no example.
    """
    train = _read(subject, "train")
    if train is None:
        return
    test = _read(subject, "test")
    subject.expect(test is not None, "gives the split `train` without a folder, but not `test`")
    assert test is not None
    for split, found in (("train", train), ("test", test)):
        _check(subject, found, subject.component.yields(), f"split `{split}`")
    subject.expect(not set(train.keys) & set(test.keys), "has examples in both of its splits")
    again = _read(subject, "train")
    subject.expect(
        again is not None and again.fingerprint == train.fingerprint,
        "gives another fingerprint for the same examples",
    )
    subject.expect(train.fingerprint != test.fingerprint, "gives both splits the same fingerprint")


def _read(subject: Subject, split: str) -> Examples | None:
    try:
        found = subject.component.examples(split, None, SIDE)
    except GanzooError:
        return None
    except Exception as error:  # whatever a plugin may raise
        subject.fail(
            f"fails without a folder; expected examples or a GanzooError: {type(error).__name__}: {error}"
        )
    subject.expect(isinstance(found, Examples), f"gives a {type(found).__name__}, not Examples")
    assert isinstance(found, Examples)
    return found


def _check(subject: Subject, found: Examples, spec: DataSpec, where: str) -> None:
    count = len(found)
    subject.expect(count > 0, f"has no example in {where}")
    subject.expect(len(set(found.keys)) == count, f"has two examples of the same key in {where}")
    subject.expect(len(found.captions) == count, f"has {len(found.captions)} captions for {count} in {where}")
    spoken = all(own and all(caption.strip() for caption in own) for own in found.captions)
    subject.expect(spoken or not spec.captions, f"has an example without a caption in {where}")
    _check_arrays(subject, found, spec, where)
    for index in {0, count // 2, count - 1}:
        picture = found.image(index)
        subject.expect(isinstance(picture, Image.Image), f"gives a {type(picture).__name__}, no picture")
        size = picture.convert("RGB").size
        subject.expect(min(size) > 0, f"gives picture {index} of {where} without a pixel")


def _check_arrays(subject: Subject, found: Examples, spec: DataSpec, where: str) -> None:
    """Arrays are there where the spec says so, and have its shapes, their dtypes and ranges."""
    n = len(found)
    each = {len(own) for own in found.captions}
    fixed: dict[str, tuple[bool, tuple[int, ...], type]] = {
        "class_id": (spec.class_id, (n,), np.int64),
        "boxes": (spec.boxes, (n, 4), np.float32),
        "keypoints": (spec.keypoints > 0, (n, spec.keypoints, 3), np.float32),
        "embedding": (spec.embedding > 0, (n, max(each), spec.embedding), np.float32),
    }
    for name, (declared, shape, dtype) in fixed.items():
        array = getattr(found, name)
        subject.expect(
            (array is not None) == declared,
            f"{'declares' if declared else 'does not declare'} {name}, but "
            f"{'gives none' if array is None else 'gives it'} in {where}",
        )
        if array is None:
            continue
        subject.expect(
            array.shape == shape and array.dtype == dtype,
            f"gives {name} {array.dtype} {list(array.shape)} in {where}; "
            f"expected {np.dtype(dtype)} {list(shape)}",
        )
        if name in ("boxes", "keypoints"):
            inside = bool(((array >= 0) & (array <= 1)).all())
            subject.expect(inside, f"gives {name} outside 0..1 in {where}")
