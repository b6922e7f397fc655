"""Tiled neighbours against the whole matrix of differences, where rounding by products would show too."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from ganzoo.errors import GanzooError
from ganzoo.metrics import features
from ganzoo.metrics.neighbours import balls, members, nearest


def squares(x, y):
    return np.square(x[:, None] - y[None]).sum(2)


def points(n, d, seed, far=0.0):
    """Of a coarse grid, so that many are equal and many as far apart as others."""
    return np.random.default_rng(seed).integers(0, 3, size=(n, d)) + far


cases = given(
    st.integers(2, 25), st.integers(2, 25), st.integers(1, 4), st.integers(0, 99), st.sampled_from([0.0, 1e4])
)


@cases
def test_reach(n, m, d, seed, far):
    x = points(n, d, seed, far)
    k = 1 + seed % (n - 1)
    apart = squares(x, x)
    np.fill_diagonal(apart, np.inf)
    assert balls(x, k, "x").reach.tolist() == np.sort(apart, 1)[:, k - 1].tolist()


@cases
def test_members(n, m, d, seed, far):
    x, y = points(n, d, seed, far), points(m, d, seed + 100, far)
    one, other = balls(x, 1, "x"), balls(y, 1, "x")
    apart = squares(x, y)
    for edge in (False, True):
        compare = np.less_equal if edge else np.less
        in_one, in_other = compare(apart, one.reach.numpy()[:, None]), compare(apart, other.reach.numpy())
        found = members(one, other, edge=edge, who="x")
        assert found.held_other.tolist() == in_one.sum(0).tolist()
        assert found.holds.tolist() == in_one.sum(1).tolist()
        assert found.held_one.tolist() == in_other.sum(1).tolist()


@cases
def test_nearest(n, m, d, seed, far):
    x, y = points(n, d, seed, far), points(m, d, seed + 100, far)
    index, distance = nearest(x, y, "x")
    assert distance.tolist() == np.sqrt(squares(x, y).min(1)).tolist()
    assert squares(x, y)[np.arange(n), index.numpy()].tolist() == squares(x, y).min(1).tolist()


def test_equal_rows_are_not_apart_as_by_products():
    """What torch.cdist takes for nearest neighbours of float32 rows is not 0 for copies."""
    x = torch.randn(300, 64, generator=torch.Generator().manual_seed(0)) + 20
    assert torch.cdist(x, x).diagonal().max() > 1e-3
    index, distance = nearest(x, x, "x")
    assert index.tolist() == list(range(300)) and distance.tolist() == [0.0] * 300


def test_an_outlier_takes_no_digits_from_the_others():
    """By products all the near ones come out as far as each other, in no order."""
    x = np.append(np.random.default_rng(0).permutation(40) * 1e-3, 1e9)[:, None]
    apart = squares(x, x)
    np.fill_diagonal(apart, np.inf)
    assert balls(x, 2, "x").reach.tolist() == np.sort(apart, 1)[:, 1].tolist()
    index, distance = nearest(x[:40] + 1e-4, x, "x")
    assert index.tolist() == list(range(40)) and np.allclose(distance, 1e-4, rtol=1e-9)


def test_tiles_change_nothing(monkeypatch):
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(40, 8)), generator.normal(size=(30, 8))

    def found():
        one, other = balls(x, 3, "x"), balls(y, 3, "x")
        both = members(one, other, edge=True, who="x")
        index, distance = nearest(x, y, "x")
        return [
            values.tolist()
            for values in (one.reach, both.held_one, both.held_other, both.holds, index, distance)
        ]

    whole = found()
    monkeypatch.setattr(features, "AT_ONCE", 70)
    assert found() == whole


@pytest.mark.parametrize("k", [0, 4])
def test_too_few_for_their_neighbours(k):
    with pytest.raises(GanzooError, match=rf"PRDC wants the neighbour k = {k} of each of 4 features"):
        balls(np.eye(4), k, "PRDC")
