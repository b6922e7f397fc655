"""What a picture of a plan is made of. Lengths are inches; x grows rightwards, y upwards."""

from __future__ import annotations

from dataclasses import dataclass, field

from matplotlib.font_manager import FontProperties
from matplotlib.textpath import TextPath

TITLE, NAME, SMALL = 9.0, 8.0, 7.0  # points
LINE, PAD, LANE, GAP, DROP, MARGIN = 0.17, 0.11, 0.26, 0.34, 0.1, 0.3

Point = tuple[float, float]


@dataclass
class Box:
    """A component. `x`, `y`: its lower left corner; `rows`: lines of text, the first in bold.

    `update`: the one that trains it, or nothing. `phases`: numbers of the phases that do.
    """

    rows: list[str]
    update: str = ""
    phases: list[int] = field(default_factory=list)
    x: float = 0.0
    y: float = 0.0

    def __post_init__(self) -> None:
        first, *others = self.rows
        self.w = 2 * PAD + max(width(first, TITLE, "bold"), *(width(text, NAME) for text in others), 0.5)
        self.h = 2 * PAD + LINE * len(self.rows)
        self.enters: list[str] = []  # wires that come in from above, left to right
        self.leaves: list[str] = []  # wires that go out towards lanes

    @property
    def top(self) -> float:
        """The y of its upper side."""
        return self.y + self.h

    @property
    def right(self) -> float:
        """The x of its right side."""
        return self.x + self.w

    @property
    def middle(self) -> float:
        """The y of its middle."""
        return self.y + self.h / 2

    def door(self, wire: str, wires: list[str]) -> float:
        """The x of `wire` where `wires` share a side."""
        return self.x + self.w * (wires.index(wire) + 1) / (len(wires) + 1)


@dataclass(frozen=True)
class Wire:
    """A line through `points`, with an arrowhead at its end unless it only joins others."""

    points: tuple[Point, ...]
    arrow: bool = True


@dataclass(frozen=True)
class Label:
    """A line of small text whose lower left corner is at (x, y)."""

    text: str
    x: float
    y: float


@dataclass
class Panel:
    """A phase: its heading, and its updates, each with the optimizer's name and the losses' boxes."""

    heading: str
    updates: list[tuple[str, str, list[Box]]]
    x: float = 0.0
    y: float = 0.0
    w: float = 0.0
    h: float = 0.0

    def move(self, x: float, y: float, w: float) -> None:
        """Put it at (x, y), from (0, 0)."""
        self.x, self.y, self.w = x, y, w
        for _, _, losses in self.updates:
            for loss in losses:
                loss.x, loss.y = loss.x + x, loss.y + y


@dataclass
class Diagram:
    """What is to be drawn, on paper `w` x `h`."""

    name: str
    title: str
    boxes: dict[str, Box]
    panels: list[Panel]
    wires: list[Wire] = field(default_factory=list)
    labels: list[Label] = field(default_factory=list)
    w: float = 0.0
    h: float = 0.0


def width(text: str, size: float, weight: str = "normal") -> float:
    """How wide a line of text is; `size` in points."""
    if not text.strip():
        return 0.0
    return (
        float(TextPath((0, 0), text, size=size, prop=FontProperties(weight=weight)).get_extents().width) / 72
    )
