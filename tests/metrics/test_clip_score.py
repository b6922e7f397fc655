import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganzoo.errors import GanzooError
from ganzoo.metrics.clip_score import mismatched, statistics, value


def test_waves(waves):
    assert value(statistics(*waves)) == {
        "clip_cosine": pytest.approx(0.322991437429, abs=1e-12),
        "clip_score": pytest.approx(0.844911382184, abs=1e-12),
        "clip_score_percent": pytest.approx(32.2991437429, abs=1e-10),
    }


def test_below_zero():
    """Hessel cuts every cosine, torchmetrics the mean."""
    cosines = statistics([[1.0, 0], [1, 0]], [[2.0, 0], [-3, 0]])
    assert cosines.tolist() == [1, -1]
    assert value(cosines) == {"clip_cosine": 0, "clip_score": 1.25, "clip_score_percent": 0}
    assert value(cosines[1:])["clip_score_percent"] == 0


@given(st.integers(2, 20), st.integers(1, 5), st.integers(0, 99))
def test_mismatched_pairs(n, d, seed):
    generator = np.random.default_rng(seed)
    x, y = generator.normal(size=(n, d)), generator.normal(size=(n, d))
    turned = [statistics(x, np.roll(y, by, 0)) for by in range(1, n)]
    assert mismatched(x, y) == pytest.approx(float(sum(one.mean() for one in turned)) / (n - 1), abs=1e-12)


def test_not_as_many():
    with pytest.raises(GanzooError, match="2 pictures and 3 captions"):
        statistics(np.ones((2, 4)), np.ones((3, 4)))
