"""The Frechet distance in closed form, and by way of the square root of a matrix that others take."""

import numpy as np
import pytest
from scipy.linalg import sqrtm

from ganzoo.errors import GanzooError
from ganzoo.metrics.frechet import Gaussian, statistics, value


def features(n, d, seed):
    generator = np.random.default_rng(seed)
    return generator.normal(size=(n, d)) @ generator.normal(size=(d, d)) + generator.normal(size=d)


def by_sqrtm(one, other):
    root = sqrtm(one.covariance @ other.covariance).real
    apart = np.square(one.mean - other.mean).sum()
    return apart + np.trace(one.covariance + other.covariance - 2 * root)


def test_against_the_square_root_of_the_product():
    one, other = statistics(features(400, 24, 0)), statistics(features(300, 24, 1))
    assert value(one, other) == pytest.approx(by_sqrtm(one, other), rel=1e-6)
    assert value(one, other) == pytest.approx(value(other, one), rel=1e-9)


def test_fewer_features_than_dimensions():
    """C1 C2 has the eigenvalues of the small matrix A B^T B A^T, where Ci = Ai^T Ai."""
    x, y = features(12, 40, 0), features(9, 40, 1)
    a, b = (((z - z.mean(0)) / np.sqrt(len(z) - 1)) for z in (x, y))
    roots = np.linalg.svd(a @ b.T, compute_uv=False).sum()
    one, other = statistics(x), statistics(y)
    expected = (
        np.square(one.mean - other.mean).sum() + np.trace(one.covariance + other.covariance) - 2 * roots
    )
    assert value(one, other) == pytest.approx(expected, rel=1e-6)


def test_closed_forms():
    wide, narrow = Gaussian(np.zeros(3), 4 * np.eye(3)), Gaussian(np.ones(3), np.eye(3))
    assert value(wide, narrow) == pytest.approx(3 + 3 * (2 - 1) ** 2)
    assert value(wide, wide) == pytest.approx(0, abs=1e-9)


def test_covariance_is_over_one_less():
    found = statistics(np.array([[0.0], [2.0]]))
    assert found.mean == [1.0] and found.covariance == [[2.0]]


def test_one_feature_is_too_few():
    with pytest.raises(GanzooError, match="two features at least; there is 1"):
        statistics(np.zeros((1, 4)))
