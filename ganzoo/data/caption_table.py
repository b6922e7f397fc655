"""Tables of captions: captions.csv and captions.jsonl, one caption a line, each mistake named by its line."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.errors import GanzooError, did_you_mean

REQUIRED = ("file", "caption")
OPTIONAL = ("class", "split")
SPLITS = ("train", "test", "val")


@dataclass(frozen=True)
class Row:
    """One caption of one picture. `class_name` and `split` are None where the table has no such column."""

    line: int
    file: str
    caption: str
    class_name: str | None = None
    split: str | None = None


def read_table(path: Path) -> list[Row]:
    """The rows of a .csv file with a header, or of a .jsonl file with an object a line.

    Raises GanzooError: wrong or missing columns, a malformed line, an empty value, an unknown split, not
    UTF-8.
    """
    read = _jsonl if path.suffix == ".jsonl" else _csv
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            return [_row(path, line, fields) for line, fields in read(path, stream)]
    except UnicodeDecodeError as error:
        raise GanzooError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from error


def _csv(path: Path, stream: Iterable[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    reader = csv.reader(stream, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_columns(path, header)
        for values in reader:
            if len(values) not in (0, len(header)):
                raise GanzooError(
                    f"{path}:{reader.line_num} has {len(values)} values; expected {len(header)}: "
                    f"{', '.join(header)} (a caption with a comma goes in double quotes)"
                )
            if values:
                yield reader.line_num, dict(zip(header, values, strict=True))
    except csv.Error as error:
        raise GanzooError(f"{path}:{reader.line_num} is no valid CSV: {error}") from error


def _jsonl(path: Path, stream: Iterable[str]) -> Iterator[tuple[int, Mapping[str, Any]]]:
    for line, text in enumerate(stream, 1):
        if not text.strip():
            continue
        try:
            fields = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise GanzooError(f"{path}:{line} is no valid JSON: {error}") from error
        if not isinstance(fields, dict):
            raise GanzooError(f'{path}:{line} is no JSON object; expected {{"file": ..., "caption": ...}}')
        _check_columns(path, list(fields), line)
        yield line, fields


def _check_columns(path: Path, found: list[str], line: int = 1) -> None:
    """Required columns are there, and none is almost an optional one. Others are left alone."""
    missing = [name for name in REQUIRED if name not in found]
    if missing:
        hint = _rename(missing[0], found)
        raise GanzooError(
            f"{path}:{line} has no column `{missing[0]}`{hint}; found: {', '.join(found) or 'nothing'}; "
            f"expected: {', '.join(REQUIRED)} and, if wanted, {', '.join(OPTIONAL)}"
        )
    for name in found:
        if name not in REQUIRED + OPTIONAL and (hint := did_you_mean(name, set(OPTIONAL) - set(found))):
            raise GanzooError(f"{path}:{line} has a column `{name}`{hint}")


def _rename(wanted: str, found: list[str]) -> str:
    """The found column that was probably meant to be `wanted`, as a hint."""
    close = did_you_mean(wanted, found).removeprefix("; did you mean ").removesuffix("?")
    return f"; rename {close} to `{wanted}`?" if close else ""


def _row(path: Path, line: int, fields: Mapping[str, Any]) -> Row:
    values = {}
    for name in (*REQUIRED, *OPTIONAL):
        if name in fields:
            value = fields[name]
            if not isinstance(value, str) or not value.strip():
                kind = "empty" if value is None or isinstance(value, str) else "no text"
                raise GanzooError(f"{path}:{line}: `{name}` is {kind}")
            values[name] = value.strip()
    split = values.get("split")
    if split is not None and split not in SPLITS:
        raise GanzooError(
            f"{path}:{line}: split `{split}` is none of {', '.join(SPLITS)}{did_you_mean(split, SPLITS)}"
        )
    return Row(line, values["file"], values["caption"], values.get("class"), split)
