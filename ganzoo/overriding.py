"""Changing a recipe's tree at a path: what `recipe.set`, `recipe.add` and `extends` share."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

from ganzoo.errors import GanzooError, did_you_mean
from ganzoo.yaml_source import DEEPEST, Keys

_RIVALS = {
    "steps": "epochs",
    "epochs": "steps",
}  # two ways to say how long a phase is: one replaces the other


class Changed:
    """A copy of a recipe's tree, and of where its parts are written, to be changed."""

    def __init__(self, tree: Mapping[str, Any], origins: Mapping[Keys, str]) -> None:
        self.tree = copy.deepcopy(dict(tree))
        self.origins = dict(origins)

    def put(self, keys: Keys, value: Any, origins: Mapping[Keys, str]) -> None:
        """Put `value` at `keys`, with the origins of the parts of `value`; the end of a list appends."""
        holder = value_at(self.tree, keys[:-1])
        key = keys[-1]
        if value is None and keys[:-1] == ("training",) and key not in holder:
            hint = did_you_mean(str(key), holder)
            raise GanzooError(f"{origins[keys]}: `training` has no `{key}` to remove{hint}")
        if isinstance(holder, list) and key == len(holder):
            holder.append(value)
        else:
            holder[key] = value
        self._forget(keys)
        self.origins.update(origins)
        if len(keys) == 3 and keys[0] == "training" and key in _RIVALS and value is not None:
            rival = _RIVALS[str(key)]
            holder.pop(rival, None)
            self._forget((*keys[:-1], rival))
            self.origins[*keys[:-1], rival] = origins[keys]

    def merge(self, child: Mapping[str, Any], origins: Mapping[Keys, str], keys: Keys = ()) -> None:
        """Merge key by key. Lists, and mappings with `use`, replace what was there; null removes."""
        base = value_at(self.tree, keys)
        for key, value in child.items():
            here = (*keys, key)
            if isinstance(value, dict) and "use" not in value and isinstance(base.get(key), dict):
                self.merge(value, origins, here)
            else:
                self.put(here, copy.deepcopy(value), _under(here, origins))

    def _forget(self, keys: Keys) -> None:
        for gone in _under(keys, self.origins):
            del self.origins[gone]


def resolve(tree: Mapping[str, Any], path: str) -> tuple[Keys, list[str]]:
    """The keys of a dotted path as far as it exists in `tree`, and the words that are left."""
    words = path.split(".")
    value: Any = tree
    keys: list[str | int] = []
    while words:
        word = words[0]
        if isinstance(value, Mapping) and word in value:
            keys.append(word)
        elif isinstance(value, list) and word.isdecimal() and int(word) < len(value):
            keys.append(int(word))
        else:
            break
        value = value[keys[-1]]
        words.pop(0)
    return tuple(keys), words


def value_at(tree: Any, keys: Keys) -> Any:
    """What stands at `keys`, which exist."""
    for key in keys:
        tree = tree[key]
    return tree


def plain(value: Any, origin: str, depth: int = 0) -> Any:
    """A copy of `value` with lists for tuples. GanzooError unless it is made of what YAML can say."""
    if depth > DEEPEST:
        raise GanzooError(f"{origin}: nested deeper than {DEEPEST} levels, or in itself")
    if value is None or type(value) in (bool, int, float, str):
        return value
    if isinstance(value, (list, tuple)):
        return [plain(item, origin, depth + 1) for item in value]
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: plain(item, origin, depth + 1) for key, item in value.items()}
    raise GanzooError(
        f"{origin}: a recipe holds numbers, text, lists and mappings with text as keys,"
        f" not {type(value).__name__}"
    )


def _under(keys: Keys, origins: Mapping[Keys, str]) -> dict[Keys, str]:
    return {place: origin for place, origin in origins.items() if place[: len(keys)] == keys}
