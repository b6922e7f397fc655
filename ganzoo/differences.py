"""What two recipes say differently, value by value."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Final

from ganzoo.catalogue import recipe as find_recipe
from ganzoo.outline import dotted
from ganzoo.recipe import Recipe
from ganzoo.yaml_source import Keys


class _NotSet(Enum):
    """Nothing stands at a path, which is not the same as `null`."""

    NOT_SET = "not set"

    def __str__(self) -> str:
        return self.value


NOT_SET: Final = _NotSet.NOT_SET


@dataclass(frozen=True)
class Difference:
    """One value that is not the same in recipes A and B.

    `path` as `Recipe.set` takes it; `a`, `b`: the plain values, `NOT_SET` where a recipe has none.
    """

    path: str
    a: Any
    b: Any


def diff(a: Recipe | str | Path, b: Recipe | str | Path) -> tuple[Difference, ...]:
    """What two recipes (names in the catalogue, recipe files, run folders) say differently; () = the same.

    `extends` is resolved. Names are not compared. Raises GanzooError where there is no such recipe.
    """
    one, other = (found if isinstance(found, Recipe) else find_recipe(found) for found in (a, b))
    return tuple(_compare((), one.tree, other.tree))


def _compare(keys: Keys, a: Any, b: Any) -> Iterator[Difference]:
    if _is_inner(a, b):
        one, other = _items(a), _items(b)
        for key in dict.fromkeys((*one, *other)):
            yield from _compare((*keys, key), one.get(key, NOT_SET), other.get(key, NOT_SET))
    elif a != b:
        yield Difference(dotted(keys), a, b)


def _is_inner(a: Any, b: Any) -> bool:
    """Whether to compare item by item: mappings and lists of mappings, as far as both sides have any.

    A list of plain values, such as Adam's `betas`, is one value.
    """
    sides = [side for side in (a, b) if side is not NOT_SET]
    return all(isinstance(side, Mapping) for side in sides) or all(
        isinstance(side, list) and side and all(isinstance(item, Mapping) for item in side) for side in sides
    )


def _items(side: Any) -> Mapping[Any, Any]:
    if side is NOT_SET:
        return {}
    return side if isinstance(side, Mapping) else dict(enumerate(side))
