"""How much the pictures of one caption differ: mean distance of their features, in pairs.

The papers take LPIPS for the distance, whose weights no package brings. Any features serve: a picture's
regions [l, c] at each layer are scaled to unit length over channels, as LPIPS does.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, eq=False)
class Diversity:
    """Per caption: `distances` [n], the mean over all pairs of its samples."""

    distances: Float[Tensor, n]

    @property
    def mean(self) -> float:
        """The mean over captions."""
        return float(self.distances.mean())


def distances(layers: list[Float[Tensor, "n k c h w"]]) -> Float[Tensor, "n p"]:
    """Of n captions' k samples: the distance of each of the p = k (k - 1) / 2 pairs, at least in float32.

    d(x, y) = sum over layers of the mean over pixels of |x / |x| - y / |y||^2, lengths taken over channels.

    Source: Zhang et al. 2018, arXiv:1801.03924, equation 1, with all weights one.
    """
    found = []
    for maps in layers:
        unit = F.normalize(maps.double() if maps.dtype == torch.float64 else maps.float(), dim=2, eps=1e-10)
        first, second = torch.triu_indices(unit.shape[1], unit.shape[1], offset=1, device=unit.device)
        found.append((unit[:, first] - unit[:, second]).square().sum(2).mean((-2, -1)))
    return torch.stack(found).sum(0)


def statistics(layers: list[Float[Tensor, "n k c h w"]]) -> Diversity:
    """The mean pairwise distance of each caption's samples."""
    return Diversity(distances(layers).mean(1))


def value(diversity: Diversity) -> dict[str, float]:
    """`diversity`: the mean over captions; higher = more varied."""
    return {"diversity": diversity.mean}
