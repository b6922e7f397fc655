"""The catalogue: the recipes of registry.yaml and of plugins, and the distributions they need."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ganzoo import plugins
from ganzoo.distributions import Distribution, parse_distributions, registry_path
from ganzoo.errors import GanzooError, did_you_mean
from ganzoo.recipe import Recipe, load_recipes, only, parse_recipes
from ganzoo.yaml_source import read

__all__ = ["Catalogue", "load", "recipe", "recipes", "registry_path"]

_FILE = re.compile(r"(?P<path>.+\.ya?ml)(?::(?P<name>[^:/\\]+))?")


@dataclass(frozen=True)
class Catalogue:
    """All that can be named. `brought_by`: each recipe's source. `problems`: files of recipes left out."""

    path: Path
    recipes: Mapping[str, Recipe]
    brought_by: Mapping[str, str]
    distributions: Mapping[str, Distribution]
    problems: tuple[str, ...] = field(default=())

    def recipe(self, name: str) -> Recipe:
        """The recipe called `name`; GanzooError with the closest name and what could not be read."""
        if name in self.recipes:
            return self.recipes[name]
        hint = did_you_mean(name, self.recipes) or "; `ganzoo list` shows them"
        unread = "".join(f"\n  recipes that could not be read: {problem}" for problem in self.problems)
        raise GanzooError(f"there is no recipe {name!r}{hint}{unread}")


def load(registry: plugins.Registry | None = None, path: Path | None = None) -> Catalogue:
    """The catalogue of registry.yaml (or of the file at `path`) and of the plugins in `registry`.

    GanzooError when two sources bring a recipe of the same name. A plugin's bad file is listed as a problem.
    """
    path = path or registry_path()
    source = read(path, path.name)
    found = parse_recipes(source, {}, beside=frozenset({"distributions"}))
    own = dict(found)
    brought_by = dict.fromkeys(found, path.name)
    problems = []
    for prefix, file in (registry or plugins.load()).recipes():
        try:
            brought = load_recipes(file, f"{file.parent.name}/{file.name}", own)
        except GanzooError as error:
            problems.append(f"plugin '{prefix}': {error}")
            continue
        for name in brought:
            if name in found:
                raise GanzooError(
                    f"recipe {name} is brought by both {brought_by[name]} and plugin '{prefix}'"
                )
            brought_by[name] = f"plugin '{prefix}'"
        found.update(brought)
    return Catalogue(path, found, brought_by, parse_distributions(source), tuple(problems))


def recipes() -> tuple[str, ...]:
    """The names in the catalogue."""
    return tuple(load().recipes)


def recipe(name: str | Path) -> Recipe:
    """The recipe of that name in the catalogue, or of a file.

    A file is given as `path.yaml` (if it holds one recipe), `path.yaml:name`, or a run's folder.
    It may extend recipes of the catalogue.
    """
    catalogue = load()
    text = str(name)
    if text in catalogue.recipes:
        return catalogue.recipes[text]
    folder = Path(text).expanduser()
    file = _FILE.fullmatch(text)
    if file is None and not folder.is_dir():
        return catalogue.recipe(text)
    path, wanted = (Path(file["path"]).expanduser(), file["name"]) if file else (folder / "recipe.yaml", None)
    if not path.is_file():
        raise GanzooError(f"there is no file {path}")
    return only(load_recipes(path, others=catalogue.recipes), wanted, str(path))
