"""Frechet distance of two sets of features, each taken for a Gaussian; FID where they are Inception's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from ganzoo.errors import GanzooError
from ganzoo.metrics.features import Features, Floats, rows, same_width
from ganzoo.metrics.moments import Moments, moments


@dataclass(frozen=True, eq=False)
class Gaussian:
    """`mean` [d] and `covariance` [d, d] (over n - 1) of n features.

    `thin` [n, d]: the centred features over sqrt(n - 1), where n <= d. They are a root of the covariance,
    then, smaller and more exact than one that is computed from it.
    """

    mean: Floats
    covariance: Floats
    thin: Floats | None = None

    @cached_property
    def root(self) -> Floats:
        """R [k, d] with R^T R = covariance; kept, for comparisons with many others."""
        return self.thin if self.thin is not None else _root(self.covariance)


def _root(covariance: Floats) -> Floats:
    """Cholesky's where there is one, a sixth of the work; that of eigenvalues where the rank is short."""
    try:
        return np.asarray(np.linalg.cholesky(covariance).T)
    except np.linalg.LinAlgError:
        values, vectors = np.linalg.eigh(covariance)
        return np.asarray((vectors * np.sqrt(values.clip(0))).T)


def statistics(features: Features) -> Gaussian:
    """Mean and covariance of features [n, d], in float64.

    Raises GanzooError for fewer than two, and for what is not finite.
    """
    x = rows(features, "a Frechet distance").cpu().numpy()
    gaussian = of_moments(moments(x))
    if len(x) > x.shape[1]:
        return gaussian
    return Gaussian(gaussian.mean, gaussian.covariance, (x - gaussian.mean) / np.sqrt(len(x) - 1))


def of_moments(found: Moments) -> Gaussian:
    """The Gaussian of features whose moments were added up. Raises GanzooError for fewer than two."""
    if found.count < 2:
        raise GanzooError(f"a covariance wants two features at least; there is {found.count}")
    return Gaussian(found.mean, found.scatter / (found.count - 1))


def value(one: Gaussian, other: Gaussian) -> float:
    """|m1 - m2|^2 + tr(C1) + tr(C2) - 2 tr((C1 C2)^(1/2)); 0 = the same Gaussian.

    With C1 = R^T R the trace of the root is the sum of the roots of the eigenvalues of R C2 R^T: symmetric,
    so real, also where there are fewer features than dimensions. With C2 = S^T S it is the sum of the
    singular values of R S^T, the faster way where there are few features on both sides. The root of `one`
    is kept: let it be the side that is compared with many.

    Grows as 1 / n for the same two distributions: compare only distances of as many features. Raises
    GanzooError for features of other dimensions.

    Source: Heusel et al. 2017, arXiv:1706.08500, equation 6; Dowson & Landau 1982.
    """
    same_width(len(one.mean), len(other.mean), "a Frechet distance")
    apart = np.square(one.mean - other.mean).sum()
    own = np.trace(one.covariance) + np.trace(other.covariance)
    return float(apart + own - 2 * _shared(one, other))


def _shared(one: Gaussian, other: Gaussian) -> float:
    """tr((C1 C2)^(1/2))."""
    if one.thin is not None and other.thin is not None:
        return float(np.linalg.svd(one.thin @ other.thin.T, compute_uv=False).sum())
    if other.thin is not None:
        one, other = other, one
    return roots_of_eigenvalues(one.root @ other.covariance @ one.root.T)


def roots_of_eigenvalues(mixed: Floats) -> float:
    """Sum of the roots of the eigenvalues of a symmetric matrix; those that rounding made negative are 0."""
    return float(np.sqrt(np.linalg.eigvalsh((mixed + mixed.T) / 2).clip(0)).sum())
