"""A look at every picture of a data set: how many, how large, which are broken, which are there twice."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from ganzoo.data.cache import UNREADABLE, decode
from ganzoo.data.examples import Examples

SIDE = 64  # pixels at which pictures are compared
CHUNK = 256  # pictures looked at before progress is told


@dataclass(frozen=True)
class SplitSurvey:
    """One split. `captions`: all of them; `distinct`: different ones; `fewest`, `most`: a picture.

    `classes`: 0 where there are none. `looked_at`: pictures opened. `sides`: the smallest, the median and the
    largest shorter side of these in pixels, zeros where none opened. `broken`: keys of those that cannot be
    read, with the reason.
    """

    name: str
    pictures: int
    captions: int
    distinct: int
    fewest: int
    most: int
    classes: int
    looked_at: int
    sides: tuple[int, int, int]
    broken: tuple[str, ...]


@dataclass(frozen=True)
class Survey:
    """All splits. `across`: pairs of keys, of the same picture in both splits; `within`: in the same one.

    Pictures are the same whose pixels are, stretched to 64 x 64. `shared_classes`: how many both splits have.
    """

    splits: tuple[SplitSurvey, ...]
    across: tuple[tuple[str, str], ...]
    within: tuple[tuple[str, str], ...]
    shared_classes: int


@dataclass(frozen=True)
class _Look:
    """What one picture gave: its shorter side and a digest of its pixels, or why it cannot be read."""

    side: int = 0
    digest: bytes = b""
    broken: str = ""


def survey(
    splits: Mapping[str, Examples],
    most: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Survey:
    """Open `most` pictures of each split, evenly spread, or all. `progress(done, total)` is called."""
    rows = {name: _spread(len(examples), most) for name, examples in splits.items()}
    total, done = sum(map(len, rows.values())), 0
    looks: dict[str, list[_Look]] = {name: [] for name in splits}
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for name, examples in splits.items():
            for start in range(0, len(rows[name]), CHUNK):
                chunk = rows[name][start : start + CHUNK]
                looks[name] += pool.map(lambda row, own=examples: _look(own, row), chunk)
                done += len(chunk)
                if progress:
                    progress(done, total)
    first: dict[bytes, tuple[str, str]] = {}
    across: list[tuple[str, str]] = []
    within: list[tuple[str, str]] = []
    for name, examples in splits.items():
        for row, look in zip(rows[name], looks[name], strict=True):
            if not look.digest:
                continue
            split, key = first.setdefault(look.digest, (name, examples.keys[row]))
            if (split, key) != (name, examples.keys[row]):
                (within if split == name else across).append((key, examples.keys[row]))
    found = tuple(_survey(name, examples, rows[name], looks[name]) for name, examples in splits.items())
    ids = [set(examples.class_id.tolist()) for examples in splits.values() if examples.class_id is not None]
    shared = len(set.intersection(*ids)) if len(ids) > 1 else 0
    return Survey(found, tuple(across), tuple(within), shared)


def _spread(count: int, most: int | None) -> list[int]:
    """Up to `most` of `count` rows, evenly spread."""
    if most is None or most >= count:
        return list(range(count))
    return [int(row) for row in np.linspace(0, count - 1, most).round()]


def _look(examples: Examples, row: int) -> _Look:
    try:
        image = examples.image(row)
        side = min(image.size)
        pixels = decode(image, SIDE).tobytes()
    except UNREADABLE as error:
        return _Look(broken=f"{examples.keys[row]} ({error})")
    return _Look(side, hashlib.blake2b(pixels, digest_size=16).digest())


def _survey(name: str, examples: Examples, rows: list[int], looks: list[_Look]) -> SplitSurvey:
    each = [len(own) for own in examples.captions]
    sides = sorted(look.side for look in looks if look.side)
    return SplitSurvey(
        name=name,
        pictures=len(examples),
        captions=sum(each),
        distinct=len({caption for own in examples.captions for caption in own}),
        fewest=min(each, default=0),
        most=max(each, default=0),
        classes=0 if examples.class_id is None else len(np.unique(examples.class_id)),
        looked_at=len(rows),
        sides=(sides[0], sides[len(sides) // 2], sides[-1]) if sides else (0, 0, 0),
        broken=tuple(look.broken for look in looks if look.broken),
    )
