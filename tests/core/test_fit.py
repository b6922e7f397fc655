"""Metrics of how pictures fit captions."""

import pytest
import torch

from ganzoo.core.fit import ClipRPrecision, ClipScore
from ganzoo.flow import ImageFeatures, TextFeatures
from ganzoo.metrics.samples import Samples


def samples(pictures, captions):
    nothing = torch.zeros(len(pictures), 3, 1, 1)
    names = tuple(f"caption {n}" for n in range(len(pictures)))
    text, seen = TextFeatures(captions), ImageFeatures(pictures, None)
    return Samples(nothing, nothing, names, text=text, image_features=seen)


def test_scores_of_known_angles():
    eye = torch.eye(3)
    found = ClipScore()(samples(eye, torch.stack([eye[0], -eye[1], eye[2] + eye[1]])))
    cosines = [1, -1, 0.5**0.5]
    assert found["clip_cosine"] == pytest.approx(sum(cosines) / 3)
    assert found["clip_score"] == pytest.approx(2.5 * (1 + 0.5**0.5) / 3)
    assert found["clip_cosine/mismatched"] < found["clip_cosine"]


def test_ratios_are_the_numbers():
    draws = torch.Generator().manual_seed(0)
    given = samples(torch.randn(30, 8, generator=draws), torch.randn(30, 8, generator=draws))
    for metric in (ClipScore(), ClipRPrecision(rivals=4)):
        numbers, ratios = metric(given), metric.ratios(given)
        assert metric.decides in ratios
        assert {n: r.value for n, r in ratios.items()} == pytest.approx({n: numbers[n] for n in ratios})


def test_own_captions_among_rivals():
    eye = torch.eye(6)
    found = ClipRPrecision(rivals=2)(samples(eye, eye))
    assert found == {"clip_r_precision": 1.0, "clip_r_precision/chance": pytest.approx(1 / 3)}
    assert ClipRPrecision(rivals=2)(samples(eye, eye.roll(1, 0)))["clip_r_precision"] < 0.7


def test_the_encoders_take_the_options():
    text, image = ClipScore(options={"model": "random"}).encoders()
    assert text == {"use": "clip/text", "model": "random"}
    assert image == {"use": "clip/image", "model": "random"}
