"""What the report shows, made ready: models in their order with their marks, pictures, ablations, speed."""

from __future__ import annotations

import string
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

from pydantic import BaseModel, Field, ValidationError

from ganzoo.bench.columns import Column, ranking
from ganzoo.bench.comparing import Pair, pair
from ganzoo.bench.embedding import Picture, embed
from ganzoo.bench.figures import COLOURS, Mark
from ganzoo.bench.results import Ablation, Results, Row, Score


@dataclass(frozen=True)
class Model:
    """A finished row; `place` in the ranking, None where it has no score that may be ranked."""

    row: Row
    mark: Mark
    place: int | None

    @property
    def images_per_second(self) -> float | None:
        """Of training: the mean over trainings."""
        speeds = [training.images_per_second for training in self.row.trainings]
        return fmean(speeds) if speeds else None


@dataclass(frozen=True)
class Caption:
    """The pictures of one caption: the real one, and one a model, in the models' order."""

    text: str
    real: Picture | None
    drawn: Sequence[Picture]


@dataclass(frozen=True)
class Changed:
    """An ablation with the scores of its two rows; `problem`: why there are none."""

    ablation: Ablation
    pairs: Sequence[Pair]
    problem: str = ""


class Stats(BaseModel):
    """Seconds, as pytest-benchmark measured them."""

    mean: float
    stddev: float
    median: float
    rounds: int


class Benchmark(BaseModel):
    """One line of a pytest-benchmark report."""

    name: str
    group: str | None = None
    stats: Stats
    extra_info: dict[str, Any] = Field(default_factory=dict)


class Speed(BaseModel):
    """What the report reads of a pytest-benchmark report."""

    benchmarks: list[Benchmark]

    @property
    def groups(self) -> dict[str, list[Benchmark]]:
        """By group, in their order."""
        found: dict[str, list[Benchmark]] = {}
        for benchmark in self.benchmarks:
            found.setdefault(benchmark.group or "", []).append(benchmark)
        return found


def models(results: Results) -> list[Model]:
    """Finished rows, best first; those without a place in the ranking follow."""
    placed, others = ranking(results)
    return [
        Model(row, Mark(_letters(number), number % COLOURS + 1), number + 1 if number < len(placed) else None)
        for number, row in enumerate([*placed, *others])
    ]


def captions(results: Results, models: Sequence[Model], folder: Path) -> list[Caption]:
    """All pictures, by caption."""

    def picture(names: Sequence[str], number: int) -> Picture:
        return embed(folder, names[number]) if number < len(names) else Picture(problem="not drawn")

    return [
        Caption(
            text,
            picture(results.real, number) if results.real else None,
            [picture(model.row.pictures, number) for model in models],
        )
        for number, text in enumerate(results.captions)
    ]


def ablations(results: Results) -> dict[str, list[Changed]]:
    """Ablations by the place in the recipe that differs, with the scores that were asked for."""
    found: dict[str, list[Changed]] = {}
    for ablation in results.ablations:
        found.setdefault(ablation.path, []).append(_changed(results, ablation))
    return found


def speed(results: Results) -> Speed | str | None:
    """The speed report; why it cannot be shown; None where there is none."""
    if results.speed is None:
        return None
    try:
        return Speed.model_validate(results.speed)
    except ValidationError as error:
        first = error.errors()[0]
        return f"`{'.'.join(map(str, first['loc']))}`: {first['msg']}"


def leaks(scores: Sequence[Score]) -> dict[str, int]:
    """Why metrics may favour models: the texts, numbered for notes."""
    texts = dict.fromkeys(score.leaks for score in scores if score.leaks)
    return {text: number for number, text in enumerate(texts, 1)}


def kinds(columns: Sequence[Column]) -> dict[str, list[str]]:
    """What intervals are over, and the names of the scores that have such."""
    found: dict[str, list[str]] = {}
    for column in columns:
        if column.kinds:
            found.setdefault(", ".join(column.kinds), []).append(column.name)
    return found


def leading(models: Sequence[Model], column: Column) -> list[Model]:
    """The best model of a column, then those not told apart from it."""
    return [models[line] for line in column.ranked if line in column.leaders]


def _changed(results: Results, ablation: Ablation) -> Changed:
    one, other = results.row(ablation.one), results.row(ablation.other)
    for name, row in ((ablation.one, one), (ablation.other, other)):
        if row is None or row.state != "done":
            return Changed(ablation, (), f"{name} is {row.state if row else 'not among the models'}")
    assert one is not None and other is not None
    pairs = [found for found in pair(one, other, tuple(results.metrics))]
    asked = [found for found in pairs if found.name in results.metrics]
    return Changed(ablation, asked or pairs, "" if pairs else "neither has a score")


def _letters(number: int) -> str:
    """A to Z, AA to AZ, ..."""
    more, last = divmod(number, 26)
    return (_letters(more - 1) if more else "") + string.ascii_uppercase[last]
