"""Number of statistically different bins (NDB), and the Jensen-Shannon divergence of the same bins (JSD).

Training features fall into k-means bins. Drawn ones fall into the bin with the nearest centre; a bin is
different where its share of them is another than its share of the training set, by a two-sided z-test. Few
different bins, and a small divergence, mean that the modes of the training set are all there, as often.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.vq import kmeans2
from scipy.special import xlogy
from scipy.stats import norm

from ganzoo.errors import GanzooError

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MOST_DIMENSIONS = 1000  # above, bins are made of a random sixth of the dimensions, as the reference does
TINY = 1e-6  # added to standard deviations


@dataclass(frozen=True, eq=False)
class Bins:
    """k bins of n training features, largest first.

    `centres` [k, d]: means of their members. `counts` [k]. `used`: the dimensions in which the nearest centre
    is sought. `mean`, `scale` [d]: features are whitened by these first.
    """

    centres: Floats
    counts: Ints
    used: Ints
    mean: Floats
    scale: Floats

    def assign(self, features: Floats) -> Ints:
        """The bin of each of m features [m, d], by Euclidean distance."""
        white = ((np.asarray(features, np.float64) - self.mean) / self.scale)[:, self.used]
        centres = self.centres[:, self.used]
        distance = (centres**2).sum(1) - 2 * white @ centres.T  # but for |white|^2, the same for every bin
        return np.asarray(distance.argmin(1), np.int64)


@dataclass(frozen=True, eq=False)
class Comparison:
    """m features beside the bins: `shares` [k], `z` [k] scores, `different` [k] bool."""

    shares: Floats
    z: Floats
    different: NDArray[np.bool_]
    jsd: float

    @property
    def ndb(self) -> int:
        """How many bins are different."""
        return int(self.different.sum())


def bins_of(features: Floats, labels: Ints, *, used: Ints | None = None, whiten: bool = False) -> Bins:
    """Bins of features [n, d] from a clustering's `labels` [n] (0, 1, ...; empty clusters are left out)."""
    x = np.asarray(features, np.float64)
    width = x.shape[1]
    mean = x.mean(0) if whiten else np.zeros(width)
    scale = x.std(0) + TINY if whiten else np.ones(width)
    white = (x - mean) / scale
    names, member, counts = np.unique(labels, return_inverse=True, return_counts=True)
    sums = np.zeros((len(names), width))
    np.add.at(sums, member, white)
    order = np.argsort(-counts, kind="stable")
    centres = (sums / counts[:, None])[order]
    every = np.arange(width) if used is None else np.asarray(used, np.int64)
    return Bins(centres, counts[order].astype(np.int64), every, mean, scale)


def statistics(features: Floats, bins: int = 100, *, whiten: bool = False, seed: int = 0) -> Bins:
    """k-means bins of training features [n, d].

    Raises GanzooError for fewer features than bins.
    """
    x = np.asarray(features, np.float64)
    if len(x) < bins:
        raise GanzooError(f"NDB wants {bins} bins of {len(x)} training features; name {len(x)} bins or fewer")
    generator = np.random.default_rng(seed)
    width = x.shape[1]
    used = np.arange(width)
    if width > MOST_DIMENSIONS:
        used = np.sort(generator.choice(width, width // 6, replace=False))
    seen = (x - x.mean(0)) / (x.std(0) + TINY) if whiten else x
    _, labels = kmeans2(seen[:, used], bins, iter=100, minit="++", seed=generator, missing="warn")
    return bins_of(x, labels, used=used, whiten=whiten)


def value(bins: Bins, features: Floats, significance: float = 0.05) -> Comparison:
    """How features [m, d] fall into the bins of the training set.

    z = (p - q) / sqrt(s (1 - s) (1 / n + 1 / m)) with p, q a bin's shares of n training and m other features
    and s its share of both together; a bin is different where the two-sided probability of |z| is below
    `significance`. JSD = KL(p | (p + q) / 2) / 2 + KL(q | (p + q) / 2) / 2, in nats, 0..log 2.

    Source: Richardson & Weiss 2018, arXiv:1805.12462, section 2; Mao et al. 2019, section 4.1.
    """
    n, m = int(bins.counts.sum()), len(features)
    counts = np.bincount(bins.assign(features), minlength=len(bins.counts))
    p, q, pooled = bins.counts / n, counts / m, (bins.counts + counts) / (n + m)
    spread = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / m))
    z = np.divide(p - q, spread, out=np.zeros(len(p)), where=spread > 0)
    middle = (p + q) / 2
    jsd = 0.5 * float((xlogy(p, p) - xlogy(p, middle)).sum() + (xlogy(q, q) - xlogy(q, middle)).sum())
    return Comparison(q, z, 2 * norm.sf(np.abs(z)) < significance, jsd)
