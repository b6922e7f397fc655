"""Ratios of sums, and their bootstrap."""

import numpy as np
import pytest

from ganzoo.metrics import ratios
from ganzoo.metrics.ratios import Ratio


def test_a_mean_leaves_out_what_is_not_a_number():
    assert Ratio.mean(np.array([1.0, np.nan, 4.0])).value == 2.5


def test_a_ratio_is_of_sums_and_not_the_mean_of_ratios():
    assert Ratio(np.array([1.0, 9.0]), np.array([10.0, 10.0])).value == 0.5
    assert Ratio(np.array([1.0, 0.0]), np.array([1.0, 3.0])).value == 0.25


def test_the_error_of_a_mean_is_its_standard_error():
    x = np.random.default_rng(1).normal(size=400)
    assert Ratio.mean(x).error() == pytest.approx(x.std() / 20, rel=0.1)


def test_the_error_does_not_depend_on_the_parts(monkeypatch):
    x = Ratio.mean(np.arange(50.0))
    whole = x.error(resamples=30)
    assert x.error(resamples=30) == whole != x.error(seed=1, resamples=30)
    monkeypatch.setattr(ratios, "AT_ONCE", 350)
    assert x.error(resamples=30) == pytest.approx(whole, rel=1e-12)


def test_no_spread_has_no_error():
    assert Ratio.mean(np.ones(5)).error() == 0
