"""Boxes and keypoints as networks read them: warps and heat maps.

Reed et al. 2016, arXiv:1610.02454, section 4; the spatial transformer is Jaderberg et al. 2015,
arXiv:1506.02025, section 3.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

LEAST = 1e-3  # a side of a box: one that a crop has cut away has none
SEEN = 0.1  # a keypoint is there from this presence on


def crop(maps: Float[Tensor, "b c g g"], boxes: Float[Tensor, "b 4"]) -> Float[Tensor, "b c g g"]:
    """What lies in each box, stretched to the whole map."""
    middle, side = _middle(boxes), boxes[:, 2:]
    return warp(maps, side, middle)


def paste(maps: Float[Tensor, "b c g g"], boxes: Float[Tensor, "b 4"]) -> Float[Tensor, "b c g g"]:
    """Each whole map, shrunk into its box; 0 outside."""
    scale = 1 / boxes[:, 2:].clamp(min=LEAST)
    return warp(maps, scale, -_middle(boxes) * scale)


def _middle(boxes: Tensor) -> Tensor:
    """The middles of boxes in the samplers' coordinates, (x, y) in -1..1."""
    return 2 * (boxes[:, :2] + boxes[:, 2:] / 2 - 0.5)


def warp(
    maps: Float[Tensor, "b c g g"], scale: Float[Tensor, "b 2"], shift: Float[Tensor, "b 2"]
) -> Float[Tensor, "b c g g"]:
    """Each map sampled at scale x place + shift, (x, y) in -1..1 from the middles of its border pixels."""
    theta = torch.cat([torch.diag_embed(scale), shift[:, :, None]], 2)  # [b, 2, 3]
    grid = F.affine_grid(theta, list(maps.shape), align_corners=True)
    out: Tensor = _Sample.apply(maps.to(grid.dtype), grid)
    return out


class _Sample(torch.autograd.Function):
    """`F.grid_sample`, differentiable in the maps as often as one likes; torch's own only once."""

    @staticmethod
    def forward(ctx: Any, maps: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        return F.grid_sample(maps, grid, mode="bilinear", padding_mode="zeros", align_corners=True)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        return _Spread.apply(gradients[0], grid), None


class _Spread(torch.autograd.Function):
    """The transpose of `_Sample`: maps and samples are of the same shape."""

    @staticmethod
    def forward(ctx: Any, samples: Tensor, grid: Tensor) -> Tensor:
        ctx.save_for_backward(grid)
        samples, bilinear, zeros = samples.contiguous(), 0, 0
        out: Tensor = torch.ops.aten.grid_sampler_2d_backward(
            samples, torch.zeros_like(samples), grid, bilinear, zeros, True, [True, False]
        )[0]
        return out

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (grid,) = ctx.saved_tensors
        return _Sample.apply(gradients[0], grid), None


def heat_maps(points: Float[Tensor, "b k 3"], side: int) -> Float[Tensor, "b k g g"]:
    """One map of `side` pixels a keypoint: 1 in its pixel, 0 elsewhere and where it is not to be seen.

    Pixels are counted from 1, and a keypoint's is its place x `side`, rounded; on the map's border where it
    lies outside.
    """
    x, y = ((points[..., axis] * side + 0.5).floor().clamp(1, side).long() - 1 for axis in (0, 1))
    seen = (points[..., 2] > SEEN).to(points.dtype)
    flat = points.new_zeros(*points.shape[:2], side * side)
    return flat.scatter(2, (y * side + x)[..., None], seen[..., None]).unflatten(2, (side, side))


def anywhere(maps: Float[Tensor, "b k g g"]) -> Float[Tensor, "b 1 g g"]:
    """1 where any keypoint is."""
    return maps.sum(1, keepdim=True).clamp(0, 1)
