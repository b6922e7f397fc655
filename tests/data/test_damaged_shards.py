"""Shards that are damaged: one clear message each, and docs/data.md says the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import shard_damages
from damages import escaped

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


def test_the_page_tells_of_no_other_damage() -> None:
    section = PAGE.read_text("utf-8").split("## Damaged shards")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (core/[^|]+) \| ([^|]+) \|", section, re.MULTILINE)
    assert rows == shard_damages.cases()
