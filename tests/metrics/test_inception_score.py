import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganzoo.errors import GanzooError
from ganzoo.metrics.inception_score import statistics, value


def test_waves(waves):
    mean, deviation = value(statistics(3 * waves[0]))
    assert mean == pytest.approx(2.2337432745290, abs=1e-12)
    assert deviation == pytest.approx(0.0890815767585, abs=1e-12)
    assert value(statistics(3 * waves[0], 1)) == (pytest.approx(2.2429735364407, abs=1e-12), 0)


def test_against_a_loop():
    logits = np.random.default_rng(0).normal(size=(7, 3))
    found = statistics(logits, 2)
    for score, part in zip(found, (logits[:3], logits[3:]), strict=True):
        p = np.exp(part) / np.exp(part).sum(1, keepdims=True)
        q = p.mean(0)
        divergences = [sum(a * np.log(a / b) for a, b in zip(row, q, strict=True)) for row in p]
        assert score == pytest.approx(np.exp(np.mean(divergences)), rel=1e-12)


def test_sure_and_even_is_as_many_as_classes():
    logits = np.tile(1e4 * np.eye(5), (4, 1))
    assert value(statistics(logits, 2)) == (pytest.approx(5), pytest.approx(0, abs=1e-12))


def test_always_the_same_answer_is_one():
    assert value(statistics(np.tile([1.0, 5.0, 2.0], (20, 1)))) == pytest.approx((1, 0), abs=1e-12)


@given(st.integers(2, 30), st.integers(1, 6), st.integers(0, 99))
def test_it_lies_between_one_and_the_classes_whatever_is_added(n, classes, seed):
    generator = np.random.default_rng(seed)
    logits = 5 * generator.normal(size=(n, classes))
    found = statistics(logits, 2)
    assert (found >= 1 - 1e-12).all() and (found <= classes + 1e-9).all()
    assert np.allclose(found, statistics(logits + 1e3 * generator.normal(size=(n, 1)), 2), rtol=1e-9)


def test_more_splits_than_rows():
    with pytest.raises(GanzooError, match="10 splits of 9 logits; expected 1 to 9"):
        statistics(np.zeros((9, 3)))
