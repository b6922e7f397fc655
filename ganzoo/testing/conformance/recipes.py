"""The smallest recipe around a component under examination, planned."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from ganzoo.assemble import assemble
from ganzoo.components import Component
from ganzoo.plan import Plan
from ganzoo.plugins import Registry
from ganzoo.recipe import Recipe
from ganzoo.testing.conformance.harness import OfDiscriminator
from ganzoo.testing.conformance.inputs import Larder
from ganzoo.testing.conformance.standins import STANDINS
from ganzoo.testing.conformance.subject import Subject

SIDE = 16
NAME = "kit/subject"


def plan_around(subject: Subject, updates: Mapping[str, int], *, poor: bool = False) -> Plan:
    """A recipe with one phase, planned. Raises GanzooError where it cannot be assembled.

    `updates`: how often each is taken, by name; a loss serves in the first of them. `poor`: the recipe gives
    nothing that the component does not require.
    """

    def has(need: str) -> bool:
        return need in subject.declared or not poor

    tree: dict[str, Any] = {
        "data": {"use": "kit/data"},
        "text": {"use": "kit/text", "words": has("words")},
        "conditioning": {"use": "kit/code", "gaussian": has("gaussian"), "extra": dict(subject.extras)},
        "noise": 7,
        "stages": _stages(subject, two_heads=has("unconditional"), two_levels=has("stages")),
        "training": {
            "kit": {
                "steps": 1,
                "samples_per_caption": 2 if has("samples_per_caption") else 1,
                "updates": _updates(subject, updates),
            }
        },
    }
    if has("image_vector") or has("image_regions"):
        tree["image"] = {"use": "kit/image"}
    place = {"text_encoders": "text", "image_encoders": "image", "conditionings": "conditioning"}
    if subject.kind in place:
        tree[place[subject.kind]] = _node(subject)
    if "embedding" in subject.declared:
        tree["data"]["embedding"] = subject.component.yields().sentence
    recipe = Recipe.from_yaml(json.dumps({"recipes": {"kit": {"title": subject.name, **tree}}}), where="kit")
    return assemble(recipe, _Offered({**STANDINS, NAME: subject.cls}))


def _node(subject: Subject) -> dict[str, Any]:
    return {"use": NAME, **subject.options}


def _stages(subject: Subject, *, two_heads: bool, two_levels: bool) -> list[dict[str, Any]]:
    judge = {"use": "kit/two_headed" if two_heads else "kit/judge"}
    if subject.kind == "stages":
        if subject.component.yields(Larder(subject, "nothing").stage_given()).keypoints:
            return [{"stage": _node(subject), "discriminator": {"use": "kit/points_judge"}}]
        first = [{"stage": {"use": "kit/picture", "side": SIDE}, "discriminator": judge}]
        follows = bool(subject.declared & {"image", "hidden"})
        return [*first[: 1 if follows else 0], {"stage": _node(subject), "discriminator": judge}]
    sides: tuple[int, ...] = (SIDE,)
    if subject.kind == "losses" and two_levels:
        sides = (SIDE // 2, SIDE)
    if subject.kind == "image_encoders":
        sides = (2 * SIDE,)
    if subject.kind == "discriminators":
        sides, judge = (OfDiscriminator(subject).given().image,), _node(subject)
        if subject.component.judges == "keypoints":
            return [{"stage": {"use": "kit/points"}, "discriminator": judge}]
    return [{"stage": {"use": "kit/picture", "side": side}, "discriminator": judge} for side in sides]


def _updates(subject: Subject, updates: Mapping[str, int]) -> dict[str, Any]:
    """Each with one loss: the component itself in the first, if it is one, else what stands in for losses."""
    first = next(iter(updates))
    order = [update for update in ("encoders", "discriminator", "generator") if update in updates]
    return {
        update: {
            "every": updates[update],
            "optimizer": {"use": "adam", "lr": 1e-3},
            "losses": [
                _node(subject) if update == first and subject.kind == "losses" else {"use": "kit/push"}
            ],
        }
        for update in order
    }


class _Offered(Registry):
    """Nothing but these components."""

    def __init__(self, offered: Mapping[str, type[Component]]) -> None:
        super().__init__([])
        self.offered = offered

    def get(self, kind: str, name: str) -> type[Component]:
        return self.offered[name]
