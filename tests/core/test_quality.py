"""Metrics of quality are the functions in ganzoo/metrics, given what networks see."""

import numpy as np
import pytest
import torch

from ganzoo.core import quality
from ganzoo.errors import GanzooError
from ganzoo.flow import TextFeatures
from ganzoo.metrics import frechet
from ganzoo.metrics.samples import FeatureSet, Samples


@pytest.fixture
def samples():
    """The features without a random number of tests/metrics, real and drawn: [200, 16]."""
    i, j = np.arange(200)[:, None], np.arange(16)[None]
    x = np.sin(0.7 * i + 1.3 * j + 0.05 * i * j) + 0.5
    y = 1.2 * np.cos(0.9 * i + 0.4 * j + 0.03 * i * j) + 0.6
    nothing = torch.zeros(200, 3, 1, 1)
    features = {"reals": FeatureSet(x), "fakes": FeatureSet(y, 3 * x)}
    return Samples(nothing, nothing, ("caption",) * 200, features=features)


def test_distances_are_those_of_the_reference_numbers(samples):
    assert quality.FrechetDistance()(samples)["fd"] == pytest.approx(0.63318912351771, rel=1e-9)
    assert quality.KernelDistance()(samples)["kid"] == pytest.approx(0.052958997161325, rel=1e-9)
    assert quality.Cmmd()(samples)["cmmd"] == pytest.approx(0.00102587986, rel=1e-6)
    unbiased = quality.Cmmd(unbiased=True)(samples)["cmmd"]
    assert unbiased == pytest.approx(-0.0670789891827, rel=1e-9)


def test_balls_are_those_of_the_reference_numbers(samples):
    assert quality.PrecisionRecall()(samples) == pytest.approx({"precision": 0.95, "recall": 1.0})
    assert quality.DensityCoverage()(samples) == pytest.approx({"density": 0.905, "coverage": 1.0})
    wider = quality.PrecisionRecall(k=20)(samples)
    assert wider["precision"] > 0.95


def test_the_inception_score_reads_the_drawn_logits(samples):
    found = quality.InceptionScore()(samples)
    expected = {"inception_score": 2.2337432745290, "inception_score_deviation": 0.0890815767585}
    assert found == pytest.approx(expected, rel=1e-9)
    one = quality.InceptionScore(splits=1)(samples)
    assert one["inception_score"] == pytest.approx(2.2429735364407, rel=1e-9)


def test_an_inception_score_needs_classes(samples):
    samples.features["fakes"] = FeatureSet(samples.features["fakes"].vector)
    with pytest.raises(GanzooError, match="backbone clip/image names no classes; use efficientnet-lite0 or"):
        quality.InceptionScore(backbone="clip/image")(samples)


def test_the_distance_of_infinitely_many_is_smaller(samples):
    found = quality.FrechetInfinite()(samples)["fd_infinity"]
    assert found < quality.FrechetDistance()(samples)["fd"]


def test_the_roots_of_real_features_are_taken_once(samples, monkeypatch):
    calls = []
    taken = frechet.statistics
    monkeypatch.setattr(frechet, "statistics", lambda x: calls.append(len(x)) or taken(x))
    for metric in (quality.FrechetDistance(), quality.FrechetInfinite(), quality.FrechetDistance()):
        metric(samples)
    assert calls == [200, 200]


def test_other_captions_make_the_joint_distance_larger(samples):
    text = torch.randn(200, 6, generator=torch.Generator().manual_seed(0))
    same = samples.features["reals"]
    told = TextFeatures(text + 0.1 * torch.from_numpy(same.vector[:, :6]).float())

    def joint(asked):
        features = {"reals": FeatureSet(same.vector), "fakes": same}
        given = Samples(samples.fakes, samples.reals, samples.captions, features=features)
        object.__setattr__(given, "text", asked)
        object.__setattr__(given, "real_text", told)
        return quality.FrechetJoint()(given)["fjd"]

    assert joint(told) == pytest.approx(0, abs=1e-6) and joint(TextFeatures(told.sentence.roll(1, 0))) > 0.01


def test_directions():
    lower = {cls.decides for cls in vars(quality).values() if getattr(cls, "lower_is_better", False)}
    assert lower == {"fd", "fd_infinity", "kid", "cmmd", "fjd"}
