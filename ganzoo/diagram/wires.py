"""The picture of a plan, whole: boxes in their places and the wires between them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.diagram.layout import FIRST, THIRD, Layout
from ganzoo.diagram.shapes import (
    DROP,
    GAP,
    LANE,
    LINE,
    MARGIN,
    PAD,
    SMALL,
    Diagram,
    Label,
    Point,
    Wire,
    width,
)
from ganzoo.parts import conditioning_roles

if TYPE_CHECKING:
    from ganzoo.plan import PhasePlan, Plan


def diagram(plan: Plan) -> Diagram:
    """The picture of `plan`."""
    return _Wiring(plan).done()


class _Wiring(Layout):
    """A layout with its wires."""

    def done(self) -> Diagram:
        self.set_places()
        self.text_wires()
        floor = min(box.y for box in self.row(FIRST))
        for signal, lane in self.lanes.items():
            self.lane_wires(signal, floor - LANE * (lane + 1))
        self.stage_wires()
        self.logit_wires()
        return self.picture

    def wire(self, *points: Point, arrow: bool = True) -> None:
        self.picture.wires.append(Wire(points, arrow))

    def label(self, text: str, x: float, y: float) -> None:
        self.picture.labels.append(Label(text, x, y + 0.04))

    def text_wires(self) -> None:
        """Data to text; text to its conditionings, to those behind the first over the others' heads."""
        boxes, names = self.boxes, conditioning_roles(self.plan)
        for source, target in (("data", "text"), ("text", names[0])):
            y = boxes[source].middle
            self.wire((boxes[source].right, y), (boxes[target].x, y))
            needs = [need for need in self.parts[target].needs if not need.startswith("epsilon")]
            for number, need in enumerate(needs):
                self.label(need, boxes[source].right + GAP / 4, y + number * LINE)
        for name in names[1:]:
            start = boxes["text"].x + boxes["text"].w / 2
            end = boxes[name].x + boxes[name].w / 2
            self.wire(
                (start, boxes["text"].top), (start, self.ceiling), (end, self.ceiling), (end, boxes[name].top)
            )

    def lane_wires(self, signal: Signal, y: float) -> None:
        source, x = self.boxes[signal.source], self.source_x(signal)
        start = source.y if y < source.y else source.top
        ends = [self.target_x(signal, target) for target in signal.targets]
        self.wire((x, start), (x, y), (max(*ends, x), y), arrow=False)
        if min(ends) < x:
            self.wire((min(ends), y), (x, y), arrow=False)
        self.label(signal.text, x + DROP / 2 if min(ends) >= x else min(ends) + DROP / 2, y)
        for target, end in zip(signal.targets, ends, strict=True):
            box = self.boxes[target]
            if target.startswith("stage"):
                self.wire((end, y), (end, box.top))
                continue
            place = box.enters.index(signal.text) + 1  # the first is the picture's
            door = box.x + box.w * (place + 1) / (len(box.enters) + 2)
            turn = box.top + LANE * (0.8 + len(box.enters) - place)
            self.wire((end, y), (end, turn), (door, turn), (door, box.top))

    def stage_wires(self) -> None:
        """Noise to the first stage, each stage to the next and to its discriminator, the last outwards."""
        boxes = self.boxes
        if "noise" in boxes and self.readers("noise", [0]):
            first = boxes["stage 0"]
            self.wire((boxes["noise"].right, first.middle), (first.x, first.middle))
        for level in self.levels:
            stage, text = boxes[f"stage {level}"], self.onward(level)
            after = boxes.get(f"stage {level + 1}") or boxes.get("image")
            end = after.x if after else self.behind(level) + width(text, SMALL) + GAP / 2
            if text:
                self.wire((stage.right, stage.middle), (end, stage.middle))
                self.label(text, self.behind(level), stage.middle)
            if judge := boxes.get(f"discriminator {level}"):
                x = max(judge.x + judge.w / (len(judge.enters) + 2), stage.x + PAD)
                self.wire((x, stage.y), (x, judge.top))
                self.label(f"image {self.plan.stages[level].spec.image} px", x + DROP / 2, stage.y - LANE)

    def logit_wires(self) -> None:
        """From every discriminator to the phases that train by its logits."""
        judges = self.row(THIRD)
        panels = [
            p for p, phase in zip(self.picture.panels, self.plan.phases, strict=True) if _adversarial(phase)
        ]
        if not judges or not panels:
            return
        y, x = min(box.y for box in judges) - GAP / 2, MARGIN + GAP / 3
        for box in judges:
            self.wire((box.x + box.w / 2, box.y), (box.x + box.w / 2, y), arrow=False)
        right = max(box.x + box.w / 2 for box in judges)
        self.wire((right, y), (x, y), (x, min(p.y + p.h - LINE for p in panels)), arrow=False)
        self.label("logits", x + GAP, y)
        for panel in panels:
            self.wire((x, panel.y + panel.h - LINE), (panel.x, panel.y + panel.h - LINE))


def _adversarial(phase: PhasePlan) -> bool:
    updates = [update for update in phase.updates if update.name != "encoders"]  # these judge nothing
    return any({"real", "fake"} & loss.requires() for update in updates for _, loss in update.losses)
