"""A recipe: which components make a model and how it is trained. Read from YAML, changed by `set`.

Every value knows where it was written, so that whoever finds a mistake later can say so.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ganzoo import yaml_source
from ganzoo.errors import GanzooError, did_you_mean
from ganzoo.outline import (
    Node,
    Outline,
    Phase,
    StageEntry,
    Update,
    dotted,
    is_component,
    known_keys,
    node_at,
    tidy,
    typed,
)
from ganzoo.overriding import Changed, plain, resolve, value_at
from ganzoo.yaml_source import Keys, Source

__all__ = ["Node", "Phase", "Recipe", "StageEntry", "Update", "load_recipes"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")  # it also names a folder below runs/
MOST_RECIPES, MOST_VALUES = 200, 1_000  # in one file; in one recipe: others may extend it


@dataclass(frozen=True)
class Recipe:
    """A named model, checked in outline: GanzooError lists all mistakes. Changing it makes a new one.

    `tree`: what it says as plain dicts, lists and scalars; `origins`: where each part of it is written.
    """

    name: str
    tree: Mapping[str, Any]
    origins: Mapping[Keys, str] = field(compare=False, repr=False)
    extends: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise GanzooError(f"the recipe name {self.name!r} must be of the form {_NAME.pattern}")
        _ = self._outline

    @cached_property
    def _outline(self) -> Outline:
        outline = typed(self.tree, self._where)
        if isinstance(outline, Outline):
            return outline
        if len(outline) == 1:
            raise GanzooError(f"recipe {self.name}: {outline[0]}")
        numbered = "".join(f"\n  {number}. {mistake}" for number, mistake in enumerate(outline, 1))
        raise GanzooError(f"recipe {self.name}: {len(outline)} mistakes{numbered}")

    @property
    def title(self) -> str:
        """One line for people."""
        return self._outline.title

    @property
    def paper(self) -> str:
        """Authors, year, identifier."""
        return self._outline.paper

    @property
    def distributions(self) -> tuple[str, ...]:
        """The pip packages that supply its components."""
        return self._outline.distributions

    @property
    def reported(self) -> Mapping[str, Any]:
        """Scores the paper reports."""
        return self._outline.reported

    @property
    def data(self) -> Node | None:
        """The data set."""
        return self._outline.data

    @property
    def text(self) -> Node | None:
        """The text encoder."""
        return self._outline.text

    @property
    def image(self) -> Node | None:
        """The image encoder."""
        return self._outline.image

    @property
    def conditioning(self) -> Node | None:
        """The conditioning of all stages that have none of their own."""
        return self._outline.conditioning

    @property
    def noise(self) -> int:
        """Width of the noise vector."""
        return self._outline.noise

    @property
    def stages(self) -> tuple[StageEntry, ...]:
        """The generator's stages, coarsest first."""
        return self._outline.stages

    @property
    def phases(self) -> Mapping[str, Phase]:
        """The phases of training, in order."""
        return self._outline.training

    def node(self, path: str) -> Node:
        """The component at a path like `stages.0.stage`. GanzooError when there is none."""
        keys = self._find(path, f"recipe {self.name}")
        if not is_component(keys):
            raise GanzooError(f"recipe {self.name}: `{path}` is not the place of a component")
        return node_at(value_at(self.tree, keys), keys, self._where)

    def path_of(self, path: str) -> str:
        """Where the value at a path, or the nearest part around it, is written: `registry.yaml:57`."""
        return self._where(resolve(self.tree, path)[0])

    def was_set(self, path: str) -> bool:
        """Whether what stands at a path, or that nothing does, was said by `set` or `add`, not by a file."""
        keys, missing = resolve(self.tree, path)
        return self._where((*keys, *missing)).startswith(("--set ", "recipe.set(", "recipe.add("))

    def set(self, path: str, value: Any) -> Recipe:
        """With another value at a path: `set("text", "clip/text")`, `set("stages.0.stage.channels", 64)`.

        None removes what a recipe may do without; `steps` replaces `epochs` and the other way round.
        """
        return self._set(path, value, f"recipe.set({path!r}, {value!r})")

    def set_text(self, assignment: str) -> Recipe:
        """`set` as written on the command line: `"training.gan.ema=0.999"`, the value as YAML."""
        path, equals, text = assignment.partition("=")
        origin = f"--set {assignment}"
        if not equals:
            raise GanzooError(f"{origin}: expected path=value, as in --set noise=100")
        return self._set(path.strip(), yaml_source.parse(text, origin).data, origin)

    def add(self, path: str, item: Any) -> Recipe:
        """With one more item at the end of a list: `add("training.gan.updates.generator.losses", {...})`."""
        origin = f"recipe.add({path!r}, {item!r})"
        keys = self._find(path, origin)
        items = value_at(self.tree, keys)
        if not isinstance(items, list):
            raise GanzooError(f"{origin}: `{path}` is not a list; recipe.set changes it")
        changed = Changed(self.tree, self.origins)
        changed.put((*keys, len(items)), plain(item, origin), {(*keys, len(items)): origin})
        return replace(self, tree=tidy(changed.tree), origins=changed.origins)

    def named(self, name: str) -> Recipe:
        """The same recipe under another name."""
        return replace(self, name=name)

    def to_dict(self) -> dict[str, Any]:
        """What it says, as plain data; `extends` is resolved."""
        return copy.deepcopy(dict(self.tree))

    def to_yaml(self) -> str:
        """A file with this one recipe, in the form of registry.yaml."""
        return yaml_source.dump({"recipes": {self.name: self.to_dict()}})

    @classmethod
    def from_yaml(cls, text: str, name: str | None = None, where: str = "recipe.yaml") -> Recipe:
        """The one recipe of such a file, called `name` if given. `where`: the file's name in messages."""
        recipe = only(parse_recipes(yaml_source.parse(text, where), {}), None, where)
        return recipe if name is None else recipe.named(name)

    def _where(self, keys: Keys) -> str:
        while keys not in self.origins:
            keys = keys[:-1]
        return self.origins[keys]

    def _set(self, path: str, value: Any, origin: str) -> Recipe:
        keys = self._find(path, origin, new=True)
        changed = Changed(self.tree, self.origins)
        changed.put(keys, plain(value, origin), {keys: origin})
        return replace(self, tree=tidy(changed.tree), origins=changed.origins)

    def _find(self, path: str, said: str, new: bool = False) -> Keys:
        """The keys of a path. With `new` its last key may be one that could stand there but does not yet."""
        keys, missing = resolve(self.tree, path)
        if not missing:
            return keys
        value, key, here = value_at(self.tree, keys), missing[0], f"`{dotted(keys)}`" if keys else "a recipe"
        if isinstance(value, list):
            raise GanzooError(f"{said}: {here} is a list of {len(value)}, counted from 0; it has no `{key}`")
        if not isinstance(value, dict):
            raise GanzooError(f"{said}: {here} is the value {value!r}; there is no `{key}` in it")
        known = known_keys(keys)
        if new and len(missing) == 1 and (known is None or key in known):
            return (*keys, key)
        hint = did_you_mean(key, {*value, *(known or ())}) or f"; there is {', '.join(value)}"
        raise GanzooError(f"{said}: {here} has no `{key}`{hint}")


def load_recipes(
    path: Path, shown: str | None = None, others: Mapping[str, Recipe] | None = None
) -> dict[str, Recipe]:
    """The recipes of a YAML file. `others`: more recipes they may extend. `shown`: its name in messages."""
    return parse_recipes(yaml_source.read(path, shown), others or {})


def parse_recipes(
    source: Source, others: Mapping[str, Recipe], beside: frozenset[str] = frozenset()
) -> dict[str, Recipe]:
    """The recipes of a parsed file like registry.yaml. `beside`: other keys that may stand at its top."""
    data = source.data
    if not isinstance(data, dict) or not isinstance(data.get("recipes"), dict):
        raise GanzooError(f"{source.shown} must have `recipes:`, a mapping of names to recipes")
    if unknown := set(data) - {"recipes", *beside}:
        key = min(unknown)
        hint = did_you_mean(key, ("recipes", *beside))
        raise GanzooError(f"{source.where((key,))}: a file of recipes has no `{key}`{hint}")
    if len(data["recipes"]) > MOST_RECIPES:
        raise GanzooError(f"{source.where(('recipes',))}: more than {MOST_RECIPES} recipes in one file")
    origins: dict[str, dict[Keys, str]] = {name: {} for name in data["recipes"]}
    for keys, line in source.lines.items():
        if keys[:1] == ("recipes",) and len(keys) > 1:
            origins[str(keys[1])][keys[2:]] = f"{source.shown}:{line}"
    for name, places in origins.items():
        if len(places) > MOST_VALUES:
            raise GanzooError(f"{places[()]}: recipe {name} has more than {MOST_VALUES:,} values")
    return {name: _recipe(name, data["recipes"], origins, others) for name in data["recipes"]}


def only(recipes: Mapping[str, Recipe], name: str | None, shown: str) -> Recipe:
    """The recipe of that name; without a name, the only one."""
    if name is not None and name in recipes:
        return recipes[name]
    if name is None and len(recipes) == 1:
        return next(iter(recipes.values()))
    listed = ", ".join(recipes) or "none"
    if name is None:
        raise GanzooError(f"{shown} has {len(recipes)} recipes, say which one, as in {shown}:NAME: {listed}")
    raise GanzooError(f"{shown} has no recipe {name!r}{did_you_mean(name, recipes)} It has: {listed}")


def _recipe(
    name: str, raw: Mapping[str, Any], origins: Mapping[str, Mapping[Keys, str]], others: Mapping[str, Recipe]
) -> Recipe:
    where = origins[name][()]
    said = raw[name]
    if not isinstance(said, dict):
        raise GanzooError(f"{where}: recipe {name} must be a mapping, not {said!r}")
    if "extends" not in said:
        return Recipe(name, tidy(said), origins[name])
    parent = said["extends"]
    line = origins[name][("extends",)]
    if not isinstance(parent, str) or (parent not in raw and parent not in others):
        hint = did_you_mean(str(parent), {*raw, *others})
        raise GanzooError(f"{line}: recipe {name} extends {parent!r}, which does not exist{hint}")
    if (isinstance(raw.get(parent), dict) and "extends" in raw[parent]) or getattr(
        others.get(parent), "extends", None
    ):
        raise GanzooError(
            f"{line}: recipe {name} extends {parent}, which extends another itself; one level only"
        )
    base = _recipe(parent, raw, origins, others) if parent in raw else others[parent]
    changed = Changed(base.tree, base.origins)
    changed.merge({key: value for key, value in said.items() if key != "extends"}, origins[name])
    changed.origins[()] = where
    return Recipe(name, tidy(changed.tree), changed.origins, parent)
