"""What metrics are given, and parts of it."""

import numpy as np
import torch

from ganzoo.flow import ImageFeatures, TextFeatures
from ganzoo.metrics.samples import FeatureSet, Samples


def features(n):
    return FeatureSet(np.arange(2.0 * n).reshape(n, 2), np.arange(3.0 * n).reshape(n, 3))


def test_what_is_derived_once_stays_with_its_features():
    calls = []
    held = features(3)
    assert held.once("sum", lambda f: calls.append(1) or f.vector.sum()) == 15
    assert held.once("sum", lambda f: calls.append(1)) == 15 and calls == [1]
    assert held.rows(np.array([0])).once("sum", lambda f: f.vector.sum()) == 1


def test_rows_take_all_that_belongs_to_the_drawn_pictures_and_nothing_else():
    n = 4
    whole = Samples(
        fakes=torch.arange(n * 3.0).reshape(n, 3, 1, 1),
        reals=torch.zeros(7, 3, 1, 1),
        captions=tuple("abcd"),
        class_id=torch.arange(n),
        text=TextFeatures(torch.arange(n * 2.0).reshape(n, 2)),
        image_features=ImageFeatures(torch.arange(n * 2.0).reshape(n, 2)),
        real_text=TextFeatures(torch.ones(7, 2)),
        features={"fakes": features(n), "reals": features(7), "train": features(9)},
    )
    part = whole.rows(np.array([2, 0, 2]))
    assert part.captions == ("c", "a", "c") and part.class_id.tolist() == [2, 0, 2]
    assert part.fakes[:, 0, 0, 0].tolist() == [6, 0, 6] and len(part.reals) == 7
    assert part.text.sentence.tolist() == part.image_features.vector.tolist() == [[4, 5], [0, 1], [4, 5]]
    assert part.features["fakes"].vector.tolist() == [[4, 5], [0, 1], [4, 5]]
    assert part.features["fakes"].logits[0].tolist() == [6, 7, 8]
    assert part.features["reals"] is whole.features["reals"] and part.real_text is whole.real_text


def test_what_is_not_there_stays_so():
    part = Samples(torch.zeros(2, 3, 1, 1), torch.zeros(2, 3, 1, 1), ("a", "b")).rows(np.array([1]))
    assert (part.class_id, part.text, part.image_features, part.features) == (None, None, None, {})
