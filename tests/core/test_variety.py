"""Metrics of variety."""

import numpy as np
import pytest
import torch

from ganzoo.core import variety
from ganzoo.core.variety import DifferentBins, Diversity, Memorisation
from ganzoo.metrics.samples import FeatureSet, Samples

NOTHING = torch.zeros(4, 3, 1, 1)


def with_features(**features):
    return Samples(NOTHING, NOTHING, ("a",) * 4, features={n: FeatureSet(x) for n, x in features.items()})


def test_diversity_is_the_mean_over_captions(monkeypatch):
    draws = torch.Generator().manual_seed(0)
    copies = torch.randn(5, 3, 3, 4, 4, generator=draws)
    copies[0] = copies[0, :1]  # one caption whose pictures are all the same
    samples = Samples(NOTHING, NOTHING, (), copies=copies, maps=lambda x: [x, x.mean((2, 3), keepdim=True)])
    ratio = Diversity().ratios(samples)["diversity"]
    assert ratio.numerator[0] == 0 < ratio.numerator[1:].min() and len(ratio.numerator) == 5
    assert Diversity()(samples) == {"diversity": pytest.approx(ratio.numerator.mean())}
    monkeypatch.setattr(variety, "AT_ONCE", 2)
    assert Diversity()(samples) == {"diversity": pytest.approx(ratio.numerator.mean())}


def test_bins_of_the_training_set():
    draws = np.random.default_rng(0)
    train = np.concatenate([draws.normal(c, 0.1, (100, 2)) for c in (0, 10)])
    same = DifferentBins(bins=2)(with_features(train=train, fakes=train))
    collapsed = DifferentBins(bins=2)(with_features(train=train, fakes=train[:100]))
    assert same == {"ndb": 0, "jsd": pytest.approx(0)}
    assert collapsed["ndb"] == 1 and collapsed["jsd"] == pytest.approx(0.2157615543, rel=1e-6)


def test_copies_lie_far_below_zero_and_others_around_it():
    draws = np.random.default_rng(0)
    train, held_out, honest = (draws.normal(size=(80, 8)) for _ in range(3))
    copied = Memorisation()(with_features(train=train, reals=held_out, fakes=train + 0.01))
    fair = Memorisation()(with_features(train=train, reals=held_out, fakes=honest))
    assert copied["c_t"] < -8 and abs(fair["c_t"]) < 3
    assert copied["nearest"] == pytest.approx(0.01 * np.sqrt(8)) and fair["nearest"] > 1
