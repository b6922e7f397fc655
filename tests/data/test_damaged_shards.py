"""Shards that are damaged: one clear message each, and docs/data.md says the same."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from random import Random

import pytest
import shard_damages
from damages import escaped

from ganzoo.data.cache import UNREADABLE, decode
from ganzoo.errors import GanzooError

PAGE = Path(__file__).parents[2] / "docs" / "data.md"
# What tarfile and pyarrow say differs between their versions.
FOREIGN = re.compile(r"(is damaged: |at its beginning: |after entry [^:]*: ).*?(; get this shard anew)")


@pytest.mark.parametrize("kind, what", shard_damages.cases())
def test_each_kind_of_damage_is_named(kind: str, what: str, tmp_path: Path) -> None:
    said = shard_damages.message(kind, what, tmp_path)
    assert shard_damages.FORMATS[kind][3][what][1] in said and said.isprintable()
    row = next(
        line for line in PAGE.read_text("utf-8").splitlines() if line.startswith(f"| {kind} | {what} |")
    )
    assert FOREIGN.sub("", row) == FOREIGN.sub("", f"| {kind} | {what} | {escaped(said)} |")


@pytest.mark.parametrize("kind", shard_damages.FORMATS)
def test_whatever_bytes_are_changed_it_is_read_or_one_message(kind: str, tmp_path: Path) -> None:
    data, build, name, _ = shard_damages.FORMATS[kind]
    build(tmp_path)
    whole, random = (tmp_path / name).read_bytes(), Random(kind)
    read = 0
    for _ in range(80):
        changed = bytearray(whole)
        for _ in range(random.choice((1, 1, 2, 8))):
            changed[random.randrange(len(changed))] = random.choice((0, 255, random.randrange(256)))
        (tmp_path / name).write_bytes(
            changed[: random.choice((len(changed), random.randrange(len(changed))))]
        )
        with contextlib.suppress(GanzooError):
            examples = data(test_share=0).examples("train", tmp_path, 8)
            for row in range(len(examples)):
                with contextlib.suppress(*UNREADABLE):
                    decode(examples.image(row), 8)
            read += 1
    assert 0 < read < 80


def test_the_page_tells_of_no_other_damage() -> None:
    section = PAGE.read_text("utf-8").split("## Damaged shards")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (core/[^|]+) \| ([^|]+) \|", section, re.MULTILINE)
    assert rows == shard_damages.cases()
