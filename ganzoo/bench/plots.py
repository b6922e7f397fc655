"""Which figures the report has: scores with their intervals, quality beside speed, curves over training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ganzoo.bench.columns import Column
from ganzoo.bench.figures import Line, Point, curves, drawable, intervals, scatter
from ganzoo.bench.results import Curve
from ganzoo.bench.views import Model
from ganzoo.bench.wording import short


@dataclass(frozen=True)
class Course:
    """A number over training, once by step, once by seconds; `asked`: it is one of the metrics."""

    name: str
    asked: bool
    plots: Sequence[Markup]


def score_plots(models: Sequence[Model], columns: Sequence[Column]) -> list[Markup]:
    """A figure a column, for those with an interval to show."""
    plots = []
    for number, column in enumerate(columns):
        points = [
            Point(models[line].mark, line, score.value, score.low, score.high)
            for line, score in sorted(column.scores.items())
            if drawable(score.value)
        ]
        if len(points) > 1 and any(point.low is not None for point in points):
            floor = column.floor if drawable(column.floor) else None
            says = f"{column.name} with its intervals. " + _said(models, column)
            plots.append(intervals(points, len(models), floor, directed(column), f"score{number}", says))
    return plots


def speed_plots(models: Sequence[Model], column: Column) -> list[Markup]:
    """The first score beside how fast models draw, and how fast they train."""

    def drawing(model: Model) -> float | None:
        return model.row.sampling.throughput if model.row.sampling else None

    def training(model: Model) -> float | None:
        return model.images_per_second

    kinds: tuple[tuple[str, str, Callable[[Model], float | None]], ...] = (
        ("drawing", "pictures drawn a second", drawing),
        ("training", "pictures trained on a second", training),
    )
    plots = []
    for name, x, speed in kinds:
        points, said = [], []
        for line, score in sorted(column.scores.items()):
            value = speed(models[line])
            if value is not None and value > 0 and drawable(value, score.value):
                points.append(Point(models[line].mark, value, score.value, score.low, score.high))
                said.append(f"{models[line].row.name}: {short(value)} {x}, {short(score.value)}")
        if points:
            says = f"{column.name} beside {x}. " + "; ".join(said)
            plots.append(scatter(points, x, directed(column), name, says))
    return plots


def courses(models: Sequence[Model], metrics: Sequence[str]) -> list[Course]:
    """Every number over training, metrics first."""
    there = dict.fromkeys(curve.name for model in models for curve in model.row.curves)
    names = [*(name for name in metrics if name in there), *(name for name in there if name not in metrics)]
    return [_course(models, name, name in metrics, number) for number, name in enumerate(names)]


def directed(column: Column) -> str:
    """`kid (lower is better)`."""
    return f"{column.name} ({'lower' if column.lower_is_better else 'higher'} is better)"


def _course(models: Sequence[Model], name: str, asked: bool, number: int) -> Course:
    found = [(model, _points(model.row.curves, name)) for model in models]
    drawn = [(model, seeds) for model, seeds in found if seeds]
    ends = "; ".join(f"{model.row.name} ends at {short(seeds[0][-1][2])}" for model, seeds in drawn)
    plots = []
    for place, x in enumerate(("steps", "seconds")):
        lines = [
            Line(model.mark, [[(point[place], point[2]) for point in seed] for seed in seeds])
            for model, seeds in drawn
        ]
        if lines:
            says = f"{name} over {x} of training. {ends}"
            plots.append(curves(lines, x, name, f"curve{number}{x}", says))
    return Course(name, asked, plots)


def _points(curves: Sequence[Curve], name: str) -> list[list[tuple[float, float, float]]]:
    return [curve.points for curve in curves if curve.name == name and curve.points]


def _said(models: Sequence[Model], column: Column) -> str:
    return "; ".join(f"{models[line].row.name}: {short(column.scores[line].value)}" for line in column.ranked)
