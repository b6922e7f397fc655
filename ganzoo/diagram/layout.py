"""Where a plan's boxes stand, and in which lanes its wires run.

    data -> text -> conditionings
    noise ---> stage 0 -> stage 1 -> ...        a column a stage, below the conditioning that it reads
               discriminator 0, ...
    phases with their updates and losses

What several parts read runs in lanes between the rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganzoo.diagram.panels import panel_of
from ganzoo.diagram.shapes import DROP, GAP, LANE, LINE, MARGIN, PAD, SMALL, Box, Diagram, width
from ganzoo.parts import Part, conditioning_roles, parts, trained_by

if TYPE_CHECKING:
    from ganzoo.plan import Plan

FIRST, SECOND, THIRD = {"data", "text", "conditioning"}, {"noise", "stage", "image"}, {"discriminator"}


@dataclass(frozen=True)
class Signal:
    """What a part gives to parts in lower rows, in a lane between them."""

    text: str
    source: str
    targets: tuple[str, ...]


class Layout:
    """Boxes as wide as their text; then columns, rows and lanes; then wires."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.parts = {part.role: part for part in parts(plan)}
        self.levels = range(len(plan.stages))
        self.gaps: list[float] = []  # x at which wires pass each column on its right
        self.lanes: dict[Signal, int] = {}  # 0 is the uppermost
        self.ceiling = 0.0  # y of a wire above all boxes
        self.boxes = self.make_boxes()
        self.signals = self.make_signals()
        panels = [panel_of(plan, phase, number) for number, phase in enumerate(plan.phases)]
        self.picture = Diagram(plan.recipe.name, plan.recipe.title, self.boxes, panels)

    def make_boxes(self) -> dict[str, Box]:
        found = {role: Box(self.rows(part)) for role, part in self.parts.items()}
        if self.plan.noise:
            found["noise"] = Box(["noise", f"width {self.plan.noise}"])
        for number, phase in enumerate(self.plan.phases):
            for role, update in trained_by(self.plan, phase).items():
                found[role].update = update
                found[role].phases.append(number)
        return found

    def rows(self, part: Part) -> list[str]:
        """Role, name, what it draws, and what it gives that no wire says."""
        wired = {need for other in self.parts.values() for need in other.needs}
        kept = [said for said in part.gives if said not in wired and part.role.split()[0] != "conditioning"]
        return [part.role, part.use, *kept, *(need for need in part.needs if need.startswith("epsilon"))]

    def make_signals(self) -> list[Signal]:
        """Codes, words and layout, and noise for stages behind the first."""
        plan, found = self.plan, []
        for number, role in enumerate(conditioning_roles(plan)):
            spec = plan.conditionings[number].spec
            mine = [level for level in self.levels if plan.stages[level].conditioning == number]
            judges = tuple(f"discriminator {level}" for level in mine if plan.stages[level].discriminator)
            found.append(Signal(f"discriminator code {spec.discriminator_code}", role, judges))
            codes = {"generator_code": f"generator code {spec.generator_code}"}
            for need, said in (codes | {name: name for name in sorted(spec.extra)}).items():
                found.append(Signal(said, role, self.readers(need, mine)))
        found.append(Signal(f"words {plan.text_spec.words}", "text", self.readers("words", self.levels)))
        for need in ("boxes", "keypoints"):
            stages, judges = (self.readers(need, self.levels, kind) for kind in ("stage", "discriminator"))
            found.append(Signal(need, "data", stages + judges))
        found.append(Signal(f"noise {plan.noise}", "noise", self.readers("noise", self.levels[1:])))
        signals = [signal for signal in found if signal.targets]
        for signal in reversed(signals):  # what goes farthest leaves from the right, in the highest lane
            self.boxes[signal.source].leaves.append(signal.text)
        for signal in signals:
            for target in signal.targets:
                self.boxes[target].enters.append(signal.text)
        return signals

    def readers(self, need: str, levels: Iterable[int], kind: str = "stage") -> tuple[str, ...]:
        roles = [f"{kind} {level}" for level in levels]
        return tuple(r for r in roles if r in self.parts and need in self.parts[r].component.requires())

    def row(self, kinds: set[str]) -> list[Box]:
        return [box for role, box in self.boxes.items() if role.split()[0] in kinds]

    # -- places -----------------------------------------------------------------------------

    def set_places(self) -> None:
        """Every box and panel in its place, from the bottom up."""
        picture = self.picture
        self.set_columns()
        picture.w = max(picture.w, *(panel.w + 2 * MARGIN + GAP for panel in picture.panels), 4.0)
        y = MARGIN
        for panel in reversed(picture.panels):
            panel.move(MARGIN + GAP, y, picture.w - 2 * MARGIN - GAP)
            y += panel.h + GAP / 2
        y += GAP
        self.lanes = self.make_lanes()
        upper = LANE * (max(self.lanes.values(), default=0) + 1.8)
        lower = LANE * (2 + max((len(box.enters) for box in self.row(THIRD)), default=0))
        for kinds, above in ((THIRD, lower), (SECOND, upper), (FIRST, 0.0)):
            row = self.row(kinds)
            height = max((box.h for box in row), default=0.0)
            for box in row:
                box.y = y + (height - box.h) / 2
            y += height + above if row else 0.0
        self.ceiling = y + LANE / 2
        picture.h = y + LANE * (len(self.plan.conditionings) > 1) + GAP + 2 * LINE + MARGIN

    def set_columns(self) -> None:
        """Data, text, then a column a stage, with the conditioning that it is the first to read above it."""
        boxes, names = self.boxes, conditioning_roles(self.plan)
        x = MARGIN + GAP
        for role, reader in (("data", "text"), ("text", names[0])):
            boxes[role].x = x
            x = (
                boxes[role].right
                + GAP
                + max((width(text, SMALL) for text in self.parts[reader].needs), default=0)
            )
        if noise := boxes.get("noise"):
            noise.x = boxes["text"].right - noise.w
        seen: set[str] = set()
        for level in self.levels:
            reads = names[self.plan.stages[level].conditioning]
            roles = [f"stage {level}", f"discriminator {level}", *({reads} - seen)]
            column = [boxes[role] for role in roles if role in boxes]
            wide = max(box.w for box in column)
            for box in column:
                box.x = x + (wide - box.w) / 2
            gap = x + wide + GAP / 3
            for signal in self.signals:
                if signal.source in {reads} - seen:
                    gap = max(gap, self.source_x(signal) + width(signal.text, SMALL) + 1.5 * DROP)
            seen.add(reads)
            self.gaps.append(gap)
            x = self.behind(level) + width(self.onward(level), SMALL) + GAP
        if image := boxes.get("image"):
            image.x = x
            x = image.right + GAP
        self.picture.w = x - GAP / 2 + MARGIN

    def behind(self, level: int) -> float:
        """The x behind all that passes a column on its right."""
        judge = self.boxes.get(f"discriminator {level}")
        return self.gaps[level] + DROP * (len(judge.enters) if judge else 0)

    def onward(self, level: int) -> str:
        """What the next stage, or the world, is given by the stage at `level`."""
        spec = self.plan.stages[level].spec
        if level + 1 < len(self.plan.stages):
            needs = self.plan.stages[level + 1].component.requires()
            said = [f"hidden {spec.hidden}"] * ("hidden" in needs) + [f"image {spec.image} px"] * (
                "image" in needs
            )
            return ", ".join(said)
        return f"image {spec.image} px"

    def make_lanes(self) -> dict[Signal, int]:
        """Each signal's lane, 0 the uppermost: the first in which it meets no other."""
        taken: list[list[tuple[float, float]]] = []
        found = {}
        for signal in self.signals:
            xs = [self.source_x(signal), *(self.target_x(signal, target) for target in signal.targets)]
            left, right = min(xs) - 0.05, max(max(xs), min(xs) + width(signal.text, SMALL)) + 0.1
            lane = 0
            while lane < len(taken) and any(left < b and a < right for a, b in taken[lane]):
                lane += 1
            taken += [[]] if lane == len(taken) else []
            taken[lane].append((left, right))
            found[signal] = lane
        return found

    def source_x(self, signal: Signal) -> float:
        source = self.boxes[signal.source]
        return source.door(signal.text, source.leaves)

    def target_x(self, signal: Signal, target: str) -> float:
        """Where it leaves its lane: above a stage, or past its column on the way to a discriminator."""
        kind, level = target.split()
        box = self.boxes[target]
        if kind == "stage":
            straight = self.source_x(signal)
            alone = len(box.enters) == 1 and box.x + PAD < straight < box.right - PAD
            return straight if alone else box.door(signal.text, box.enters)
        return self.gaps[int(level)] + DROP * box.enters.index(signal.text)
