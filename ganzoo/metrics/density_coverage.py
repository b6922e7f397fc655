"""Density and coverage: precision and recall that a few outliers do not move."""

from __future__ import annotations

from math import prod

from ganzoo.errors import GanzooError
from ganzoo.metrics.features import Features
from ganzoo.metrics.neighbours import Balls, balls, members

NEIGHBOUR = 5


def statistics(features: Features, k: int = NEIGHBOUR) -> Balls:
    """A ball around each of features [n, d] that reaches to its k-th nearest neighbour; kept of real ones.

    Raises GanzooError for no more features than k.
    """
    return balls(features, k, "density and coverage")


def value(reals: Balls, fakes: Balls) -> dict[str, float]:
    """`density` from 0 up, around 1 for one distribution, and `coverage` in 0..1; see `ceiling`.

    density = mean over drawn y of how many real x have |x - y| < r(x), over k; coverage = share of real x
    with |x - y| < r(x) for some drawn y. Also, in 0..1, `prdc_precision` and `prdc_recall` of the same
    balls: as those of `precision_recall`, but edges do not count.

    Source: Naeem et al. 2020, arXiv:2002.09797, section 3.
    """
    found = members(reals, fakes, edge=False, who="density and coverage")
    return {
        "density": float(found.held_other.double().mean()) / reals.k,
        "coverage": float((found.holds > 0).double().mean()),
        "prdc_precision": float((found.held_other > 0).double().mean()),
        "prdc_recall": float((found.held_one > 0).double().mean()),
    }


def ceiling(reals: int, fakes: int, k: int = NEIGHBOUR) -> float:
    """The coverage to be expected where drawn features have the same distribution as real ones.

    A real x is left uncovered where its k nearest of all n - 1 + m others are real ones:
    1 - product over i < k of (n - 1 - i) / (n + m - 1 - i). About 1 - 2^-k where n = m. Raises GanzooError
    where there are not k others.

    Source: Naeem et al. 2020, arXiv:2002.09797, section 3.
    """
    if not 1 <= k < reals or fakes < 1:
        raise GanzooError(
            f"the ceiling of coverage was asked for k = {k} of {reals} real and {fakes} drawn features; "
            f"expected one drawn feature or more and k in 1..{reals - 1}"
        )
    return 1 - prod((reals - 1 - i) / (reals + fakes - 1 - i) for i in range(k))
