"""Who is compared: names of models, recipes or run folders to one row each, all on the same data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ganzoo.assemble import assemble
from ganzoo.catalogue import load as load_catalogue
from ganzoo.catalogue import recipe as find_recipe
from ganzoo.differences import diff
from ganzoo.errors import GanzooError, did_you_mean
from ganzoo.layouts import draws_keypoints
from ganzoo.plan import PhasePlan, Plan
from ganzoo.plugins import Registry
from ganzoo.recipe import Recipe
from ganzoo.run import RECIPE, Run

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
    `gan-int-cls`, stands for the catalogue's model on that data; another model is put on that data. Without
    `models`: the catalogue's models on that data. Run folders with one recipe are one row.

    Raises GanzooError for a name that nothing fits, and where neither models nor data are named.
    """
    if not models and not data:
        raise GanzooError("name models to compare, or `--data` to compare all that the catalogue has for it")
    if data and "/" in data and data not in registry.components("datasets"):
        known = registry.components("datasets")
        raise GanzooError(f"no data set {data!r}{did_you_mean(data, known)}; there is {', '.join(known)}")
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
    doubles = [row.name for row in found]
    if len(set(doubles)) < len(doubles):
        twice = next(name for name in doubles if doubles.count(name) > 1)
        raise GanzooError(f"{twice} would be two rows; name it once, or give one of them another name")
    return found


def differences(rows: Sequence[Contestant]) -> list[tuple[Contestant, Contestant, str, tuple[str, str]]]:
    """The pairs whose recipes differ in one place: that place, and both values."""
    found = []
    for number, one in enumerate(rows):
        for other in rows[number + 1 :]:
            places = [
                place
                for place in diff(one.recipe, other.recipe)
                if place.path.split(".")[0] not in NO_PART and not _length(place.path)
            ]
            if len(places) == 1:
                found.append((one, other, places[0].path, (_short(places[0].a), _short(places[0].b))))
    return found


def _length(path: str) -> bool:
    return path.startswith("training.") and path.rsplit(".", 1)[-1] in ("steps", "epochs", "measure")


def _short(value: Any) -> str:
    return str(value.get("use", value) if isinstance(value, dict) else value)


def _found(name: str, data: str | None, registry: Registry) -> Recipe:
    """The recipe called `name`, or the one that its name begins with and that is for `data`."""
    recipes = load_catalogue(registry).recipes
    if name in recipes or Path(name).suffix in (".yaml", ".yml") or ".yaml:" in name:
        return find_recipe(name)
    beginning = {full: one for full, one in recipes.items() if full.startswith(f"{name}-")}
    fitting = [one for one in beginning.values() if one.data and one.data.use == data]
    if fitting:
        return min(fitting, key=lambda one: len(one.name))
    if not beginning:
        raise GanzooError(
            f"there is no model {name!r}{did_you_mean(name, recipes)}; `ganzoo list` shows them"
        )
    wanted = f" for {data}" if data else "; name one, or the data with --data"
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
