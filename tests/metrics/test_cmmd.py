import numpy as np
import pytest

from ganzoo.errors import GanzooError
from ganzoo.metrics import features
from ganzoo.metrics.cmmd import statistics, value


def unit(x):
    return x / np.linalg.norm(x, axis=1, keepdims=True)


def test_waves(waves):
    one, other = (statistics(side) for side in waves)
    assert value(one, other) == pytest.approx(0.00102587986, abs=1e-11)
    assert value(one, other, unbiased=True) == pytest.approx(-0.0670789891826991, abs=1e-12)
    assert value(other, one) == pytest.approx(value(one, other), abs=1e-12)


def test_against_a_loop():
    """The sum of kernels itself, to the digits that the 1 in them leaves."""
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(5, 7)), generator.normal(size=(4, 7)) + 1

    def mean(one, other):
        return np.mean([np.exp(-np.square(a - b).sum() / 200) for a in unit(one) for b in unit(other)])

    expected = 1000 * (mean(x, x) + mean(y, y) - 2 * mean(x, y))
    assert value(statistics(x), statistics(y)) == pytest.approx(expected, rel=1e-9)


def test_it_is_almost_a_distance_of_means():
    """9.9 |E x - E y|^2 + 0.05 |E xx^T - E yy^T|^2, up to the third order."""
    generator = np.random.default_rng(0)
    x, y = unit(generator.normal(size=(50, 8)) + 0.5), unit(generator.normal(size=(60, 8)))
    means = np.square(x.mean(0) - y.mean(0)).sum()
    seconds = np.square(x.T @ x / 50 - y.T @ y / 60).sum()
    assert value(statistics(x), statistics(y)) == pytest.approx(9.9 * means + 0.05 * seconds, rel=1e-4)


def test_length_and_order_count_for_nothing(waves):
    x, y = waves
    long = np.random.default_rng(0).permutation(x) * np.linspace(1, 9, len(x))[:, None]
    one, other = statistics(x), statistics(long)
    assert value(one, other) == pytest.approx(0, abs=1e-12)
    assert value(other, statistics(y)) == pytest.approx(value(one, statistics(y)), abs=1e-12)


def test_the_unbiased_form_is_unbiased_and_the_other_is_not():
    generator = np.random.default_rng(0)
    pairs = [[statistics(generator.normal(size=(6, 4))) for _ in range(2)] for _ in range(500)]
    fair, biased = (
        np.array([value(*both, unbiased=unbiased) for both in pairs]) for unbiased in (True, False)
    )
    assert abs(fair.mean()) < 4 * fair.std() / np.sqrt(500) and biased.min() > 0


def test_tiles_change_nothing(waves, monkeypatch):
    whole = value(*(statistics(side) for side in waves))
    monkeypatch.setattr(features, "AT_ONCE", 1000)
    assert value(*(statistics(side) for side in waves)) == pytest.approx(whole, abs=1e-12)


def test_no_direction():
    with pytest.raises(GanzooError, match="1 of 2 embeddings of length 0"):
        statistics([[0.0, 0.0], [1.0, 0.0]])


def test_one_is_too_few():
    one = statistics(np.eye(2)[:1])
    assert value(one, one) == 0
    with pytest.raises(GanzooError, match="two embeddings a side at least; there are 1 and 1"):
        value(one, one, unbiased=True)
