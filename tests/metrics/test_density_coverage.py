import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganzoo.errors import GanzooError
from ganzoo.metrics.density_coverage import ceiling, statistics, value


def test_waves(waves):
    found = value(*(statistics(side) for side in waves))
    assert found == {
        "density": pytest.approx(0.905),
        "coverage": 1.0,
        "prdc_precision": 1.0,
        "prdc_recall": 1.0,
    }


def test_an_edge_does_not_count():
    reals = statistics(np.arange(6.0)[:, None])
    far = [[50.0 + i] for i in range(5)]
    on, within = statistics([[-5.0], *far]), statistics([[-4.99], *far])
    assert value(reals, on)["coverage"] == 0
    assert value(reals, within)["coverage"] == pytest.approx(1 / 6)
    assert value(reals, within)["density"] == pytest.approx(1 / 6 / 5)


@given(st.integers(7, 40), st.integers(1, 6), st.integers(0, 99))
def test_of_a_set_with_itself(n, d, seed):
    balls = statistics(np.random.default_rng(seed).normal(size=(n, d)))
    found = value(balls, balls)
    assert found["coverage"] == found["prdc_precision"] == found["prdc_recall"] == 1
    assert found["density"] == pytest.approx(1)  # its own k - 1 nearer neighbours and itself


def test_half_the_modes_are_half_the_coverage():
    generator = np.random.default_rng(0)
    modes = 100 * np.eye(4)
    reals = np.concatenate([mode + generator.normal(size=(50, 4)) for mode in modes])
    fakes = np.concatenate([mode + generator.normal(size=(200, 4)) for mode in modes[:2]])
    assert value(statistics(reals), statistics(fakes))["coverage"] == pytest.approx(0.5, abs=0.01)


def test_ceiling():
    assert ceiling(10_000, 10_000) == pytest.approx(1 - 2**-5, abs=1e-4)
    assert ceiling(2, 1, 1) == pytest.approx(0.5)  # x has one real and one drawn other, as near as each other


@pytest.mark.parametrize(("n", "m", "k"), [(60, 60, 5), (40, 80, 3)])
def test_a_model_without_fault_is_at_the_ceiling(n, m, k):
    """Over sixty samples, within four errors of their mean."""
    generator = np.random.default_rng(0)
    found = np.array(
        [
            value(*(statistics(generator.normal(size=(size, 6)), k) for size in (n, m)))["coverage"]
            for _ in range(60)
        ]
    )
    assert abs(found.mean() - ceiling(n, m, k)) < 4 * found.std() / np.sqrt(60)


def test_a_ceiling_of_nothing():
    with pytest.raises(GanzooError, match=r"k = 5 of 5 real .* k in 1\.\.4"):
        ceiling(5, 9)
