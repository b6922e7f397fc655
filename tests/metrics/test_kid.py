import numpy as np
import pytest

from ganzoo.errors import GanzooError
from ganzoo.metrics import features
from ganzoo.metrics.kid import value


def test_against_a_loop():
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(5, 7)), generator.normal(size=(4, 7)) + 1

    def mean(one, other, skip):
        found = [
            (a @ b / 7 + 1) ** 3
            for i, a in enumerate(one)
            for j, b in enumerate(other)
            if not (skip and i == j)
        ]
        return sum(found) / len(found)

    assert value(x, y) == pytest.approx(
        mean(x, x, True) + mean(y, y, True) - 2 * mean(x, y, False), rel=1e-12
    )


def test_waves(waves):
    assert value(*waves) == pytest.approx(0.052958997161325, abs=1e-13)


def test_tiles_change_nothing(waves, monkeypatch):
    whole = value(*waves)
    monkeypatch.setattr(features, "AT_ONCE", 1000)
    assert value(*waves) == pytest.approx(whole, abs=1e-13)


def test_it_is_unbiased():
    """Over many small samples of one distribution the mean is 0 within its error; one alone may be below."""
    generator = np.random.default_rng(0)
    found = np.array(
        [value(generator.normal(size=(6, 4)), generator.normal(size=(6, 4))) for _ in range(2000)]
    )
    assert abs(found.mean()) < 4 * found.std() / np.sqrt(len(found)) and found.min() < 0


def test_one_feature_is_too_few():
    with pytest.raises(GanzooError, match="two features a side at least; there are 1 and 3"):
        value(np.zeros((1, 4)), np.zeros((3, 4)))
