"""CMMD: the Gaussian kernel's distance of two sets of CLIP's picture embeddings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from jaxtyping import Float
from torch import Tensor

from ganzoo.errors import GanzooError
from ganzoo.metrics.features import Features, products, rows, same_width, tiles

SIGMA = 10.0
SCALE = 1000.0


@dataclass(frozen=True, eq=False)
class Directions:
    """Embeddings scaled to unit length, `unit` [n, d]."""

    unit: Float[Tensor, "n d"]

    @cached_property
    def within(self) -> float:
        """Sum of k(x, x') - 1 over all pairs; kept, for comparisons with many others."""
        return _less(self.unit, self.unit)


def statistics(embeddings: Features) -> Directions:
    """Embeddings [n, d] scaled to unit length. Raises GanzooError for a row of zeros."""
    given = rows(embeddings, "CMMD")
    length = given.norm(dim=1, keepdim=True)
    if not length.all():
        raise GanzooError(
            f"CMMD was given {int((length == 0).sum())} of {len(given)} embeddings of length 0; "
            "expected a direction in every row"
        )
    return Directions(given / length)


def value(one: Directions, other: Directions, *, unbiased: bool = False) -> float:
    """1000 (mean k(x, x') + mean k(y, y') - 2 mean k(x, y)), with k(x, y) = exp(-|x - y|^2 / (2 * 10^2)).

    As in the authors' code the means take in each row with itself, so two samples of one distribution are
    about 7 / n apart. `unbiased` leaves those pairs out: around 0 then, and below it, too. It raises
    GanzooError for fewer than two rows a side.

    All kernels lie in 0.98..1, so k - 1 is summed, of which rounding takes nothing. Of unit vectors it is, up
    to the third order, 9.9 |E x - E y|^2 + 0.05 |E xx^T - E yy^T|^2: above all a distance of means, which
    says little of how varied pictures are.

    Source: Jayasumana et al. 2024, arXiv:2401.09603, section 4 (unbiased); the authors' code (biased).
    """
    same_width(one.unit.shape[1], other.unit.shape[1], "CMMD")
    n, m = len(one.unit), len(other.unit)
    if unbiased and min(n, m) < 2:
        raise GanzooError(f"an unbiased CMMD wants two embeddings a side at least; there are {n} and {m}")
    less = int(unbiased)
    within = one.within / (n * (n - less)) + other.within / (m * (m - less))
    return SCALE * (within - 2 * _less(one.unit, other.unit) / (n * m))


def _less(x: Tensor, y: Tensor) -> float:
    """Sum of k - 1 over all pairs; |x - y|^2 = 2 - 2 x . y."""
    parts = (((products(x[part], y) - 1) / SIGMA**2).expm1().sum() for part in tiles(len(x), len(y)))
    return sum(float(part) for part in parts)
