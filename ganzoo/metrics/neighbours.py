"""Distances to nearest neighbours in sets of features, and which balls around features hold which others.

Squared distances by products, |x|^2 + |y|^2 - 2 x . y, are fast but lose the digits of near neighbours: equal
rows come out apart. So products only choose; what is returned, and every comparison closer than the
rounding of products, is by differences. No matrix [n, n] is ever whole in memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

from ganzoo.errors import GanzooError
from ganzoo.metrics.features import AT_ONCE, Features, pair, rows, same_width, tiles

SPARE = 4  # candidates beyond the k nearest by products


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
    for part in tiles(len(x), len(x)):
        squares = _squares(x[part], x)
        squares[:, part].fill_diagonal_(torch.inf)
        near = squares.topk(min(k + SPARE, len(x) - 1), dim=1, largest=False).indices
        reach.append(_apart(x[part], x, near).sort(1).values[:, k - 1])
    return Balls(x, torch.cat(reach), k)


def nearest(features: Features, among: Features, who: str) -> tuple[Int64[Tensor, n], Float[Tensor, n]]:
    """The nearest of `among` [m, d] to each of `features` [n, d]: its row and its distance.

    Equal rows are exactly 0 apart; of rows as near as each other it is the first that counts.
    """
    x, y = pair(features, among, who)
    index, distance = [], []
    for part in tiles(len(x), len(y)):
        near = _squares(x[part], y).topk(min(1 + SPARE, len(y)), dim=1, largest=False).indices
        near = near.sort(1).values
        square, chosen = _apart(x[part], y, near).min(1)
        index.append(near.gather(1, chosen[:, None])[:, 0])
        distance.append(square.sqrt())
    return torch.cat(index), torch.cat(distance)


def members(one: Balls, other: Balls, *, edge: bool, who: str) -> Members:
    """Who is in whose ball. `edge`: whether a feature just at the edge of a ball is in it."""
    same_width(one.features.shape[1], other.features.shape[1], who)
    x, y = one.features, other.features
    held_other = torch.zeros(len(y), dtype=torch.int64, device=y.device)
    held_one, holds = [], []
    for part, squares in _tiles_of_squares(x, y):
        in_one = _within(squares, one.reach[part, None], x[part], y, edge)
        in_other = _within(squares, other.reach[None], x[part], y, edge)
        held_other += in_one.sum(0)
        holds.append(in_one.sum(1))
        held_one.append(in_other.sum(1))
    return Members(torch.cat(held_one), held_other, torch.cat(holds))


def _tiles_of_squares(x: Tensor, y: Tensor) -> Iterator[tuple[slice, Tensor]]:
    for part in tiles(len(x), len(y)):
        yield part, _squares(x[part], y)


def _squares(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"]) -> Float[Tensor, "n m"]:
    """Squared distances, within `_rounding` of them."""
    return torch.addmm(x.square().sum(1)[:, None] + y.square().sum(1), x, y.mT, alpha=-2)


def _rounding(x: Tensor, y: Tensor) -> float:
    """How far `_squares` may be off at most: 2 d eps (|x|^2 + |y|^2), Higham 2002, section 3.1."""
    largest = x.square().sum(1).max() + y.square().sum(1).max()
    return float(2 * x.shape[1] * torch.finfo(x.dtype).eps * largest)


def _within(squares: Tensor, reach: Tensor, x: Tensor, y: Tensor, edge: bool) -> Bool[Tensor, "n m"]:
    doubt = _rounding(x, y)
    found = squares < reach - doubt
    close = ((squares <= reach + doubt) & ~found).nonzero()
    for start in range(0, len(close), max(1, AT_ONCE // x.shape[1])):
        i, j = close[start : start + max(1, AT_ONCE // x.shape[1])].unbind(1)
        exact = (x[i] - y[j]).square().sum(1)
        limit = reach.expand_as(squares)[i, j]
        found[i, j] = exact <= limit if edge else exact < limit
    return found


def _apart(x: Float[Tensor, "n d"], y: Float[Tensor, "m d"], near: Int64[Tensor, "n k"]) -> Tensor:
    """Squared distances [n, k] of x from rows `near` of y, by differences."""
    step = max(1, AT_ONCE // (near.shape[1] * x.shape[1]))
    parts = [
        (x[start : start + step, None] - y[near[start : start + step]]).square().sum(2)
        for start in range(0, len(x), step)
    ]
    return torch.cat(parts)
