"""Scenes of one or two coloured shapes: the grammar of their captions, both ways, and how they are drawn.

describe -> Description -> caption -> parse -> Description; Description -> place -> Scene -> draw -> picture.
Coordinates are fractions of the picture's side, x to the right and y downwards.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from typing import NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ganzoo.errors import GanzooError, did_you_mean

T = TypeVar("T")
Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]

DRAWING_VERSION = 1  # goes into fingerprints: raise it whenever a picture of the same seed would change
SIZES: dict[str, tuple[float, float]] = {
    "small": (0.22, 0.26),
    "large": (0.38, 0.43),
}  # longer side
COLOURS: dict[str, Colour] = {
    "red": (214, 39, 40),
    "green": (40, 160, 60),
    "blue": (30, 90, 220),
    "yellow": (245, 200, 20),
    "purple": (150, 60, 180),
    "black": (25, 25, 25),
}
SHAPES = ("circle", "square", "triangle", "star", "cross")
RELATIONS: dict[str, tuple[int, int]] = {  # direction from the second figure to the first
    "above": (0, -1),
    "below": (0, 1),
    "left of": (-1, 0),
    "right of": (1, 0),
}
CONVERSE = {"above": "below", "below": "above", "left of": "right of", "right of": "left of"}
BACKGROUND = (232, 255)  # each channel, from..to
MARGIN = 0.03  # kept free along the picture's edge
GAP = (0.06, 0.2)  # between two figures
SLANT = 0.4  # how far off its axis a relation may be: |across| <= SLANT * |along|
HELD_OUT = 8  # one description in so many is kept for the test split


@dataclass(frozen=True)
class Figure:
    """One shape in words: "a small red circle"."""

    size: str
    colour: str
    shape: str

    def __str__(self) -> str:
        return f"a {self.size} {self.colour} {self.shape}"

    @property
    def number(self) -> int:
        """Its number among all figures, 0..59."""
        names = (list(SIZES), list(COLOURS), list(SHAPES))
        chosen = (self.size, self.colour, self.shape)
        number = 0
        for known, name in zip(names, chosen, strict=True):
            number = number * len(known) + known.index(name)
        return number


FIGURES = tuple(Figure(size, colour, shape) for size in SIZES for colour in COLOURS for shape in SHAPES)


@dataclass(frozen=True)
class Description:
    """What a caption says: one figure, or two with the relation of the first to the second."""

    figures: tuple[Figure, ...]
    relation: str | None = None

    @property
    def caption(self) -> str:
        """Its one exact caption; `parse` reads it back."""
        return f" {self.relation} ".join(str(figure) for figure in self.figures)

    @property
    def canonical(self) -> Description:
        """The one of its two wordings ("a above b", "b below a") that says above or left of."""
        if self.relation in ("below", "right of"):
            return Description(self.figures[::-1], CONVERSE[self.relation])
        return self

    @property
    def class_id(self) -> int:
        """The number of what it says, 0..7259, alike for both wordings: two classes contradict each other."""
        said = self.canonical
        if said.relation is None:
            return said.figures[0].number
        first, second = (figure.number for figure in said.figures)
        across = int(said.relation == "left of")
        return len(FIGURES) + (across * len(FIGURES) + first) * len(FIGURES) + second

    @property
    def held_out(self) -> bool:
        """Whether it is kept for the test split: decided by a hash of its canonical caption alone."""
        return hashlib.sha256(self.canonical.caption.encode()).digest()[0] % HELD_OUT == 0


def describe(random: Random, figures: int) -> Description:
    """A description of one figure, or of two that differ; each one as likely."""
    first = _pick(random, FIGURES)
    if figures == 1:
        return Description((first,))
    second = _pick(random, [figure for figure in FIGURES if figure != first])
    return Description((first, second), _pick(random, tuple(RELATIONS)))


def _pick(random: Random, options: Sequence[T]) -> T:
    return options[int(random.random() * len(options))]  # random() is the draw Python keeps the same for ever


def parse(caption: str) -> Description:
    """What `caption` says. Raises GanzooError, with what would fit, for any text outside the grammar."""
    words = caption.split(" ")
    if len(words) == 4:
        return Description((_figure(words, caption),))
    middle = " ".join(words[4:-4])
    if len(words) <= 8:
        _unreadable(caption, f"it has {len(words)} words")
    if middle not in RELATIONS:
        _unreadable(caption, _unknown(middle, "relation", tuple(RELATIONS)))
    first, second = _figure(words[:4], caption), _figure(words[-4:], caption)
    if first == second:
        _unreadable(caption, "it names the same figure twice; two figures differ in size, colour or shape")
    return Description((first, second), middle)


def _figure(words: list[str], caption: str) -> Figure:
    known = {
        "article": ("a",),
        "size": tuple(SIZES),
        "colour": tuple(COLOURS),
        "shape": SHAPES,
    }
    for word, (role, options) in zip(words, known.items(), strict=True):
        if word not in options:
            _unreadable(caption, _unknown(word, role, options))
    return Figure(*words[1:])


def _unknown(word: str, role: str, options: tuple[str, ...]) -> str:
    return f"`{word}` is not a known {role} ({', '.join(options)}){did_you_mean(word, options)}"


def _unreadable(caption: str, reason: str) -> NoReturn:
    raise GanzooError(
        f"caption {caption!r} cannot be read: {reason}. Captions of core/shapes are `a SIZE COLOUR SHAPE`, "
        "or two of these joined by a relation, such as 'a small red circle above a large blue square'"
    )


@dataclass(frozen=True)
class Scene:
    """A description with places: the middle of each figure's box, its longer side, and the background."""

    description: Description
    centres: tuple[tuple[float, float], ...]
    sides: tuple[float, ...]
    background: Colour

    @cached_property
    def boxes(self) -> tuple[Box, ...]:
        """The tight box (x, y, width, height) of each figure."""
        boxes = []
        for figure, (x, y), side in zip(self.description.figures, self.centres, self.sides, strict=True):
            width, height = side * np.ptp(OUTLINES[figure.shape], axis=0)
            boxes.append((x - width / 2, y - height / 2, float(width), float(height)))
        return tuple(boxes)


def place(description: Description, random: Random) -> Scene:
    """A scene that shows `description`: figures inside the picture, apart, clearly so related."""
    low, high = BACKGROUND
    background = (_whole(random, low, high), _whole(random, low, high), _whole(random, low, high))
    sides = tuple(_between(random, *SIZES[figure.size]) for figure in description.figures)
    if description.relation is None:
        centre = (_inside(random, sides[0]), _inside(random, sides[0]))
        return Scene(description, (centre,), sides, background)
    dx, dy = RELATIONS[description.relation]
    nearer, farther = (0, 1) if dx + dy < 0 else (1, 0)  # nearer: the one towards the left or the top
    free = 1 - 2 * MARGIN - sum(sides)
    gap = _between(random, GAP[0], min(GAP[1], free))
    start = MARGIN + random.random() * (free - gap)
    along = [0.0, 0.0]
    along[nearer] = start + sides[nearer] / 2
    along[farther] = start + sides[nearer] + gap + sides[farther] / 2
    slant = SLANT * abs(along[0] - along[1])
    first = _inside(random, sides[0])
    across = [first, _inside(random, sides[1], first - slant, first + slant)]
    pairs = zip(along, across, strict=True) if dx else zip(across, along, strict=True)
    return Scene(description, tuple(pairs), sides, background)


def _inside(random: Random, side: float, low: float = 0.0, high: float = 1.0) -> float:
    """A middle between `low` and `high` that keeps a figure of `side` within the margins."""
    edge = MARGIN + side / 2
    return _between(random, max(low, edge), min(high, 1 - edge))


def _between(random: Random, low: float, high: float) -> float:
    assert low <= high, (low, high)
    return low + random.random() * (high - low)


def _whole(random: Random, low: int, high: int) -> int:
    return low + int(random.random() * (high - low + 1))


def _outline(shape: str) -> NDArray[np.float64]:
    """The corners [n, 2] of a shape, its box in the middle of (0, 0) and its longer side 1."""
    arm = 0.18  # half the width of a cross's arms
    match shape:
        case "circle":
            radii, turn = np.ones(96), 0.0
        case "square":
            radii, turn = np.ones(4), math.pi / 4
        case "triangle":
            radii, turn = np.ones(3), -math.pi / 2
        case "star":
            radii, turn = np.array([1, 0.42] * 5), -math.pi / 2
        case "cross":
            quarter = np.array([(arm, -0.5), (arm, -arm), (0.5, -arm)])
            turns = ((1, 0, 0, 1), (0, -1, 1, 0), (-1, 0, 0, -1), (0, 1, -1, 0))
            return np.concatenate([quarter @ np.reshape(turn, (2, 2)).T for turn in turns])
        case _:
            raise AssertionError(shape)
    angles = turn + 2 * math.pi * np.arange(len(radii)) / len(radii)
    corners = radii[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    corners -= (corners.min(axis=0) + corners.max(axis=0)) / 2
    return np.asarray(corners / np.ptp(corners, axis=0).max())


OUTLINES = {shape: _outline(shape) for shape in SHAPES}


def draw(scene: Scene, resolution: int) -> Image.Image:
    """The RGB picture of `scene`, `resolution` pixels a side, antialiased: drawn larger and averaged."""
    finer = max(4, math.ceil(256 / resolution))
    canvas = Image.new("RGB", (finer * resolution, finer * resolution), scene.background)
    pencil = ImageDraw.Draw(canvas)
    for figure, centre, side in zip(scene.description.figures, scene.centres, scene.sides, strict=True):
        corners = (np.asarray(centre) + side * OUTLINES[figure.shape]) * finer * resolution - 0.5
        pencil.polygon(corners.ravel().tolist(), fill=COLOURS[figure.colour])
    return canvas.reduce(finer)
