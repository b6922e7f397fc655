"""Real pictures, and what networks see in them, kept by content."""

import logging

import numpy as np
import pytest
import torch

from ganzoo.data.shapes import Shapes
from ganzoo.errors import GanzooError
from ganzoo.evaluation.splits import Split, look
from ganzoo.metrics.backbones import Backbone, Seen


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


class Network(Backbone):
    """Sees two means, and counts the pictures that it looks at."""

    looked = 0

    def __call__(self, images, maps=False):
        type(self).looked += len(images)
        return super().__call__(images, maps)


def network(checksum="one", logits=True):
    """One with a count of its own."""

    def see(pixels, maps):
        vector = pixels.mean((2, 3))[:, :2]
        return Seen(vector, 2 * vector if logits else None)

    counting = type("Counting", (Network,), {})
    return counting("means", 0, checksum, see, torch.device("cpu"))


@pytest.fixture
def split():
    return Split.packed("test", Shapes(test_count=6).examples("test", None, 16), 16)


def test_pictures_are_looked_at_once(split):
    seeing = network()
    first, again = split.seen_by(seeing), split.seen_by(seeing)
    assert seeing.looked == 6
    assert np.array_equal(first.vector, again.vector) and np.array_equal(first.logits, again.logits)
    assert np.allclose(first.vector, split.images.mean((2, 3))[:, :2]) and first.vector.dtype == np.float64


def test_what_was_seen_is_kept_by_content_and_not_by_name(split):
    split.seen_by(network())
    other_name = network()
    Split("train", split.examples, split.images.copy()).seen_by(other_name)
    assert other_name.looked == 0
    other_weights, other_pictures = network("two"), network()
    split.seen_by(other_weights)
    Split("test", split.examples, 255 - split.images).seen_by(other_pictures)
    assert other_weights.looked == other_pictures.looked == 6


@pytest.mark.parametrize("damage", ["short", "other", "shape"])
def test_a_damaged_cache_is_made_again(split, cache, caplog, damage):
    first = split.seen_by(network())
    (file,) = cache.glob("features/*/vector.npy")
    if damage == "short":
        file.write_bytes(file.read_bytes()[:-7])
    elif damage == "other":
        file.write_bytes(b"nothing")
    else:
        np.save(file, np.zeros((5, 2), np.float32))
    seeing = network()
    with caplog.at_level(logging.WARNING, "ganzoo"):
        again = split.seen_by(seeing)
    assert seeing.looked == 6 and "looking at the pictures again" in caplog.text
    assert np.array_equal(first.vector, again.vector)
    split.seen_by(seeing)
    assert seeing.looked == 6  # mended


def test_a_network_without_classes_has_no_logits(split):
    assert split.seen_by(network(logits=False)).logits is None
    assert split.seen_by(network(logits=False)).logits is None  # from the cache


def test_looking_in_parts_is_looking_at_once(split, monkeypatch):
    whole = look(network(), torch.from_numpy(split.images), "")
    monkeypatch.setattr("ganzoo.evaluation.splits.AT_ONCE", 4)
    assert np.array_equal(look(network(), torch.from_numpy(split.images), "").vector, whole.vector)


def test_a_part_is_spread_evenly(split):
    part = split.evenly(3)
    assert part.examples.keys == tuple(split.examples.keys[i] for i in (0, 2, 5))
    assert np.array_equal(part.images, split.images[[0, 2, 5]]) and len(split.evenly(99)) == 6
    assert part.content != split.content == split.evenly(6).content


def test_an_empty_split_is_refused():
    none = Shapes(test_count=6).examples("test", None, 16)
    empty = type(none)((), (), none.image, "")
    with pytest.raises(GanzooError, match="the data has no test split"):
        Split.packed("test", empty, 16)
