"""Count, mean and scatter of features, which add up over batches and over processes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ganzoo.metrics.features import Features, Floats, rows


@dataclass(frozen=True, eq=False)
class Moments:
    """`count` n, `mean` [d] and `scatter` [d, d] = sum of (x - mean)(x - mean)^T of n features.

    The moments of two sets add up to those of both together: Chan, Golub & LeVeque 1983. About
    the sets' own means, so that no digits are lost to a mean far from zero.
    """

    count: int
    mean: Floats
    scatter: Floats

    def __add__(self, other: Moments) -> Moments:
        count = self.count + other.count
        apart = other.mean - self.mean
        between = np.outer(apart, apart) * (self.count * other.count / count)
        mean = self.mean + apart * (other.count / count)
        return Moments(count, mean, self.scatter + other.scatter + between)


def moments(features: Features, who: str = "a sum of moments") -> Moments:
    """The moments of features [n, d]. Raises GanzooError as `rows` does."""
    x = rows(features, who).cpu().numpy()
    mean = x.mean(0)
    centred = x - mean
    return Moments(len(x), mean, centred.T @ centred)
