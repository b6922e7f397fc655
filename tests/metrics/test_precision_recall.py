import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganzoo.errors import GanzooError
from ganzoo.metrics import density_coverage
from ganzoo.metrics.precision_recall import statistics, value


def test_waves(waves):
    found = value(*(statistics(side) for side in waves))
    assert found == {"precision": 0.95, "recall": 1.0}


def test_an_edge_counts():
    """A real ball of 0, 1, 2, 3 reaches 3 from 0 and from 3: -3 and 6 lie on edges, -3.01 outside."""
    reals = statistics(np.arange(4.0)[:, None])
    on = statistics(np.array([[-3.0], [6.0], [1e3], [2e3]]))
    off = statistics(np.array([[-3.01], [6.01], [1e3], [2e3]]))
    assert value(reals, on)["precision"] == 0.5 and value(reals, off)["precision"] == 0


@given(st.integers(5, 40), st.integers(1, 6), st.integers(0, 99))
def test_of_a_set_with_itself_both_are_one(n, d, seed):
    balls = statistics(np.random.default_rng(seed).normal(size=(n, d)))
    assert value(balls, balls) == {"precision": 1, "recall": 1}


@given(st.integers(5, 40), st.integers(5, 40), st.integers(0, 99))
def test_sides_exchanged(n, m, seed):
    generator = np.random.default_rng(seed)
    x, y = (statistics(generator.normal(size=(size, 3))) for size in (n, m))
    one, other = value(x, y), value(y, x)
    assert one["precision"] == other["recall"] and one["recall"] == other["precision"]


def test_outliers_raise_recall_but_not_coverage():
    """Six far outliers around a collapsed sample; why coverage is shown beside recall."""
    generator = np.random.default_rng(0)
    reals = generator.normal(size=(300, 8))
    collapsed = 0.05 * generator.normal(size=(294, 8)) + reals[0]
    outliers = np.concatenate([collapsed, 8 * generator.normal(size=(6, 8))])

    def both(fakes):
        recall = value(statistics(reals), statistics(fakes))["recall"]
        prdc = density_coverage.value(density_coverage.statistics(reals), density_coverage.statistics(fakes))
        return recall, prdc["coverage"]

    (before, covered), (after, still) = both(collapsed), both(outliers)
    assert before < 0.02 and after > 0.5 and still == pytest.approx(covered, abs=0.02)


def test_too_few():
    with pytest.raises(GanzooError, match="precision and recall wants the neighbour k = 3 of each of 3"):
        statistics(np.eye(3))
