"""Frechet distance of two sets of features, each taken for a Gaussian; FID where they are Inception's."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.linalg import eigh, eigvalsh
from scipy.linalg.lapack import dsygst

from ganzoo.errors import GanzooError
from ganzoo.metrics.features import Features, Floats, rows, same_width
from ganzoo.metrics.moments import Moments, moments


@dataclass(frozen=True, eq=False)
class Gaussian:
    """`mean` [d] and `covariance` [d, d] (over n - 1) of n features.

    `thin` [n - 1, d]: what `contrasts` gives, where n <= d: a root of the covariance that is smaller and more
    exact than one computed from it.
    """

    mean: Floats
    covariance: Floats
    thin: Floats | None = None

    @cached_property
    def triangle(self) -> Floats | None:
        """Cholesky's L with L L^T = covariance, kept; None where the covariance has no full rank."""
        try:
            return np.asfortranarray(np.linalg.cholesky(self.covariance))
        except np.linalg.LinAlgError:
            return None

    @cached_property
    def root(self) -> Floats:
        """R [k, d] with R^T R = covariance; kept, for comparisons with many others."""
        if self.thin is not None:
            return self.thin
        if self.triangle is not None:
            return self.triangle.T
        values, vectors = eigh(self.covariance, driver="evd")
        return np.asarray((vectors * np.sqrt(values.clip(0))).T)


def statistics(features: Features) -> Gaussian:
    """Mean and covariance of features [n, d], in float64.

    Raises GanzooError for fewer than two, and for what is not finite.
    """
    x = rows(features, "a Frechet distance").cpu().numpy()
    gaussian = of_moments(moments(x))
    if len(x) > x.shape[1]:
        return gaussian
    return Gaussian(gaussian.mean, gaussian.covariance, contrasts(x - gaussian.mean))


def contrasts(centred: Floats) -> Floats:
    """Rows R [n - 1, d] with R^T R = covariance, of features [n, d] less their mean.

    All n rows over sqrt(n - 1) would do, but they add up to zero, and the root of that eigenvalue's rounding
    costs eight digits. A reflection turns (1, ..., 1) into the first axis; its row is zero, and left out.
    """
    n = len(centred)
    return np.asarray((centred[1:] - centred[0] / (np.sqrt(n) + 1)) / np.sqrt(n - 1))


def of_moments(found: Moments) -> Gaussian:
    """The Gaussian of features whose moments were added up. Raises GanzooError for fewer than two."""
    if found.count < 2:
        raise GanzooError(f"a covariance wants two features at least; there is {found.count}")
    return Gaussian(found.mean, found.scatter / (found.count - 1))


def value(one: Gaussian, other: Gaussian) -> float:
    """|m1 - m2|^2 + tr(C1) + tr(C2) - 2 tr((C1 C2)^(1/2)); 0 = the same Gaussian.

    With C1 = R^T R the trace of the root is the sum of the roots of the eigenvalues of R C2 R^T: symmetric,
    so real, and as small as the side with fewer features. Singular values of R S^T, with C2 = S^T S, are the
    same and keep more digits where features are degenerate, but take three times as long. The root of `one`
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
    if other.thin is not None and (one.thin is None or len(other.thin) < len(one.thin)):
        one, other = other, one
    if other.thin is not None:
        mixed = one.root @ other.thin.T
        return roots_of_eigenvalues(mixed @ mixed.T)
    if one.thin is None and one.triangle is not None:  # L^T C L for a quarter of what two products take
        mixed, _ = dsygst(other.covariance.T, one.triangle, itype=2, lower=1)
        return roots_of_eigenvalues(mixed)
    return roots_of_eigenvalues(one.root @ other.covariance @ one.root.T)


def roots_of_eigenvalues(mixed: Floats) -> float:
    """Sum of the roots of the eigenvalues of a symmetric matrix, of which the lower triangle is read.

    Eigenvalues that rounding made negative are 0.
    """
    return float(np.sqrt(eigvalsh(mixed, driver="evd", check_finite=False).clip(0)).sum())
