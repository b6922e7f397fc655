"""Which shards are held out, by their names; and numbers for classes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

from ganzoo.errors import GanzooError, did_you_mean

HELD_OUT = ("test", "val", "validation", "valid", "dev")  # the first there is, is the test split
_WORD = re.compile(r"[^\W\d_]+")


def of_shards(shards: Sequence[str], train: str, test: str) -> tuple[list[str], list[str]]:
    """The shards of the training and of the test split, by paths relative to the data folder.

    A shard belongs to the split that a folder of its path, or the first word of its name, is called:
    `train/0.tar`, `data/train-00000-of-00002.parquet`. `train`, `test`: names of the splits; "" = `train`, or
    what is not held out where no shard is called so; and the first of `HELD_OUT` that there is. An empty test
    split says that examples are to be held out otherwise. Raises GanzooError for a split without a shard.
    """
    known = {shard: _words(shard) for shard in shards}
    for wanted in (train, test):
        if wanted and not any(wanted in words for words in known.values()):
            there = {word for words in known.values() for word in words}
            raise GanzooError(
                f"no shard belongs to the split `{wanted}`{did_you_mean(wanted, there)}; names of folders "
                f"and first words of files: {', '.join(sorted(there)) or 'none'}"
            )
    train = train or "train"
    learnt = [shard for shard in shards if train in known[shard]]
    learnt = learnt or [shard for shard in shards if not {test, *HELD_OUT}.intersection(known[shard])]
    if not learnt:
        raise GanzooError(
            f"every shard is held out by its name: {', '.join(shards[:3])}; "
            "name the split to train on with `train_split`"
        )
    test = test or next((name for name in HELD_OUT if any(name in w for w in known.values())), "")
    return learnt, [shard for shard in shards if test in known[shard] and shard not in learnt]


def _words(shard: str) -> list[str]:
    path = PurePosixPath(shard)
    first = _WORD.match(path.stem)
    return [*path.parts[:-1], *([first[0]] if first else [])]


def numbered(names: Iterable[str]) -> dict[str, int]:
    """A number for each distinct class name, in sorted order; short ones first, so that 2 precedes 10."""
    ordered = sorted(set(names), key=lambda name: (len(name) * name.isdecimal(), name))
    return {name: number for number, name in enumerate(ordered)}
