"""Where a model is told to draw: what it must be told, and whether it was told so."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from ganzoo.errors import GanzooError
from ganzoo.flow import Layout

if TYPE_CHECKING:
    from torch import Tensor

    from ganzoo.plan import Plan

SAY = {
    "boxes": "give one a picture: `--box x,y,width,height` in 0..1 of the picture, or in Python "
    "`layout=Layout(boxes=...)`",
    "keypoints": "give them: `--keypoints FILE.json`, or in Python `layout=Layout(keypoints=...)`; or let a "
    "keypoint generator draw them: `--keypoints-from RUN`, or in Python `layout=load(run).place(captions)`",
}


def needed(plan: Plan) -> frozenset[str]:
    """Of {boxes, keypoints} what the plan's conditionings and stages read."""
    parts = [c.component for c in plan.conditionings] + [stage.component for stage in plan.stages]
    return frozenset[str]().union(*(part.requires() for part in parts)) & {"boxes", "keypoints"}


def draws_keypoints(plan: Plan) -> bool:
    """Whether a stage draws keypoints, so that none need be given."""
    return any(stage.spec.keypoints for stage in plan.stages)


def checked(plan: Plan, layout: Layout | None, rows: int) -> Layout | None:
    """`layout` for `rows` captions; with no keypoints to be seen where a stage will draw them.

    Raises GanzooError where the plan reads what is not given, for another number of rows or of keypoints, for
    boxes that are empty or reach out of the picture, and for keypoints outside it.
    """
    wanted, count = needed(plan), plan.data_spec.keypoints
    if "keypoints" in wanted and draws_keypoints(plan) and (layout is None or layout.keypoints is None):
        layout = Layout(layout.boxes if layout else None, torch.zeros(rows, count, 3))
    for need in sorted(wanted):
        given = getattr(layout, need, None)
        if given is None:
            raise GanzooError(f"{plan.recipe.name} needs {_one(need)} for each picture; {SAY[need]}")
        _check_shape(need, given, (rows, 4) if need == "boxes" else (rows, count, 3))
        _check_inside(need, given)
    return layout


def _one(need: str) -> str:
    return "a box" if need == "boxes" else "keypoints"


def _check_shape(need: str, given: Tensor, expected: tuple[int, ...]) -> None:
    if tuple(given.shape) != expected:
        raise GanzooError(f"the {need} are {list(given.shape)}; expected {list(expected)}, a row a caption")


def _check_inside(need: str, given: Tensor) -> None:
    low, high = given[..., :2], given[..., :2]
    if need == "boxes":
        high = low + given[:, 2:]
        empty = (given[:, 2:] <= 0).any(1)
        if empty.any():
            raise GanzooError(f"box {int(empty.nonzero()[0])} has no area; {SAY['boxes']}")
    outside = ~((low >= 0) & (high <= 1 + 1e-6)).flatten(1).all(1)
    if outside.any():
        what = "box" if need == "boxes" else "a keypoint of row"
        raise GanzooError(f"{what} {int(outside.nonzero()[0])} lies outside 0..1, the picture; {SAY[need]}")
