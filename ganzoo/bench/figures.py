"""Figures of the report: matplotlib drawings as SVG that stands in a page and takes the page's colours.

A model is its letter and its colour, as in the tables. Drawn in stand-in colours, which become variables of
the style sheet, so that one drawing serves light and dark pages and print.
"""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

from markupsafe import Markup
from matplotlib import rc_context
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter
from scipy.optimize import isotonic_regression

from ganzoo.errors import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = 8
MOST_POINTS = 300  # of a curve; more cannot be seen
LARGEST = 1e100  # matplotlib's ranges of larger numbers are infinite
WIDTH, HEIGHT = 4.4, 2.9  # inches; small, so that a phone shows it with letters of readable size
INK, QUIET, PAPER = "#0a0b0c", "#0a0b0d", "#0a0b0e"
STAND_INS = {INK: "--ink", QUIET: "--quiet", PAPER: "--paper"} | {
    f"#0a0c{n:02x}": f"--c{n}" for n in range(1, COLOURS + 1)
}
STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",  # text stays text: it can be read aloud, searched and enlarged
    "svg.hashsalt": "ganzoo",
    "text.parse_math": False,  # names come from strangers
    "font.size": 9,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": QUIET,
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": QUIET,
    "grid.alpha": 0.18,
    "grid.linewidth": 0.6,
    "xtick.color": QUIET,
    "ytick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "xtick.major.width": 0.7,
    "ytick.major.width": 0.7,
    "legend.frameon": False,
}
_ROOT = re.compile(r'<svg [^>]*viewBox="([^"]+)"[^>]*>(.*)</svg>', re.DOTALL)
_STYLE = re.compile(r"<style.*?</style>", re.DOTALL)
_NAMED = re.compile(r'( id="|href="#|url\(#)')


@dataclass(frozen=True)
class Mark:
    """How a model is marked: by a letter on one of the colours 1 to `COLOURS`."""

    letter: str
    colour: int

    @property
    def stand_in(self) -> str:
        """The colour to draw in."""
        return f"#0a0c{self.colour:02x}"


@dataclass(frozen=True)
class Point:
    """One model in a plane; `low`, `high`: the interval of y."""

    mark: Mark
    x: float
    y: float
    low: float | None = None
    high: float | None = None

    @property
    def interval(self) -> list[float] | None:
        """Both ends; None where it cannot be drawn."""
        if self.low is None or self.high is None or not drawable(self.low, self.high):
            return None
        return [self.low, self.high]


@dataclass(frozen=True)
class Line:
    """One number of one model over training: `seeds` are lists of (x, y)."""

    mark: Mark
    seeds: Sequence[Sequence[tuple[float, float]]]

    @property
    def mean(self) -> list[tuple[float, float]]:
        """Over seeds, point by point; of the only seed; [] where the seeds' points do not pair up."""
        if len({len(seed) for seed in self.seeds}) != 1:
            return []
        pairs = [list(zip(*together, strict=True)) for together in zip(*self.seeds, strict=True)]
        return [(sum(xs) / len(xs), sum(ys) / len(ys)) for xs, ys in pairs]


def drawable(*values: float | None) -> bool:
    """Whether all are there, numbers, and of a size that fits an axis."""
    return all(value is not None and abs(value) < LARGEST for value in values)


def scatter(points: Sequence[Point], x: str, y: str, name: str, says: str) -> Markup:
    """Models in a plane, x logarithmic, with the intervals of y."""
    with rc_context(STYLE):
        figure, axes = _figure(HEIGHT)
        for point in points:
            colour = point.mark.stand_in
            if point.interval:
                axes.plot([point.x] * 2, point.interval, color=colour, linewidth=1.4, zorder=2)
            axes.plot([point.x], [point.y], marker="o", markersize=3, color=colour, zorder=3)
        axes.set_xscale("log")
        axes.margins(x=0.15, y=0.12)
        _plain_ticks(axes)
        axes.set(xlabel=printable(x), ylabel=printable(y))
        for point in points:
            _badge(axes, point.mark, (point.x, point.y), (11, 0))
        return _svg(figure, name, says)


def intervals(
    points: Sequence[Point], lines: int, floor: float | None, x: str, name: str, says: str
) -> Markup:
    """A line a model: on line x, y and its interval, drawn across. Dashed: what real pictures get."""
    with rc_context(STYLE | {"axes.spines.left": False, "axes.grid.axis": "x"}):
        figure, axes = _figure(0.75 + 0.27 * lines)
        for point in points:
            colour = point.mark.stand_in
            if point.interval:
                axes.plot(point.interval, [point.x] * 2, color=colour, linewidth=1.6)
            axes.plot([point.y], [point.x], marker="o", markersize=4.5, color=colour)
        if floor is not None:
            axes.axvline(floor, color=INK, linewidth=1, linestyle=(0, (4, 3)))
        axes.set_ylim(lines - 0.4, -0.6)
        axes.margins(x=0.06)
        axes.set_yticks([])
        low, high = axes.get_xlim()
        axes.set_xlim(low - 0.06 * (high - low), high)
        axes.set(xlabel=printable(x))
        for point in points:
            _badge(axes, point.mark, (low - 0.05 * (high - low), point.x))
        return _svg(figure, name, says)


def curves(lines: Sequence[Line], x: str, y: str, name: str, says: str) -> Markup:
    """Numbers over training: the mean over seeds strong, single seeds thin, the model's letter at the end."""
    with rc_context(STYLE):
        figure, axes = _figure(HEIGHT)
        ends: list[tuple[Mark, float, float]] = []
        for line in lines:
            mean = line.mean
            for seed in line.seeds if len(line.seeds) > 1 else ():
                _plot(axes, line.mark, seed, 0.7, 0.45 if mean else 1)
            if mean:
                _plot(axes, line.mark, mean, 1.5, 1)
            finite = [point for point in mean or line.seeds[0] if drawable(*point)]
            if finite:
                ends.append((line.mark, *finite[-1]))
        axes.margins(x=0.02, y=0.08)
        axes.set(xlabel=printable(x), ylabel=printable(y))
        _end_badges(axes, ends)
        return _svg(figure, name, says)


def _figure(height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained", facecolor="none")
    FigureCanvasSVG(figure)
    axes = figure.add_subplot(facecolor="none")
    axes.set_axisbelow(True)
    return figure, axes


def _plain_ticks(axes: Axes) -> None:
    """`20`, `500`, `1,000` on a logarithmic axis, few enough to be read; powers of ten are formulas."""
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=6))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def _plot(axes: Axes, mark: Mark, points: Sequence[tuple[float, float]], width: float, alpha: float) -> None:
    every = max(1, math.ceil(len(points) / MOST_POINTS))
    thinned = [*points[::every], *(points[-1:] if (len(points) - 1) % every else ())]
    shown = [point if drawable(*point) else (math.nan, math.nan) for point in thinned]  # nan: a gap
    axes.plot([x for x, _ in shown], [y for _, y in shown], color=mark.stand_in, linewidth=width, alpha=alpha)


def _badge(axes: Axes, mark: Mark, at: tuple[float, float], shift: tuple[float, float] = (0, 0)) -> None:
    axes.annotate(
        mark.letter,
        at,
        xytext=shift,
        textcoords="offset points",
        color=PAPER,
        size=7,
        weight="bold",
        ha="center",
        va="center_baseline",
        annotation_clip=False,
        zorder=4,
        bbox={"boxstyle": "circle,pad=0.25", "facecolor": mark.stand_in, "edgecolor": "none"},
    )


def _end_badges(axes: Axes, ends: Sequence[tuple[Mark, float, float]]) -> None:
    """Letters in a column at the right, each as near to where its line ends as the others let it be."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    axes.set_xlim(left, right + 0.09 * (right - left))
    axes.set_ylim(bottom, top)
    lowest, height = bottom + 0.04 * (top - bottom), 0.94 * (top - bottom)  # off the axis below
    heights = [((y - lowest) / height, mark) for mark, _, y in ends]
    heights.sort(key=lambda end: end[0])
    for (_, mark), place in zip(heights, spread([at for at, _ in heights]), strict=True):
        _badge(axes, mark, (right + 0.05 * (right - left), lowest + place * height))


def spread(heights: Sequence[float], apart: float = 0.08) -> list[float]:
    """Ascending heights in 0 to 1, moved as little as can be to stand `apart`, or as far as fits."""
    if not heights:
        return []
    apart = min(apart, 1 / len(heights))
    steps = [apart * number for number in range(len(heights))]
    wanted = [height - step for height, step in zip(heights, steps, strict=True)]
    highest = 1 - steps[-1]
    return [
        min(max(float(place), 0.0), highest) + step
        for place, step in zip(isotonic_regression(wanted).x, steps, strict=True)
    ]


def _svg(figure: Figure, name: str, says: str) -> Markup:
    """The drawing as an element of a page: ids of its own, no style sheet, `says` for those who hear it."""
    file = StringIO()
    metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    with warnings.catch_warnings():
        # The reader's browser has the letters that matplotlib's font lacks.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        figure.savefig(file, format="svg", metadata=metadata)
    found = _ROOT.search(file.getvalue())
    assert found, "matplotlib writes an <svg> with a viewBox"
    view, drawing = found.groups()
    drawing = _NAMED.sub(rf"\g<1>{name}-", _STYLE.sub("", drawing))
    for colour, variable in STAND_INS.items():
        drawing = drawing.replace(colour, f"var({variable})")
    start = Markup('<svg role="img" aria-label="{}" viewBox="{}">').format(printable(says), view)
    return start + Markup(drawing) + Markup("</svg>")
