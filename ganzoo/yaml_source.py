"""YAML to plain data that remembers the line of every node, and back: a small, safe part of YAML.

Plain scalars follow YAML 1.2 (`1e-4` is a float, `no` is a string). Anchors, aliases, tags and duplicate keys
are refused: they hide where a value comes from. Keys are always strings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from ganzoo import untrusted
from ganzoo.errors import GanzooError

Keys: TypeAlias = tuple[str | int, ...]

LARGEST_FILE = 1_000_000  # bytes
DEEPEST = 32  # levels of nesting
MOST_VALUES = 20_000  # in one file
LONGEST_NUMBER = 100  # characters; anything longer is text

_INT = re.compile(r"[-+]?[0-9]+$")
_FLOAT = re.compile(r"(?:[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.inf|\.nan)$")
_WORDS: dict[str, object] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None,
    "true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False,
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """What a YAML text says (`data`: dicts, lists, scalars) and the line, from 1, of each of its nodes."""

    data: Any
    lines: Mapping[Keys, int]
    shown: str

    def where(self, keys: Keys) -> str:
        """`"registry.yaml:57"`: where the node at `keys`, or the nearest one around it, is written."""
        while keys not in self.lines:
            keys = keys[:-1]
        return f"{self.shown}:{self.lines[keys]}"


def read(path: Path, shown: str | None = None) -> Source:
    """Read a YAML file; `shown` is its name in messages. GanzooError when it cannot be read or is refused."""
    shown = shown or str(path)
    return parse(untrusted.read_text(path, LARGEST_FILE, shown), shown)


def parse(text: str, shown: str) -> Source:
    """The data and lines of one YAML document. GanzooError, with file:line, for what is wrong or refused."""
    try:
        return _Parser(text, shown).document()
    except yaml.YAMLError as error:
        mark: Any = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or str(error)
        where = f"{shown}:{min(mark.line, text.rstrip().count(chr(10))) + 1}" if mark else shown
        raise GanzooError(f"{where}: not valid YAML: {problem}") from error


def dump(data: Mapping[str, Any]) -> str:
    """YAML that `parse` reads back as the same data. Innermost mappings and lists are written on one line."""
    text: str = yaml.dump(
        dict(data), Dumper=_Dumper, sort_keys=False, default_flow_style=None, allow_unicode=True, width=110
    )
    return text


class _Parser:
    def __init__(self, text: str, shown: str) -> None:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml, where PyYAML was built with it
        self.events: Iterator[Any] = iter(yaml.parse(text, Loader=loader))
        self.shown = shown
        self.lines: dict[Keys, int] = {(): 1}

    def document(self) -> Source:
        next(self.events)  # StreamStart
        data: Any = None
        if isinstance(next(self.events), yaml.DocumentStartEvent):
            data = self.value(next(self.events), ())
            next(self.events)  # DocumentEnd
            after = next(self.events)
            if isinstance(after, yaml.DocumentStartEvent):
                raise self.refused(after, "a second document (`---`) is not allowed")
        return Source(data, self.lines, self.shown)

    def value(self, event: Any, keys: Keys) -> Any:
        self.check(event, keys)
        self.lines.setdefault(keys, self.line(event))
        if len(self.lines) > MOST_VALUES:
            raise self.refused(event, f"more than {MOST_VALUES:,} values in one file")
        if isinstance(event, yaml.ScalarEvent):
            return _scalar(event.value) if event.implicit[0] else event.value
        if isinstance(event, yaml.SequenceStartEvent):
            return self.sequence(keys)
        return self.mapping(keys)

    def sequence(self, keys: Keys) -> list[Any]:
        items: list[Any] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self.value(event, (*keys, len(items))))
        return items

    def mapping(self, keys: Keys) -> dict[str, Any]:
        items: dict[str, Any] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            key = self.key(event, keys)
            if key in items:
                raise self.refused(event, f"`{key}` is given twice, first in line {self.lines[*keys, key]}")
            self.lines[*keys, key] = self.line(event)
            items[key] = self.value(next(self.events), (*keys, key))
        return items

    def key(self, event: Any, keys: Keys) -> str:
        self.check(event, keys)
        if not isinstance(event, yaml.ScalarEvent):
            raise self.refused(event, "a key must be a word, not a list or a mapping")
        return str(event.value)

    def check(self, event: Any, keys: Keys) -> None:
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self.refused(event, "anchors and aliases (& and *) are not allowed; use `extends`")
        if event.tag is not None and event.tag != "!":
            raise self.refused(event, f"the tag {event.tag} is not allowed")
        if len(keys) > DEEPEST:
            raise self.refused(event, f"nested deeper than {DEEPEST} levels")

    def refused(self, event: Any, reason: str) -> GanzooError:
        return GanzooError(f"{self.shown}:{self.line(event)}: {reason}")

    def line(self, event: Any) -> int:
        return int(event.start_mark.line) + 1


def _scalar(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if len(text) <= LONGEST_NUMBER:
        if _INT.match(text):
            return int(text)
        if _FLOAT.match(text):
            return float(text.replace(".inf", "inf").replace(".nan", "nan"))
    return text


class _Dumper(yaml.SafeDumper):
    """PyYAML's, without aliases; it also quotes text that `_scalar` takes for a number, and rare breaks."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: _Dumper, text: str) -> yaml.ScalarNode:
    style = '"' if any(character in "\x85\u2028\u2029" for character in text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
_Dumper.add_implicit_resolver("tag:yaml.org,2002:int", _INT, list("-+0123456789"))
_Dumper.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))
