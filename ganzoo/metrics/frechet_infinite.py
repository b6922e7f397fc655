"""The Frechet distance that infinitely many drawn pictures would have: FID-infinity.

A distance of n features lies above that of their distribution by about b / n, with another b for every model;
a line through the distances of growing subsets over 1 / n meets 1 / n = 0 at the distance without it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import linregress

from ganzoo.errors import GanzooError
from ganzoo.metrics.features import Features, Floats, rows, same_width
from ganzoo.metrics.frechet import Gaussian, contrasts, roots_of_eigenvalues
from ganzoo.metrics.moments import moments

SIZES, SHARE = 15, 5  # subsets; the smallest is this share of all: 1 / SHARE


@dataclass(frozen=True, eq=False)
class Curve:
    """`distances` [s] of subsets of `sizes` [s] features from the reference."""

    sizes: NDArray[np.int64]
    distances: Floats


@dataclass(frozen=True)
class Limit:
    """distance(n) = `infinite` + `slope` / n. `error`: the standard error of `infinite` in the line's fit."""

    infinite: float
    slope: float
    error: float


def statistics(
    features: Features, reference: Gaussian, sizes: Sequence[int] | None = None, seed: int = 0
) -> Curve:
    """Distances of random subsets of features [n, d] from the reference.

    `sizes`: by default 15, evenly from n / 5 to n. The distance falls as 1 / size only for more features than
    the covariance has directions, so let the smallest be above d. `seed` orders the features; each subset
    begins with the one before it, so all scatters are summed in a single pass, and a subset costs no more
    than its eigenvalues. (Subsets drawn apart would lower the limit's spread by a tenth.) The features pass
    through the reference's root R once: R C R^T is the covariance of R x.

    Raises GanzooError for fewer than five sizes, and for sizes that are not 2..n.
    """
    x = rows(features, "an extrapolated Frechet distance", least=2).cpu().numpy()
    same_width(x.shape[1], len(reference.mean), "an extrapolated Frechet distance")
    chosen = _sizes(len(x), sizes)
    x = np.random.default_rng(seed).permutation(x)
    turned = (x - reference.mean) @ reference.root.T  # [n, k]
    total = np.trace(reference.covariance)
    found, running = [], None
    for before, size in zip([0, *chosen[:-1]], chosen, strict=True):
        more = moments(turned[before:size])
        running = more if running is None else running + more
        part = x[:size]
        own = part.var(0, ddof=1).sum()
        apart = np.square(part.mean(0) - reference.mean).sum()
        if size <= turned.shape[1]:
            thin = contrasts(turned[:size] - running.mean)
            mixed = thin @ thin.T
        else:
            mixed = running.scatter / (size - 1)
        found.append(apart + own + total - 2 * roots_of_eigenvalues(mixed))
    return Curve(chosen, np.array(found))


def _sizes(n: int, given: Sequence[int] | None) -> NDArray[np.int64]:
    asked = np.linspace(n / SHARE, n, SIZES).astype(np.int64) if given is None else np.asarray(given)
    sizes = np.unique(asked)
    if len(sizes) < 5 or sizes[0] < 2 or sizes[-1] > n:
        raise GanzooError(
            f"an extrapolated Frechet distance was given {n} features and subsets of {sizes.tolist()}; "
            f"expected five different sizes or more, from 2 to {n}. Draw more samples or name sizes"
        )
    return sizes.astype(np.int64)


def value(curve: Curve) -> Limit:
    """The least-squares line of the distances over 1 / n, at 1 / n = 0.

    Only the drawn side is infinite; the reference's own number of features stays in the distance.

    Source: Chong & Forsyth 2020, arXiv:1911.07023.
    """
    line = linregress(1 / curve.sizes, curve.distances)
    return Limit(float(line.intercept), float(line.slope), float(line.intercept_stderr))
