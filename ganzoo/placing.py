"""Boxes and keypoints for pictures to come, as the command line names them; and drawn over them."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from ganzoo import untrusted
from ganzoo.data.places import box, keypoints
from ganzoo.errors import GanzooError
from ganzoo.flow import Layout
from ganzoo.layouts import draws_keypoints, needed
from ganzoo.model import Model
from ganzoo.plan import Plan

LARGEST = 1_000_000  # bytes of a file of keypoints
SIDE = 96  # pixels at which layouts are drawn, at least
SPOTS = 4  # places of a moving box along each side
THIRD = (0.0, 0.0, 1 / 3, 1 / 3)


@dataclass(frozen=True)
class Places:
    """Where things shall be: `given`, a row for all captions or a row each, None = nowhere in particular.

    `generator` draws the keypoints that are not given. `marked`: layouts are drawn over the pictures.
    """

    given: Layout | None = None
    generator: Model | None = None
    marked: bool = False

    def of(self, captions: Sequence[str], seed: int, start: int = 0) -> Layout | None:
        """The layout of `captions`, which begin with number `start` of all."""
        count, layout = len(captions), self.given
        if layout is not None:
            one = all(len(part) == 1 for part in (layout.boxes, layout.keypoints) if part is not None)
            layout = layout.repeat(count) if one else layout.rows(slice(start, start + count))
        if self.generator is None:
            return layout
        drawn = self.generator.place(captions, seed, layout=layout)
        return Layout(layout.boxes if layout else None, drawn.keypoints)

    def mark(self, pictures: NDArray[np.uint8], layout: Layout | None) -> NDArray[np.uint8]:
        """Pictures [n, r, r, 3] with their layout drawn over them, enlarged, if that is wanted."""
        return drawn_over(pictures, layout) if self.marked and layout is not None else pictures


def parse_box(text: str) -> tuple[float, float, float, float]:
    """`0.1,0.2,0.5,0.5`. Raises GanzooError for anything else than a box in the picture."""
    try:
        numbers: Any = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = text
    return box(numbers, "--box")


def read_keypoints(path: Path, count: int) -> list[tuple[float, float, float]]:
    """The keypoints in a JSON file: a list, or an object with `keypoints`. Raises GanzooError."""
    said = untrusted.parse_json(untrusted.read_text(path, LARGEST), str(path))
    return keypoints(said.get("keypoints") if isinstance(said, dict) else said, count, str(path))


def places(
    plan: Plan,
    boxes: Sequence[str],
    points: Path | None,
    generator: Model | None,
    *,
    captions: int,
    marked: bool,
) -> Places:
    """What the command line says of places, checked against what `plan` reads and `generator` draws.

    Raises GanzooError: for what the model does not read, for boxes that are neither one nor one a caption.
    """
    wanted, count = needed(plan), plan.data_spec.keypoints
    for given, need, option in (
        (boxes, "boxes", "--box"),
        (points or generator, "keypoints", "--keypoints" if points else "--keypoints-from"),
    ):
        if given and need not in wanted:
            reads = " and ".join(sorted(wanted)) or "neither boxes nor keypoints"
            raise GanzooError(f"{plan.recipe.name} reads {reads}; leave out `{option}`")
    if len(boxes) not in (0, 1, captions):
        raise GanzooError(f"{len(boxes)} times `--box` for {captions} captions; give one, or one each")
    if generator:
        _check_generator(generator.plan, plan)
    there = torch.tensor([parse_box(text) for text in boxes]) if boxes else None
    seen = torch.tensor([read_keypoints(points, count)]) if points else None
    if there is not None and seen is not None:
        seen = seen.repeat(len(there), 1, 1)
    layout = None if there is None and seen is None else Layout(there, seen)
    return Places(layout, generator, marked)


def _check_generator(generator: Plan, plan: Plan) -> None:
    if not draws_keypoints(generator):
        raise GanzooError(
            f"`--keypoints-from` names a run of {generator.recipe.name}, which draws no keypoints; name one "
            "of a keypoint generator, such as gawwn-keypoint-generator-shapes"
        )
    drawn, read = generator.data_spec.keypoints, plan.data_spec.keypoints
    if drawn != read:
        raise GanzooError(
            f"{generator.recipe.name} draws {drawn} keypoints, {plan.recipe.name} reads {read}; they must be "
            "trained on the same parts"
        )


def moving(places: Places, captions: Sequence[str]) -> Places:
    """A box of the size of the given one (or a third) at every spot of a grid, row by row.

    Raises GanzooError unless there is one caption and at most one box.
    """
    boxes = None if places.given is None else places.given.boxes
    if len(captions) != 1 or (boxes is not None and len(boxes) != 1):
        raise GanzooError("`--move-box` moves one box over the picture of one caption")
    *_, width, height = THIRD if boxes is None else boxes[0].tolist()
    ys, xs = (np.linspace(0, 1 - side, SPOTS) for side in (height, width))
    moved = [(x, y, width, height) for y, x in itertools.product(ys, xs)]
    return Places(Layout(torch.tensor(moved, dtype=torch.float32)), None, places.marked)


def drawn_over(pictures: NDArray[np.uint8], layout: Layout) -> NDArray[np.uint8]:
    """Pictures [n, r, r, 3], enlarged to 96 pixels or more, with boxes and keypoints over them."""
    scale = max(1, round(SIDE / pictures.shape[1]))
    side = pictures.shape[1] * scale
    found = []
    for row, picture in enumerate(pictures):
        sheet = Image.fromarray(picture).resize((side, side), Image.Resampling.NEAREST)
        draw = ImageDraw.Draw(sheet)
        if layout.boxes is not None:
            x, y, width, height = (layout.boxes[row].double() * (side - 1)).tolist()
            draw.rectangle((x, y, x + width, y + height), outline="magenta")
        if layout.keypoints is not None:
            for number, (x, y, seen) in enumerate((layout.keypoints[row].double()).tolist()):
                if seen > 0:
                    at = (x * (side - 1), y * (side - 1))
                    draw.circle(at, 2, fill="magenta", outline="white")
                    draw.text((at[0] + 4, at[1] - 6), str(number), "magenta")
        found.append(np.asarray(sheet))
    return np.stack(found)
