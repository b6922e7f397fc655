"""Tables of captions: captions.csv and captions.jsonl, one caption a line, each mistake named by its line."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo import untrusted
from ganzoo.errors import GanzooError, did_you_mean

REQUIRED = ("file", "caption")
OPTIONAL = ("class", "split")
SPLITS = ("train", "test", "val")
LARGEST_TABLE = 500_000_000  # bytes; the captions of MS-COCO take 40 MB
LONGEST_CAPTION = 10_000  # characters

_NO_TEXT = re.compile("[\0\ud800-\udfff]")  # NUL, and halves of surrogate pairs, which JSON can write


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

    Raises GanzooError: wrong or missing columns, a malformed line, an empty value or a far too long one, an
    unknown split, not UTF-8.
    """
    read = _jsonl if path.suffix == ".jsonl" else _csv
    stream = io.StringIO(untrusted.read_text(path, LARGEST_TABLE), newline="")
    return [_row(path, line, fields) for line, fields in read(path, stream)]


def check_caption(caption: str, where: str) -> None:
    """Raise GanzooError, beginning with `where`, for a caption far too long or with what is no text."""
    if len(caption) > LONGEST_CAPTION:
        raise GanzooError(f"{where} has {len(caption)} characters; expected at most {LONGEST_CAPTION}")
    if _NO_TEXT.search(caption):
        raise GanzooError(f"{where} has characters that are no text: {caption!r}")


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
        fields = untrusted.parse_json(text, f"{path}:{line}")
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
            check_caption(value, f"{path}:{line}: `{name}`")
            values[name] = value.strip()
    split = values.get("split")
    if split is not None and split not in SPLITS:
        raise GanzooError(
            f"{path}:{line}: split `{split}` is none of {', '.join(SPLITS)}{did_you_mean(split, SPLITS)}"
        )
    return Row(line, values["file"], values["caption"], values.get("class"), split)
