"""Coloured shapes read off pictures of `core/shapes`, or off pictures meant to be such; nothing is learned.

Every pixel is taken for a mixture of the background and one palette colour. Connected pixels of one colour
are a region; its shape is the drawn shape it overlaps best once both have the same middle and area.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from ganzoo.data.scenes import BACKGROUND, COLOURS, SHAPES, SIZES, Description, Figure, draw, place

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.int64]

FIGURES = 2  # the largest regions of a picture are described, the others only counted
SPECK, BLOT = (
    0.005,
    0.35,
)  # shares of the picture between which a region is a figure; drawn ones: 0.015 to 0.19
TOLERANCE = 0.3  # how far a pixel may lie from its mixture, in RGB of 0..1
EDGE = 0.35  # strength at which a region's box ends; tips of stars are thin
LARGE = (SIZES["small"][1] + SIZES["large"][0]) / 2  # the longer side from which a figure is large
GRID, REACH = 24, 1.0  # samples along a normalised region, and how far they reach in roots of its area

_PALETTE = np.array(list(COLOURS.values()), np.float32) / 255


@dataclass(frozen=True, eq=False)
class Sight:
    """What stands in n pictures: up to k figures each, largest first.

    `attributes` [n, k, 3]: numbers of size, colour and shape, in the order of their vocabularies; -1 = none.
    `centres` [n, k, 2]: (x, y) in 0..1. `count` [n]: how many figures there are, those beyond k too.
    """

    attributes: Ints
    centres: Floats
    count: Ints


@dataclass(frozen=True, eq=False)
class _Regions:
    """m regions: picture, colour, area and longer side in 0..1, middle (x, y), normalised patch [m, g]."""

    picture: Ints
    colour: Ints
    area: Floats
    side: Floats
    centres: Floats
    patches: Floats


def look(images: NDArray[Any]) -> Sight:
    """The figures in `images` [n, 3, r, r] in [-1, 1]. What is not finite is taken for white."""
    regions = _regions(images)
    templates, names = _templates(max(32, images.shape[-1]))
    overlap = [_overlap(regions.patches, template) for template in templates]
    shape = names[np.argmax(overlap, axis=0)]
    attributes = np.stack([regions.side > LARGE, regions.colour, shape], axis=1)

    order = np.lexsort((-regions.area, regions.picture))
    picture = regions.picture[order]
    count = np.bincount(picture, minlength=len(images))
    rank = np.arange(len(picture)) - (np.cumsum(count) - count)[picture]
    order, picture, rank = order[rank < FIGURES], picture[rank < FIGURES], rank[rank < FIGURES]
    sight = Sight(
        np.full((len(images), FIGURES, 3), -1), np.zeros((len(images), FIGURES, 2), np.float32), count
    )
    sight.attributes[picture, rank] = attributes[order]
    sight.centres[picture, rank] = regions.centres[order]
    return sight


def _mixtures(images: NDArray[Any]) -> tuple[Ints, Floats]:
    """Each pixel's palette colour (-1 = background or unknown) and its strength in 0..1, both [n, r, r]."""
    finite = np.nan_to_num(np.asarray(images, np.float32), nan=1.0, posinf=1.0, neginf=1.0)
    pixels = finite.clip(-1, 1) / 2 + 0.5
    background = np.median(pixels, axis=(2, 3)).clip(BACKGROUND[0] / 255, BACKGROUND[1] / 255)  # [n, 3]
    towards = background[:, None] - _PALETTE  # [n, c, 3]
    length = np.square(towards).sum(axis=2)[:, :, None, None]
    off = background[:, :, None, None] - pixels
    dot = np.einsum("nkc,ncyx->nkyx", towards, off, optimize=True)
    strength = (dot / length).clip(0, 1)
    distance = np.square(off).sum(axis=1)[:, None] - (2 * dot - strength * length) * strength
    colour = distance.argmin(axis=1)
    strength = np.take_along_axis(strength, colour[:, None], axis=1)[:, 0]
    distance = distance.min(axis=1)
    return np.where((strength >= 0.5) & (distance <= TOLERANCE**2), colour, -1), strength


def _label(colour: Ints) -> tuple[Ints, Ints]:
    """Regions of one colour: each pixel's region 1..m or 0 [n, r, r], and each region's colour [1 + m]."""
    within = np.zeros((3, 3, 3), bool)
    within[1] = True  # eight neighbours, all in the same picture
    labels = np.zeros(colour.shape, np.int64)
    colours = [-1]
    for number in range(len(_PALETTE)):
        found, amount = ndimage.label(colour == number, within)
        labels += np.where(found > 0, found + len(colours) - 1, 0)
        colours += [number] * amount
    share = np.bincount(labels.ravel(), minlength=len(colours)) / (colour.shape[1] * colour.shape[2])
    figure = (share >= SPECK) & (share <= BLOT)
    figure[0] = False
    numbers = np.where(figure, np.cumsum(figure), 0)
    return numbers[labels], np.array(colours)[np.concatenate([[0], np.flatnonzero(figure)])]


def _regions(images: NDArray[Any]) -> _Regions:
    """All regions of all pictures, read together."""
    colour, strength = _mixtures(images)
    labels, colours = _label(colour)
    resolution = images.shape[-1]
    rim = 1 + 2 * max(1, round(resolution / 64))
    owner = np.where(labels > 0, labels, ndimage.maximum_filter(labels, (1, rim, rim)))  # with its soft edges
    boxes = ndimage.find_objects(np.where(strength >= EDGE, owner, 0))
    picture = np.array([box[0].start for box in boxes], np.int64)
    side = np.array([max(y.stop - y.start, x.stop - x.start) for _, y, x in boxes], np.float32)
    flat, weight = owner.ravel(), strength.ravel()
    y, x = (axis.ravel() for axis in np.indices(owner.shape, np.float32)[1:])
    moments = np.stack(
        [np.bincount(flat, weight * by, len(colours))[1:] for by in (np.ones(1), x, y)], axis=1
    )
    area, middle = moments[:, 0].astype(np.float64), moments[:, 1:] / moments[:, :1]
    return _Regions(
        picture,
        colours[1:],
        area / resolution**2,
        side / resolution,
        (middle + 0.5) / resolution,
        _patches(strength, owner, picture, middle, area),
    )


def _patches(strength: Floats, owner: Ints, picture: Ints, middle: Floats, area: Floats) -> Floats:
    """Regions moved to the middle and scaled to area 1 [m, g]: how strongly each sample shows the region."""
    steps = np.linspace(-REACH, REACH, GRID)
    grid = np.stack(np.meshgrid(steps, steps), axis=-1).reshape(-1, 2)  # (x, y)
    at = middle[:, None] + grid * np.sqrt(area)[:, None, None]  # [m, g, 2] in pixels
    where = np.broadcast_to(picture[:, None], at.shape[:2])
    shown = ndimage.map_coordinates(strength, [where, at[..., 1], at[..., 0]], order=1, mode="constant")
    near = np.rint(at).astype(np.int64).clip(0, owner.shape[1] - 1)
    own = owner[where, near[..., 1], near[..., 0]] == np.arange(1, len(picture) + 1)[:, None]
    return np.where(own, shown, 0).astype(np.float32)


def _overlap(patches: Floats, template: Floats) -> Floats:
    """Intersection over union, in 0..1, of each patch [m, g] with the template [g], as soft masks."""
    union = np.maximum(patches, template).sum(axis=1)
    return np.asarray(np.minimum(patches, template).sum(axis=1) / union)


@cache
def _templates(resolution: int) -> tuple[Floats, Ints]:
    """Patches of all shapes in both sizes, drawn and read at `resolution`, and the shapes' numbers."""
    figures = [Figure(size, "black", shape) for size in SIZES for shape in SHAPES]
    scenes = [place(Description((figure,)), Random(0)) for figure in figures]
    drawn = np.stack([np.asarray(draw(scene, resolution)) for scene in scenes]).transpose(0, 3, 1, 2)
    regions = _regions(drawn / 127.5 - 1)
    return regions.patches, np.array([SHAPES.index(figures[i].shape) for i in regions.picture])
