"""Who is compared: names of models, recipes or run folders to one row each, all on the same data."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from pydantic_core import to_jsonable_python

from ganzoo.assemble import assemble
from ganzoo.catalogue import load as load_catalogue
from ganzoo.catalogue import recipe as find_recipe
from ganzoo.components import Dataset
from ganzoo.differences import Difference, diff
from ganzoo.errors import GanzooError, did_you_mean
from ganzoo.layouts import draws_keypoints
from ganzoo.plan import PhasePlan, Plan
from ganzoo.plugins import Registry
from ganzoo.recipe import Recipe
from ganzoo.run import RECIPE, Run

log = logging.getLogger("ganzoo")

NO_PART = ("title", "paper", "distributions", "reported")  # of how a model is made


@dataclass(frozen=True, eq=False)
class Contestant:
    """One row: its recipe on the data of the comparison, and the runs it has already.

    `plan` is None where it cannot be compared, and `reason` says why.
    """

    name: str
    recipe: Recipe
    plan: Plan | None = None
    reason: str = ""
    runs: list[Run] = field(default_factory=list)


def contestants(models: Sequence[str], data: str | None, registry: Registry) -> list[Contestant]:
    """A row for each of `models`: names or beginnings of names in the catalogue, recipe files, run folders.

    `data`: a data set's component, such as emoji/emoji; None = that of the first. A beginning, such as
    `gan-int-cls`, stands for the catalogue's model on that data, the one with the shortest name; another
    model is put on that data. Without `models`: the catalogue's models on that data. Run folders with one
    recipe are one row.

    Raises GanzooError for a name that nothing fits, and where neither models nor data are named.
    """
    if not models and not data:
        raise GanzooError("name models to compare, or `--data` to compare all that the catalogue has for it")
    if data:
        registry.get("datasets", data)
    names = list(models) or [
        name for name, one in load_catalogue(registry).recipes.items() if one.data and one.data.use == data
    ]
    if not names:
        raise GanzooError(f"the catalogue has no model for {data}; name some")
    found: list[Contestant] = []
    for name in dict.fromkeys(names):
        run = Run.open(name) if (Path(name).expanduser() / RECIPE).is_file() else None
        recipe = run.recipe if run else _found(name, data, registry)
        assert recipe.data is not None, f"{name} has data"
        data = data or recipe.data.use
        if run:
            _add_run(found, run, recipe, data, registry)
        else:
            found.append(_planned(recipe if recipe.data.use == data else _moved(recipe, data), registry))
    names = [row.name for row in found]
    if twice := [name for name in names if names.count(name) > 1]:
        raise GanzooError(f"{twice[0]} would be two rows; name it once, or give one of them another name")
    return alike(found, registry)


def alike(rows: Sequence[Contestant], registry: Registry) -> list[Contestant]:
    """The rows with the data set's options of the first that can be compared, but for runs.

    Which pictures there are, and how many, is the same for all; what a model asks of them, such as embeddings
    or boxes, and its batch, crops and flips, stay its own.
    """
    first = next((row.plan.data for row in rows if row.plan), None)
    if first is None:
        return list(rows)
    common = {field.name for field in fields(Dataset)}
    shared = [field.name for field in fields(first) if field.name not in common]
    return [row if row.runs or not row.plan else _alike(row, first, shared, registry) for row in rows]


def _alike(row: Contestant, first: Dataset, shared: Sequence[str], registry: Registry) -> Contestant:
    assert row.plan is not None
    recipe, data = row.recipe, row.plan.data
    for name in shared:
        other = replace(data, **{name: getattr(first, name)})
        if other != data and other.yields() == data.yields():
            log.info("%s: data.%s is %s, as for all", row.name, name, getattr(first, name))
            recipe, data = recipe.set(f"data.{name}", to_jsonable_python(getattr(first, name))), other
    return row if recipe is row.recipe else _planned(recipe, registry)


def differences(rows: Sequence[Contestant]) -> list[tuple[Contestant, Contestant, str, tuple[str, str]]]:
    """The pairs whose recipes differ in one place: that place, and both values."""
    found = []
    for number, one in enumerate(rows):
        for other in rows[number + 1 :]:
            places = _places(one.recipe, other.recipe)
            if len(places) == 1:
                found.append((one, other, places[0].path, (_short(places[0].a), _short(places[0].b))))
    return found


def made_otherwise(one: Recipe, other: Recipe) -> list[str]:
    """The places where two recipes differ, but for titles, the length of training and what is measured."""
    return [place.path for place in _places(one, other)]


def _places(one: Recipe, other: Recipe) -> list[Difference]:
    return [
        place
        for place in diff(one, other)
        if place.path.split(".")[0] not in NO_PART and not _length(place.path)
    ]


def _length(path: str) -> bool:
    return re.fullmatch(r"training\.[^.]+\.(steps|epochs|measure(\..*)?)", path) is not None


def _short(value: Any) -> str:
    return str(value.get("use", value) if isinstance(value, dict) else value)


def _found(name: str, data: str | None, registry: Registry) -> Recipe:
    """The recipe called `name`, or the one that its name begins with and that is for `data`."""
    recipes = load_catalogue(registry).recipes
    if name in recipes or Path(name).suffix in (".yaml", ".yml") or ".yaml:" in name:
        return find_recipe(name)
    beginning = {full: one for full, one in recipes.items() if full.startswith(f"{name}-")}
    fitting = [one for one in beginning.values() if one.data and one.data.use == data]
    shortest = [one for one in fitting if len(one.name) == min(len(other.name) for other in fitting)]
    if len(shortest) == 1:
        return shortest[0]
    if not beginning:
        raise GanzooError(
            f"there is no model {name!r}{did_you_mean(name, recipes)}; `ganzoo list` shows them"
        )
    wanted = f" for {data}" if data else "; name one, or the data with --data"
    if shortest:
        raise GanzooError(f"{name!r} may be {' or '.join(one.name for one in shortest)}; name one")
    raise GanzooError(f"no model called {name!r}{wanted}; there is {', '.join(beginning)}")


def _moved(recipe: Recipe, data: str) -> Recipe:
    """The recipe on another data set, with its batch and its crops."""
    assert recipe.data is not None
    kept = {
        name: value
        for name, value in recipe.data.options.items()
        if name in ("batch", "load_size", "mismatched")
    }
    return recipe.set("data", {"use": data, **kept})


def _planned(recipe: Recipe, registry: Registry) -> Contestant:
    try:
        plan = assemble(recipe, registry)
    except GanzooError as error:
        return Contestant(recipe.name, recipe, reason=str(error))
    if draws_keypoints(plan):
        return Contestant(recipe.name, recipe, reason="it draws keypoints, not pictures")
    trained = {level for phase in plan.phases for level in phase.stages if _trains_generator(phase)}
    if len(plan.stages) - 1 not in trained:
        return Contestant(recipe.name, recipe, reason="it trains encoders alone, and draws nothing")
    return Contestant(recipe.name, recipe, plan)


def _trains_generator(phase: PhasePlan) -> bool:
    return any(update.name == "generator" for update in phase.updates)


def _add_run(found: list[Contestant], run: Run, recipe: Recipe, data: str, registry: Registry) -> None:
    for row in found:
        if row.runs and not diff(row.recipe, recipe):
            row.runs.append(run)
            return
    assert recipe.data is not None
    taken = {row.name for row in found}
    name = recipe.name if recipe.name not in taken else run.path.name
    row = _planned(recipe, registry)
    reason = row.reason
    if recipe.data.use != data:
        reason = f"it was trained on {recipe.data.use}, the comparison is on {data}"
    found.append(Contestant(name, recipe, None if reason else row.plan, reason, [run]))
