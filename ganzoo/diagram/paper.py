"""The picture of a plan on paper: a `diagram` drawn with matplotlib into a vector file, or into pixels."""

from __future__ import annotations

import math
import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from ganzoo.diagram.shapes import LINE, MARGIN, NAME, PAD, SMALL, TITLE, Box, Diagram, Panel
from ganzoo.diagram.wires import diagram
from ganzoo.errors import GanzooError

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from ganzoo.plan import Plan

SUFFIXES = (".svg", ".pdf", ".png")
EDGES = {"generator": "#2f6690", "discriminator": "#b5483e", "encoders": "#3a7d44", "": "#9a9a9a"}
FILLS = {"generator": "#eaf1f7", "discriminator": "#faeceb", "encoders": "#ebf4ec", "": "#f7f7f7"}
INK, QUIET, WIRE = "#1d1d1d", "#555555", "#6b6b6b"
PIXELS = 160  # an inch, in a .png


def check_suffix(path: Path) -> None:
    """Raises GanzooError for a file that is no .svg, .pdf or .png."""
    if path.suffix.lower() not in SUFFIXES:
        raise GanzooError(
            f"a plan cannot be drawn as `{path}`; expected a name that ends in {', '.join(SUFFIXES[:-1])} or "
            f"{SUFFIXES[-1]}"
        )


def draw(plan: Plan, path: Path) -> None:
    """Draw `plan` into a new file at `path`: .svg, .pdf or .png. Raises GanzooError for another suffix.

    The same plan gives the same file.
    """
    check_suffix(path)
    figure = _figure(diagram(plan))
    kind = path.suffix.lower()[1:]
    metadata: dict[str, Any] = {"svg": {"Date": None}, "pdf": {"CreationDate": None}}.get(kind, {})
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        TemporaryDirectory(dir=path.parent, prefix=".drawing-") as folder,
        rc_context({"svg.hashsalt": "ganzoo", "svg.fonttype": "none"}),
    ):
        made = Path(folder) / path.name
        figure.savefig(made, format=kind, dpi=PIXELS, metadata=metadata)
        os.replace(made, path)


def _figure(picture: Diagram) -> Figure:
    figure = Figure(figsize=(picture.w, picture.h), facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    axes.set_xlim(0, picture.w)
    axes.set_ylim(0, picture.h)
    several = len(picture.panels) > 1
    y = picture.h - MARGIN - LINE
    axes.text(MARGIN, y, picture.name, size=TITLE + 4, weight="bold", color=INK)
    axes.text(MARGIN, y - 1.2 * LINE, picture.title, size=NAME, color=QUIET)
    for panel in picture.panels:
        _panel(axes, panel)
    for wire in picture.wires:
        _wire(axes, wire.points, wire.arrow)
    for label in picture.labels:
        axes.text(label.x, label.y, label.text, size=SMALL, color=QUIET, zorder=3, bbox=_under())
    for box in picture.boxes.values():
        _box(axes, box, several)
    return figure


def _under() -> dict[str, Any]:
    """White behind a label, so that a wire under it does not strike it out."""
    return {"facecolor": "white", "edgecolor": "none", "pad": 0.4}


def _wire(axes: Axes, points: tuple[tuple[float, float], ...], arrow: bool) -> None:
    xs, ys = zip(*points, strict=True)
    axes.plot(xs, ys, color=WIRE, linewidth=1.0, solid_joinstyle="round", zorder=1)
    if arrow:
        (x, y), (before_x, before_y) = points[-1], points[-2]
        near = x - math.copysign(0.02, x - before_x) * (x != before_x), y + 0.02 * (before_y > y)
        style = {"arrowstyle": "-|>", "color": WIRE, "linewidth": 1.0, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", xy=(x, y), xytext=near, arrowprops=style, zorder=1)


def _box(axes: Axes, box: Box, several: bool = False) -> None:
    edge = EDGES[box.update]
    _rounded(axes, box, FILLS[box.update], edge, 2)
    y = box.top - PAD - 0.75 * LINE
    for number, text in enumerate(box.rows):
        size, weight = (TITLE, "bold") if number == 0 else (NAME, "normal")
        axes.text(
            box.x + PAD, y, text, size=size, weight=weight, color=QUIET if number > 1 else INK, zorder=3
        )
        y -= LINE
    if several and box.phases:
        said = ", ".join(str(number + 1) for number in box.phases)
        round_ = {"boxstyle": "circle,pad=0.25", "facecolor": edge, "edgecolor": "none"}
        style: dict[str, Any] = {"size": SMALL, "weight": "bold", "color": "white", "bbox": round_}
        axes.text(box.right, box.top, said, ha="center", va="center", zorder=4, **style)


def _rounded(axes: Axes, box: Box | Panel, fill: str, edge: str, order: int) -> None:
    shape = FancyBboxPatch((box.x, box.y), box.w, box.h, boxstyle="round,pad=0,rounding_size=0.06")
    shape.set(facecolor=fill, edgecolor=edge, linewidth=1.2, zorder=order)
    axes.add_patch(shape)


def _panel(axes: Axes, panel: Panel) -> None:
    _rounded(axes, panel, "#fcfcfa", "#d8d8d2", 0)
    y = panel.y + panel.h - PAD - 0.75 * LINE
    axes.text(panel.x + PAD, y, panel.heading, size=TITLE, weight="bold", color=INK)
    for update, optimizer, losses in panel.updates:
        for loss in losses:
            _box(axes, loss)
        middle = losses[0].middle
        axes.text(panel.x + PAD, middle + 0.03, update, size=NAME, weight="bold", color=EDGES[update])
        axes.text(panel.x + PAD, middle - 0.8 * LINE, optimizer, size=SMALL, color=QUIET)
