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
    """All that can be named. `brought_by`: each recipe's source. `problems`: what is left out, and why."""

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
        left_out = "".join(f"\n  left out: {problem}" for problem in self.problems)
        raise GanzooError(f"there is no recipe {name!r}{hint}{left_out}")


def load(registry: plugins.Registry | None = None, path: Path | None = None) -> Catalogue:
    """The catalogue of registry.yaml (or of the file at `path`) and of the plugins in `registry`.

    What is wrong with a plugin is a problem, and its recipes are left out. Of a name that is brought twice
    registry.yaml's is used, or none.
    """
    path = path or registry_path()
    registry = registry or plugins.load()
    source = read(path, path.name)
    own = parse_recipes(source, {}, beside=frozenset({"distributions"}))
    files = registry.recipes()
    problems = [str(problem) for problem in registry.problems()]
    found, brought_by = dict(own), dict.fromkeys(own, path.name)
    for plugin, file in files:
        try:
            brought = load_recipes(file, f"{file.parent.name}/{file.name}", own)
        except GanzooError as error:
            problems.append(f"{plugin}: {error}")
            continue
        for name, one in brought.items():
            if name not in brought_by:
                found[name], brought_by[name] = one, f"plugin '{plugin.prefix}'"
                continue
            used = "that one is used"
            if name not in own:
                found.pop(name, None)
                used = "neither is used"
            problems.append(f"{plugin}: recipe {name} is brought by {brought_by[name]} too; {used}")
    brought_by = {name: brought_by[name] for name in found}
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
        if folder.name != text:
            raise GanzooError(f"there is no run folder {folder}; a recipe is a name or ends in .yaml")
        return catalogue.recipe(text)
    path, wanted = (Path(file["path"]).expanduser(), file["name"]) if file else (folder / "recipe.yaml", None)
    if not path.is_file():
        raise GanzooError(f"there is no file {path}")
    return only(load_recipes(path, others=catalogue.recipes), wanted, str(path))
