import numpy as np
import pytest

from ganzoo.errors import GanzooError
from ganzoo.metrics import frechet
from ganzoo.metrics.frechet_infinite import Curve, statistics, value

D = 16
TRUTH = D * 0.5**2


def sample(n, seed):
    """N(0, I): sqrt(1.5^2) - 1 = 0.5 in each dimension away from the reference."""
    return np.random.default_rng(seed).normal(size=(n, D))


REFERENCE = frechet.Gaussian(np.zeros(D), 1.5**2 * np.eye(D))


@pytest.mark.parametrize("sizes", [None, [5, 12, 16, 17, 40, 90]])
def test_each_distance_is_that_of_its_subset(sizes):
    """The shortcut through the reference's root, beside `frechet` on the same rows."""
    x = sample(90, 0) + 2
    curve = statistics(x, REFERENCE, sizes, seed=3)
    order = np.random.default_rng(3).permutation(90)
    expected = [
        frechet.value(REFERENCE, frechet.statistics(x[order[:size]])) for size in curve.sizes.tolist()
    ]
    assert np.allclose(curve.distances, expected, rtol=1e-9)
    assert curve.sizes[-1] == 90


def test_a_reference_of_few_features():
    few = frechet.statistics(sample(9, 1))
    x = sample(60, 0)
    curve = statistics(x, few)
    assert curve.distances[-1] == pytest.approx(frechet.value(few, frechet.statistics(x)), rel=1e-9)


def test_a_line_is_found_exactly():
    sizes = np.array([100, 200, 300, 400, 500])
    limit = value(Curve(sizes, 3 + 70 / sizes))
    assert (limit.infinite, limit.slope) == pytest.approx((3, 70)) and limit.error < 1e-6


def test_it_is_nearer_to_the_truth_than_the_distance_itself():
    """Over twenty samples: the distance of 400 is off by its bias, the limit by its noise alone."""
    limits, distances = [], []
    for seed in range(20):
        curve = statistics(sample(400, seed), REFERENCE, seed=seed)
        limits.append(value(curve).infinite)
        distances.append(curve.distances[-1])
    bias = np.mean(distances) - TRUTH
    assert bias > 4 * np.std(distances) / np.sqrt(20)
    assert abs(np.mean(limits) - TRUTH) < min(bias, 3 * np.std(limits) / np.sqrt(20))


def test_seeds():
    x = sample(50, 0)
    first, again, other = (statistics(x, REFERENCE, seed=seed).distances for seed in (0, 0, 1))
    assert (first == again).all() and (first[:-1] != other[:-1]).all()


@pytest.mark.parametrize("sizes", [[10, 20, 30, 40], [10] * 9, [1, 10, 20, 30, 40], [10, 20, 30, 40, 51]])
def test_sizes(sizes):
    with pytest.raises(GanzooError, match="expected five different sizes or more, from 2 to 50"):
        statistics(sample(50, 0), REFERENCE, sizes)
