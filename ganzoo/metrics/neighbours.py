"""Distances to nearest neighbours in sets of features, and which balls around features hold which others.

Squared distances by products, |x|^2 + |y|^2 - 2 x . y, are fast but lose the digits of near neighbours: equal
rows come out apart. So products only choose; what is returned, and every comparison that is closer than
products can be off, is by differences. No matrix [n, n] is ever whole in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ganzoo.errors import GanzooError
from ganzoo.metrics.features import Features, pair, products, rows, same_width, tiles

SPARE = 4  # candidates beyond the k that are nearest by products
IN_CACHE = 256  # parts that are so much smaller, half a megabyte, stay in the processor's cache


@dataclass(frozen=True, eq=False)
class Balls:
    """A ball around each of `features` [n, d], just as wide as the way to its k-th nearest other feature.

    `reach` [n]: the squares of that distance.
    """

    features: Float[Tensor, "n d"]
    reach: Float[Tensor, " n"]
    k: int


@dataclass(frozen=True, eq=False)
class Members:
    """Of n and m features with their balls, how many balls or features of the other side.

    `held_one` [n]: balls of the other side that hold a feature of the one. `held_other` [m]: balls of the one
    side that hold a feature of the other. `holds` [n]: features of the other side in a ball of the one.
    """

    held_one: Int64[Tensor, " n"]
    held_other: Int64[Tensor, " m"]
    holds: Int64[Tensor, " n"]


def balls(features: Features, k: int, who: str) -> Balls:
    """Balls around features [n, d]. A feature is no neighbour of its own, but one equal to it is.

    `who` begins messages. Raises GanzooError for no more features than k, and as `rows` does.
    """
    x = rows(features, who)
    if not 1 <= k < len(x):
        raise GanzooError(
            f"{who} wants the neighbour k = {k} of each of {len(x)} features; expected k in 1..{len(x) - 1}"
        )
    reach = []
    for part, squares, doubt in _tiles(x, x):
        squares[:, part].fill_diagonal_(torch.inf)
        reach.append(_lowest(k, x[part], x, squares, doubt)[0][:, k - 1])
    return Balls(x, torch.cat(reach), k)


def nearest(features: Features, among: Features, who: str) -> tuple[Int64[Tensor, n], Float[Tensor, n]]:
    """The nearest of `among` [m, d] to each of `features` [n, d]: its row and its distance.

    Equal rows are exactly 0 apart. Of several as near, one is named.
    """
    x, y = pair(features, among, who)
    found = [_lowest(1, x[part], y, squares, doubt) for part, squares, doubt in _tiles(x, y)]
    return torch.cat([row[:, 0] for _, row in found]), torch.cat([exact[:, 0] for exact, _ in found]).sqrt()


def members(one: Balls, other: Balls, *, edge: bool, who: str) -> Members:
    """Who is in whose ball. `edge`: whether a feature just at the edge of a ball is in it."""
    same_width(one.features.shape[1], other.features.shape[1], who)
    x, y = one.features, other.features
    held_other = torch.zeros(len(y), dtype=torch.int64, device=y.device)
    held_one, holds = [], []
    for part, squares, doubt in _tiles(x, y):
        in_one = _within(squares, one.reach[part, None], x[part], y, doubt, edge)
        in_other = _within(squares, other.reach[None], x[part], y, doubt, edge)
        held_other += in_one.sum(0)
        holds.append(in_one.sum(1))
        held_one.append(in_other.sum(1))
    return Members(torch.cat(held_one), held_other, torch.cat(holds))


def _tiles(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]) -> Iterator[tuple[slice, Tensor, float]]:
    """Rows of x, their squared distances [t, m] from y by products, and how far these may be off at most.

    About the middle of y, which costs no digit but saves those that a mean far from zero takes. The bound:
    Higham 2002, section 3.1, for three products and their sum.
    """
    middle = y.mean(0)
    x, y = (x - middle, y - middle) if x is not y else (y - middle,) * 2  # numpy halves products with itself
    long, lengths = x.square().sum(1), y.square().sum(1)
    doubt = float(2 * (x.shape[1] + 3) * torch.finfo(x.dtype).eps * (long.max() + lengths.max()))
    for part in tiles(len(x), len(y)):
        squares = products(x[part], y).mul_(-2).add_(long[part, None]).add_(lengths)
        yield part, squares, doubt


def _lowest(k: int, x: Tensor, y: Tensor, squares: Tensor, doubt: float) -> tuple[Tensor, Tensor]:
    """The k lowest squared distances [t, k] of x from y, in order, and the rows of y they belong to."""
    rough, near = squares.topk(min(k + SPARE, len(y)), dim=1, largest=False)
    exact = _apart(x, y, near).masked_fill(rough.isinf(), torch.inf)
    exact, order = exact.sort(1)
    near = near.gather(1, order)
    missed = (rough[:, -1] - doubt < exact[:, k - 1]) & (exact[:, k - 1] > 0)
    if near.shape[1] < len(y):
        for i in missed.nonzero()[:, 0]:
            every = (x[i] - y).square().sum(1).masked_fill(squares[i].isinf(), torch.inf)
            exact[i], near[i] = every.topk(near.shape[1], largest=False)
    return exact[:, :k], near[:, :k]


def _apart(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], near: Int64[Tensor, "n k"]) -> Tensor:
    """Squared distances [n, k] of x from rows `near` of y, by differences."""
    parts = tiles(len(x), IN_CACHE * near.shape[1] * x.shape[1])
    return torch.cat([y[near[part]].sub_(x[part, None]).square_().sum(2) for part in parts])


def _within(
    squares: Tensor, reach: Tensor, x: Tensor, y: Tensor, doubt: float, edge: bool
) -> Bool[Tensor, "t m"]:
    """Whether distances are below their reach, [t, 1] or [1, m]; pairs in doubt are looked at again."""
    found = squares < reach - doubt
    close = ((squares <= reach + doubt) & ~found).nonzero()
    for part in tiles(len(close), x.shape[1]):
        i, j = close[part].unbind(1)
        exact = (x[i] - y[j]).square().sum(1)
        limit = reach.expand_as(squares)[i, j]
        found[i, j] = exact <= limit if edge else exact < limit
    return found
