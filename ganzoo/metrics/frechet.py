"""Frechet distance of two sets of features, each taken for a Gaussian; FID where they are Inception's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, eigvalsh

from ganzoo.errors import GanzooError

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Gaussian:
    """`mean` [d] and `covariance` [d, d] (over n - 1) of n features."""

    mean: Floats
    covariance: Floats

    @cached_property
    def root(self) -> Floats:
        """The symmetric square root of the covariance, [d, d]; kept, for comparisons with many others."""
        values, vectors = eigh(self.covariance)
        return np.asarray((vectors * np.sqrt(values.clip(0))) @ vectors.T)


def statistics(features: Floats) -> Gaussian:
    """Mean and covariance of features [n, d], in float64. Raises GanzooError for fewer than two."""
    x = np.asarray(features, np.float64)
    if len(x) < 2:
        raise GanzooError(f"a covariance wants two features at least; there is {len(x)}")
    return Gaussian(x.mean(0), np.cov(x, rowvar=False).reshape(x.shape[1], x.shape[1]))


def value(one: Gaussian, other: Gaussian) -> float:
    """|m1 - m2|^2 + tr(C1) + tr(C2) - 2 tr((C1 C2)^(1/2)); 0 = the same Gaussian.

    The trace of the root is the sum of the roots of the eigenvalues of R C2 R, where R = C1^(1/2): symmetric,
    so exact also where there are fewer features than dimensions, and R is computed once.

    Source: Heusel et al. 2017, arXiv:1706.08500, equation 6; Dowson & Landau 1982.
    """
    mixed = one.root @ other.covariance @ one.root
    roots = np.sqrt(eigvalsh((mixed + mixed.T) / 2).clip(0)).sum()
    apart = np.square(one.mean - other.mean).sum()
    return float(apart + np.trace(one.covariance) + np.trace(other.covariance) - 2 * roots)
