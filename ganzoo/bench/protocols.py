"""What two protocols say differently: why two numbers of one name may not be compared."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MISSING = "not set"


@dataclass(frozen=True)
class Differing:
    """One field that is not the same: its `path`, such as `data.count`, and both values, as JSON."""

    path: str
    one: str
    other: str

    def __str__(self) -> str:
        if self.one == MISSING:
            return f"{self.path}: {self.other}, {MISSING} elsewhere"
        return f"{self.path}: {self.other}, not {self.one}"


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> tuple[Differing, ...]:
    """The fields that differ, in the order of `one`, then of `other`; () = the same."""
    mine, its = flat(one), flat(other)
    return tuple(
        Differing(path, mine.get(path, MISSING), its.get(path, MISSING))
        for path in dict.fromkeys((*mine, *its))
        if mine.get(path) != its.get(path)
    )


def told(fields: tuple[Differing, ...]) -> str:
    """`samples: 500, not 2000; ...`."""
    return "; ".join(map(str, fields)) or "their ids differ, their protocols do not say in what"


def flat(tree: Mapping[str, Any], above: str = "") -> dict[str, str]:
    """Mappings in mappings as one, with dotted names; a list is one value. Text as it is, the rest JSON."""
    found: dict[str, str] = {}
    for key, value in tree.items():
        path = f"{above}{key}"
        if isinstance(value, Mapping) and value:
            found |= flat(value, f"{path}.")
        else:
            found[path] = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return found
