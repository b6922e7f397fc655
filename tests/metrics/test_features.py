import numpy as np
import pytest
import torch

from ganzoo.errors import GanzooError
from ganzoo.metrics import features
from ganzoo.metrics.features import pair, rows, tiles


@pytest.mark.parametrize("given", [np.ones((2, 3), np.float16), np.ones((2, 3), int), torch.ones(2, 3)])
def test_rows_are_doubles(given):
    assert rows(given, "x").dtype == torch.float64 and rows(given, "x").tolist() == [[1.0] * 3] * 2


def test_rows_are_free_of_the_graph():
    assert not rows(torch.ones(2, 3, requires_grad=True), "x").requires_grad


@pytest.mark.parametrize("shape", [(3,), (2, 3, 4), (0, 3), (2, 0)])
def test_other_shapes(shape):
    with pytest.raises(GanzooError, match=r"KID was given features \[.*\]; expected \[n, d\]"):
        rows(np.zeros(shape), "KID")


def test_what_is_not_finite():
    given = np.zeros((4, 2))
    given[[1, 3]] = np.nan, np.inf
    with pytest.raises(GanzooError, match=r"2 of 4 rows .* the first of them row 1"):
        rows(given, "KID")


def test_other_widths():
    with pytest.raises(GanzooError, match="of 3 and of 4 dimensions"):
        pair(np.zeros((2, 3)), np.zeros((2, 4)), "KID")


@pytest.mark.parametrize(("n", "m"), [(1, 1), (7, 3), (5, 100)])
def test_tiles_are_all_rows_once(n, m, monkeypatch):
    monkeypatch.setattr(features, "AT_ONCE", 9)
    parts = tiles(n, m)
    assert [i for part in parts for i in range(part.start, part.stop)] == list(range(n))
    assert all((part.stop - part.start) * m <= max(9, m) for part in parts)
