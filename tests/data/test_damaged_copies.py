"""Copies of data sets that are damaged: one clear message each, and docs/data.md says the same."""

from __future__ import annotations

import re
from pathlib import Path

import damages
import pytest

PAGE = Path(__file__).parents[2] / "docs" / "data.md"
# What Pillow, json and pickletools say differs between their versions.
FOREIGN = re.compile(r"(\(image file|or none: |is no valid JSON: ).*")


@pytest.mark.parametrize("kind", damages.FORMATS)
def test_a_copy_without_damage_is_read(kind: str, tmp_path: Path) -> None:
    damages.read(kind, damages.FORMATS[kind].build(tmp_path / "copy"), tmp_path / "cache")


@pytest.mark.parametrize("kind, what", damages.cases())
def test_each_kind_of_damage_is_named(
    kind: str, what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    said = damages.message(kind, what, tmp_path)
    assert not (tmp_path / "hacked").exists()
    row = next(
        line for line in PAGE.read_text("utf-8").splitlines() if line.startswith(f"| {kind} | {what} |")
    )
    assert FOREIGN.sub("", row) == FOREIGN.sub("", f"| {kind} | {what} | {damages.escaped(said)} |")


def test_the_page_tells_of_no_other_damage() -> None:
    section = PAGE.read_text("utf-8").split("## Damaged copies")[1].split("\n## ")[0]
    rows = re.findall(r"^\| (core/[^|]+) \| ([^|]+) \|", section, re.MULTILINE)
    assert rows == damages.cases()
