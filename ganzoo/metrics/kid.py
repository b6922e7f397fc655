"""Kernel distance of two sets of features (KID, where the features are Inception's)."""

from __future__ import annotations

from torch import Tensor

from ganzoo.errors import GanzooError
from ganzoo.metrics.features import Features, pair, products, tiles


def value(one: Features, other: Features) -> float:
    """The unbiased squared maximum mean discrepancy of features [n, d] and [m, d], over the whole samples.

    Kernel k(x, y) = (x . y / d + 1)^3. Around 0 for two samples of one distribution; below it, too. Other
    libraries give the mean over random subsets of it, and their spread, which is no error of the mean.
    Raises GanzooError for fewer than two features on a side.

    Source: Binkowski et al. 2018, arXiv:1801.01401, section 4; Gretton et al. 2012, equation 3.
    """
    x, y = pair(one, other, "a kernel distance")
    n, m = len(x), len(y)
    if min(n, m) < 2:
        raise GanzooError(f"a kernel distance wants two features a side at least; there are {n} and {m}")
    within = [
        (_sum(z, z) - float(_kernel(z.square().sum(1), z.shape[1]).sum())) / (len(z) * (len(z) - 1))
        for z in (x, y)
    ]
    return sum(within) - 2 * _sum(x, y) / (n * m)


def _sum(x: Tensor, y: Tensor) -> float:
    """Of the kernel over all pairs, a tile at a time."""
    return sum(float(_kernel(products(x[part], y), x.shape[1]).sum()) for part in tiles(len(x), len(y)))


def _kernel(products: Tensor, d: int) -> Tensor:
    return (products / d + 1) ** 3
