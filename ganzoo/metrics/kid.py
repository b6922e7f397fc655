"""Kernel distance of two sets of features (KID, where the features are Inception's)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ganzoo.errors import GanzooError

Floats = NDArray[np.float64]


def value(one: Floats, other: Floats) -> float:
    """The unbiased squared maximum mean discrepancy of features [n, d] and [m, d], over the whole samples.

    Kernel k(x, y) = (x . y / d + 1)^3. Around 0 for two samples of one distribution; below it, too.
    Raises GanzooError for fewer than two features on a side.

    Source: Binkowski et al. 2018, arXiv:1801.01401, section 4; Gretton et al. 2012, equation 3.
    """
    x, y = np.asarray(one, np.float64), np.asarray(other, np.float64)
    n, m = len(x), len(y)
    if min(n, m) < 2:
        raise GanzooError(f"a kernel distance wants two features a side at least; there are {n} and {m}")
    within = [(k.sum() - np.trace(k)) / (len(k) * (len(k) - 1)) for k in (_kernel(x, x), _kernel(y, y))]
    return float(sum(within) - 2 * _kernel(x, y).mean())


def _kernel(x: Floats, y: Floats) -> Floats:
    return np.asarray((x @ y.T / x.shape[1] + 1) ** 3)
