"""Two comparisons side by side: what changed for the models that both have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ganzoo.bench.columns import digits, overlap, ranking
from ganzoo.bench.protocols import Differing, differing, told
from ganzoo.bench.results import Results, Row, Score
from ganzoo.bench.wording import number
from ganzoo.errors import printable

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True)
class Pair:
    """One number of one model in both; None where one of them has not got it.

    `differs`: the fields of the protocol that are not the same. `comparable`: both are there, under one id;
    only then is there a `difference` (second minus first) and is it said whether the intervals `overlap`
    (None: one has no interval).
    """

    model: str
    name: str
    first: Score | None
    second: Score | None
    differs: tuple[Differing, ...] = ()

    @property
    def comparable(self) -> bool:
        """Whether the two numbers mean the same."""
        return self.first is not None and self.second is not None and self.first.id == self.second.id

    @property
    def difference(self) -> float | None:
        """Second minus first."""
        if self.first is None or self.second is None or not self.comparable:
            return None
        return self.second.value - self.first.value

    @property
    def overlap(self) -> bool | None:
        """Whether the intervals share a point."""
        if self.first is None or self.second is None or not self.comparable:
            return None
        return overlap(self.first, self.second)

    @property
    def better(self) -> str:
        """`first` or `second`; "" where they are equal, or may not be compared."""
        change = self.difference
        if not change or self.first is None:
            return ""
        return "second" if (change < 0) == self.first.lower_is_better else "first"

    @property
    def digits(self) -> int:
        """Digits after the point that its numbers are written with."""
        return digits([score for score in (self.first, self.second) if score is not None])

    @property
    def verdict(self) -> str:
        """What follows, in words."""
        if self.first is None or self.second is None:
            return f"only the {'second' if self.first is None else 'first'} has it"
        if not self.comparable:
            return f"not comparable: {told(self.differs)}"
        if self.overlap:
            return "not told apart: the intervals overlap"
        said = f"{self.better} is better" if self.better else "equal"
        return said if self.overlap is False else f"{said}, but not both have an interval"


@dataclass(frozen=True)
class Comparison:
    """`pairs`: by model, in the order of the first. `missing`: models that only one has finished, and why.

    `settings`: what was asked for that differs. It says nothing about what may be compared; protocols do.
    """

    pairs: tuple[Pair, ...]
    missing: tuple[tuple[str, str], ...] = ()
    settings: tuple[Differing, ...] = ()


def compare(first: Results, second: Results) -> Comparison:
    """The scores of models of one name, side by side. Only scores of one id are subtracted."""
    names = dict.fromkeys(row.name for one in (first, second) for row in _in_order(one))
    pairs: list[Pair] = []
    missing: list[tuple[str, str]] = []
    for name in names:
        one, other = first.row(name), second.row(name)
        if one is not None and other is not None and one.state == other.state == "done":
            pairs += pair(one, other, (*first.metrics, *second.metrics))
        else:
            missing.append((name, f"first: {_standing(one)}; second: {_standing(other)}"))
    return Comparison(tuple(pairs), tuple(missing), differing(first.settings, second.settings))


def _in_order(results: Results) -> list[Row]:
    """All rows, finished ones first, best first."""
    placed, others = ranking(results)
    return [*placed, *others, *(row for row in results.rows if row.state != "done")]


def pair(one: Row, other: Row, order: tuple[str, ...] = ()) -> Iterator[Pair]:
    """The scores of two rows by name, those in `order` first. `model` is the first row's name."""
    names = [score.name for score in (*one.scores, *other.scores)]
    for name in dict.fromkeys((*(name for name in order if name in names), *names)):
        mine = [score for score in one.scores if score.name == name]
        its = [score for score in other.scores if score.name == name]
        same = {score.id for score in mine} & {score.id for score in its}
        first = next((score for score in mine if score.id in same or not same), None)
        second = next((score for score in its if first and score.id == first.id), its[0] if its else None)
        fields = differing(first.protocol, second.protocol) if first and second else ()
        yield Pair(one.name, name, first, second, fields)


def table(comparison: Comparison) -> Table:
    """One line a score, for a terminal: a model's name stands where its lines begin."""
    from rich.table import Table

    made = Table(box=None, header_style="bold", pad_edge=False)
    made.add_column("model", no_wrap=True)
    made.add_column("score", no_wrap=True)
    for heading in ("first", "second", "difference"):
        made.add_column(heading, justify="right", no_wrap=True)
    made.add_column("", overflow="fold")
    before = None
    for line in comparison.pairs:
        change = line.difference
        told = "" if change is None else ("+" if change > 0 else "") + number(change, line.digits)
        cells = (
            line.model if line.model != before else "",
            f"{line.name} {'↓' if _lower(line) else '↑'}",
            with_interval(line.first, line.digits),
            with_interval(line.second, line.digits),
            told,
            line.verdict,
        )
        made.add_row(*map(printable, cells))
        before = line.model
    return made


def with_interval(score: Score | None, digits: int) -> str:
    """`0.0123 [0.0101, 0.0140]`."""
    if score is None:
        return ""
    said = number(score.value, digits)
    if score.low is None or score.high is None:
        return said
    return f"{said} [{number(score.low, digits)}, {number(score.high, digits)}]"


def _lower(line: Pair) -> bool:
    score = line.first or line.second
    return score is not None and score.lower_is_better


def _standing(row: Row | None) -> str:
    if row is None:
        return "not in it"
    return f"{row.state}, {row.reason}" if row.reason else row.state
