"""The Frechet distance in closed form, and by way of the square root of a matrix that others take."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.linalg import sqrtm
from scipy.stats import ortho_group

from ganzoo.errors import GanzooError
from ganzoo.metrics.frechet import Gaussian, of_moments, statistics, value
from ganzoo.metrics.moments import moments


def features(n, d, seed):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(n, d)) @ generator.normal(size=(d, d)) + generator.normal(size=d)


def by_sqrtm(one, other):
    root = sqrtm(one.covariance @ other.covariance).real
    apart = np.square(one.mean - other.mean).sum()
    return apart + np.trace(one.covariance + other.covariance - 2 * root)


def centred(*matrices):
    return [Gaussian(np.zeros(len(matrix)), np.array(matrix, float)) for matrix in matrices]


def test_against_the_square_root_of_the_product():
    one, other = statistics(features(400, 24, 0)), statistics(features(300, 24, 1))
    assert value(one, other) == pytest.approx(by_sqrtm(one, other), rel=1e-6)
    assert value(one, other) == pytest.approx(value(other, one), rel=1e-9)


@pytest.mark.parametrize(("n", "m"), [(12, 9), (12, 200), (200, 9), (40, 41), (41, 42)])
def test_fewer_features_than_dimensions(n, m):
    """C1 C2 has the eigenvalues of the small matrix A B^T B A^T, where Ci = Ai^T Ai."""
    x, y = features(n, 40, 0), features(m, 40, 1)
    a, b = (((z - z.mean(0)) / np.sqrt(len(z) - 1)) for z in (x, y))
    roots = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    one, other = statistics(x), statistics(y)
    expected = (
        np.square(one.mean - other.mean).sum() + np.trace(one.covariance + other.covariance) - 2 * roots
    )
    assert value(one, other) == pytest.approx(expected, rel=1e-9)
    assert value(other, one) == pytest.approx(expected, rel=1e-9)
    of_covariances = [Gaussian(side.mean, side.covariance) for side in (one, other)]
    assert value(*of_covariances) == pytest.approx(expected, rel=1e-6)


def test_waves(waves):
    x, y = waves
    assert value(statistics(x), statistics(y)) == pytest.approx(0.63318912351771, abs=1e-12)
    assert value(statistics(x[:10]), statistics(y[:12])) == pytest.approx(18.525435908817, rel=1e-9)


def test_closed_forms():
    wide, narrow = Gaussian(np.zeros(3), 4 * np.eye(3)), Gaussian(np.ones(3), np.eye(3))
    assert value(wide, narrow) == pytest.approx(3 + 3 * (2 - 1) ** 2)
    assert value(wide, wide) == pytest.approx(0, abs=1e-9)
    five = Gaussian(np.zeros(5), np.eye(5)), Gaussian(np.ones(5), 4 * np.eye(5))
    assert value(*five) == pytest.approx(10, abs=1e-12)


def test_covariances_that_commute():
    one, other = centred(np.diag(np.arange(1.0, 9)), np.diag(np.arange(8.0, 0, -1) ** 2))
    assert value(one, other) == pytest.approx(114.591058665502, rel=1e-13)


def test_covariances_that_do_not_commute():
    """Of 2 x 2: tr (A B)^(1/2) = sqrt(tr AB + 2 sqrt(det A det B))."""
    one, other = centred([[2, 1], [1, 2]], [[3, -1], [-1, 1]])
    assert value(one, other) == pytest.approx(1.3972795044568622, rel=1e-13)


def test_covariances_of_rank_one():
    """|v|^2 + |w|^2 - 2 |v . w| of vv^T and ww^T."""
    v, w = np.array([1.0, 2, 3]), np.array([3.0, -1, 2])
    assert value(*centred(np.outer(v, v), np.outer(w, w))) == pytest.approx(14, rel=1e-7)


def test_a_covariance_of_nothing():
    assert value(*centred(np.zeros((3, 3)), np.eye(3))) == pytest.approx(3, rel=1e-12)


shapes = given(st.integers(2, 40), st.integers(2, 40), st.integers(1, 12), st.integers(0, 99))


@shapes
def test_the_same_features_in_another_order_are_the_same(n, m, d, seed):
    x = features(n, d, seed)
    shuffled = np.random.default_rng(seed).permutation(x)
    size = np.trace(statistics(x).covariance)
    assert value(statistics(x), statistics(shuffled)) == pytest.approx(0, abs=1e-6 * size + 1e-12)


@shapes
def test_turning_and_moving_both_changes_nothing(n, m, d, seed):
    x, y = features(n, d, seed), features(m, d, seed + 100)
    turn = ortho_group.rvs(d, random_state=seed) if d > 1 else -np.eye(1)
    before = value(statistics(x), statistics(y))
    scale = np.trace(statistics(x).covariance) + np.trace(statistics(y).covariance)
    after = value(statistics(x @ turn + 3), statistics(y @ turn + 3))
    assert after == pytest.approx(before, abs=1e-6 * scale)
    assert before >= -1e-6 * scale
    assert value(statistics(y), statistics(x)) == pytest.approx(before, abs=1e-6 * scale)


@shapes
def test_twice_as_large_is_four_times_as_far(n, m, d, seed):
    x, y = features(n, d, seed), features(m, d, seed + 100)
    before = value(statistics(x), statistics(y))
    assert value(statistics(2 * x), statistics(2 * y)) == pytest.approx(4 * before, rel=1e-5, abs=1e-6)


def test_of_four_processes_as_of_one():
    x, y = features(100, 8, 0), features(90, 8, 1)
    one, two, three, four = (moments(part) for part in np.array_split(x, 4))
    reference = statistics(y)
    assert value(reference, of_moments((one + two) + (three + four))) == pytest.approx(
        value(reference, statistics(x)), rel=1e-12
    )


def test_covariance_is_over_one_less():
    found = statistics(np.array([[0.0], [2.0]]))
    assert found.mean == [1.0] and found.covariance == [[2.0]]


def test_one_feature_is_too_few():
    with pytest.raises(GanzooError, match="two features at least; there is 1"):
        statistics(np.zeros((1, 4)))


def test_other_dimensions():
    with pytest.raises(GanzooError, match="of 3 and of 2 dimensions"):
        value(*centred(np.eye(3), np.eye(2)))
