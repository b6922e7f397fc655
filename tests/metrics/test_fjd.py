import numpy as np
import pytest

from ganzoo.errors import GanzooError
from ganzoo.metrics import frechet
from ganzoo.metrics.fjd import scale, statistics, value


def drawn(seed, mixed=False):
    """Pictures that show their conditions, or those of other rows: FID cannot tell which."""
    generator = np.random.default_rng(seed)
    conditions = generator.normal(size=(2000, 3))
    pictures = conditions @ np.array([[2.0, 0, 0, 0], [0, 2, 0, 0], [0, 0, 2, 1]])
    pictures = pictures + 0.1 * generator.normal(size=(2000, 4)) + 1
    return pictures, np.roll(conditions, 1, 0) if mixed else conditions


def test_it_sees_whether_conditions_are_shown():
    alpha = scale(*drawn(0))
    reference, good, bad = (
        statistics(*drawn(seed, mixed), alpha) for seed, mixed in ((0, 0), (1, 0), (1, 1))
    )
    assert value(reference, good) < 0.2 < 2 < value(reference, bad)
    blind = [statistics(*drawn(seed, mixed), 0) for seed, mixed in ((0, 0), (1, 1))]
    fid = frechet.value(*(frechet.statistics(drawn(seed)[0]) for seed in (0, 1)))
    assert value(*blind) == pytest.approx(fid, abs=1e-6) and fid < 0.2


def test_closed_form():
    """Of one dimension each, correlated by r and by -r: 2 (2 - sqrt(1 + sqrt(...))) by the 2 x 2 form."""
    generator = np.random.default_rng(0)
    z = generator.normal(size=(500, 2))
    z = (z - z.mean(0)) @ np.linalg.inv(np.linalg.cholesky(np.cov(z, rowvar=False))).T
    r, alpha = 0.6, 2.0
    shown = r * z[:, :1] + np.sqrt(1 - r**2) * z[:, 1:]
    against = -r * z[:, :1] + np.sqrt(1 - r**2) * z[:, 1:]
    one, other = (
        np.array([[1, alpha * r], [alpha * r, alpha**2]]),
        np.array([[1, -alpha * r], [-alpha * r, 4]]),
    )
    root = np.sqrt(np.trace(one @ other) + 2 * np.sqrt(np.linalg.det(one) * np.linalg.det(other)))
    sides = [statistics(pictures, z[:, :1], alpha) for pictures in (shown, against)]
    assert value(*sides) == pytest.approx(10 - 2 * root, rel=1e-9)


def test_scale_makes_both_as_long():
    assert scale([[3.0, 4], [0, 1]], [[0.0, 2], [2, 0]]) == 1.5


def test_conditions_without_length():
    with pytest.raises(GanzooError, match="all 0"):
        scale(np.ones((2, 2)), np.zeros((2, 2)))


def test_not_as_many():
    with pytest.raises(GanzooError, match="2 pictures and 3 conditions"):
        statistics(np.ones((2, 4)), np.ones((3, 4)), 1.0)
