"""Numbers that are ratios of sums over samples, such as means and shares; their spread by the bootstrap."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RESAMPLES = 1000
AT_ONCE = 2**22  # draws in memory


@dataclass(frozen=True, eq=False)
class Ratio:
    """sum(numerator) / sum(denominator), both [n]. A mean has a denominator of ones."""

    numerator: Floats
    denominator: Floats

    @classmethod
    def mean(cls, values: Floats) -> Ratio:
        """The mean of `values` [n]; those that are NaN do not count."""
        there = ~np.isnan(values)
        return cls(np.where(there, values, 0.0), there.astype(np.float64))

    @property
    def value(self) -> float:
        """The ratio."""
        return float(self.numerator.sum() / self.denominator.sum())

    def error(self, seed: int = 0, resamples: int = RESAMPLES) -> float:
        """Its standard error: the deviation of the ratio over so many sets of n rows, drawn with replacement.

        Source: Efron 1979, section 2.
        """
        n = len(self.numerator)
        draws = np.random.default_rng(seed)
        sums = []
        for start in range(0, resamples, max(1, AT_ONCE // n)):
            rows = draws.integers(0, n, (min(resamples - start, max(1, AT_ONCE // n)), n))
            sums.append((self.numerator[rows].sum(1), self.denominator[rows].sum(1)))
        above, below = (np.concatenate(side) for side in zip(*sums, strict=True))
        found = above[below > 0] / below[below > 0]
        return float(found.std(ddof=1))
