"""Scores in columns: each holds numbers of one name and one protocol, which may be compared."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from ganzoo.bench.protocols import Differing, differing, told
from ganzoo.bench.results import Results, Row, Score

MOST_DIGITS = 6


@dataclass(frozen=True)
class Column:
    """The scores of one name and one id, by the number of their line (a model, or a training of one).

    `usual`: most lines that have this score have it under this protocol, so it may stand in the main table.
    `differs`: in what it differs from the usual protocol; () where it is that.
    """

    name: str
    scores: Mapping[int, Score]
    usual: bool = True
    differs: tuple[Differing, ...] = ()

    @property
    def first(self) -> Score:
        """Any of them: they share name, protocol and direction."""
        return next(iter(self.scores.values()))

    @property
    def lower_is_better(self) -> bool:
        """The direction of all of them."""
        return self.first.lower_is_better

    @property
    def why(self) -> str:
        """What is not as usual, in words; "" for the usual protocol."""
        return "" if self.usual else told(self.differs)

    @property
    def floor(self) -> float | None:
        """What real pictures get, where all lines say the same; else each line says it by itself."""
        floors = {score.floor for score in self.scores.values()}
        return floors.pop() if len(floors) == 1 else None

    @property
    def kinds(self) -> tuple[str, ...]:
        """What the intervals are over."""
        return tuple(dict.fromkeys(score.interval for score in self.scores.values() if score.interval))

    @property
    def ranked(self) -> list[int]:
        """Lines, best first; what is not a finite number comes last."""

        def place(line: int) -> tuple[bool, float]:
            value = self.scores[line].value
            if not math.isfinite(value):
                return (True, 0.0)
            return (False, value if self.lower_is_better else -value)

        return sorted(self.scores, key=place)

    @property
    def leaders(self) -> frozenset[int]:
        """The best line, and those whose intervals reach into its: they are not told apart from it."""
        best = self.scores[self.ranked[0]]
        if not math.isfinite(best.value):
            return frozenset()
        return frozenset(
            line
            for line, score in self.scores.items()
            if math.isfinite(score.value) and (score.value == best.value or overlap(best, score))
        )

    @property
    def digits(self) -> int:
        """Digits after the point that its numbers are written with."""
        return digits(list(self.scores.values()))


def overlap(one: Score, other: Score) -> bool | None:
    """Whether the intervals of two scores share a point; None where one has no interval."""
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return None
    return one.low <= other.high and other.low <= one.high


def digits(scores: Sequence[Score]) -> int:
    """Digits after the point: two that count in a typical interval, or four of the largest number."""
    finite = [score for score in scores if math.isfinite(score.value)]
    wide = [
        (score.high - score.low) / 2
        for score in finite
        if score.low is not None and score.high is not None and 0 < score.high - score.low < math.inf
    ]
    size, wanted = (median(wide), 1) if wide else (max((abs(s.value) for s in finite), default=0.0), 3)
    return min(MOST_DIGITS, max(0, wanted - math.floor(math.log10(size)))) if size else 1


def columns(lines: Sequence[Sequence[Score]], order: Sequence[str] = ()) -> list[Column]:
    """All scores of `lines` in columns: names in `order` first, of each name the usual protocol first.

    The usual protocol is the one that most lines share; among equals the one that is met first.
    """
    names = dict.fromkeys((*order, *(score.name for line in lines for score in line)))
    return [column for name in names for column in _of(name, lines)]


def ranking(results: Results) -> tuple[list[Row], list[Row]]:
    """Finished rows in two lists: those with a place, best first, and those without one.

    A place is by the usual protocol of the first metric. A model measured otherwise has a number that says
    nothing beside the others'.
    """
    done = [row for row in results.rows if row.state == "done"]
    first = columns([row.scores for row in done], results.metrics[:1])[:1] if results.metrics else []
    placed = first[0].ranked if first and first[0].name == results.metrics[0] else []
    return [done[line] for line in placed], [row for n, row in enumerate(done) if n not in placed]


def _of(name: str, lines: Sequence[Sequence[Score]]) -> list[Column]:
    found: dict[str, dict[int, Score]] = {}
    for number, line in enumerate(lines):
        for score in line:
            if score.name == name:
                found.setdefault(score.id, {}).setdefault(number, score)
    if not found:
        return []
    ((usual, _),) = Counter({id: len(scores) for id, scores in found.items()}).most_common(1)
    main = Column(name, found.pop(usual))
    others = [
        Column(name, scores, False, differing(main.first.protocol, next(iter(scores.values())).protocol))
        for scores in found.values()
    ]
    return [main, *others]
