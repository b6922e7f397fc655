"""Improved precision and recall: which share of drawn pictures lies among real ones, and the reverse."""

from __future__ import annotations

from ganzoo.metrics.features import Features
from ganzoo.metrics.neighbours import Balls, balls, members

NEIGHBOUR = 3


def statistics(features: Features, k: int = NEIGHBOUR) -> Balls:
    """A ball around each of features [n, d] that reaches to its k-th nearest neighbour; kept of real ones.

    Raises GanzooError for no more features than k.
    """
    return balls(features, k, "precision and recall")


def value(reals: Balls, fakes: Balls) -> dict[str, float]:
    """`precision` and `recall`, both in 0..1.

    precision = share of drawn y with |x - y| <= r(x) for some real x; recall = share of real x with
    |x - y| <= r(y) for some drawn y. Edges count. Two samples of one distribution have about 0.7 to
    0.8, less with more dimensions. A few far outliers raise the recall of a collapsed model, but not its
    coverage.

    Source: Kynkaanniemi et al. 2019, arXiv:1904.06991, equations 1 and 2.
    """
    found = members(reals, fakes, edge=True, who="precision and recall")
    return {
        "precision": float((found.held_other > 0).double().mean()),
        "recall": float((found.held_one > 0).double().mean()),
    }
