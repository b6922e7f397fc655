"""The short public functions: a recipe to a plan, a run to a model, the authors' weights in and out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from ganzoo.assemble import assemble
from ganzoo.catalogue import recipe as find_recipe
from ganzoo.errors import GanzooError, did_you_mean
from ganzoo.plan import Plan
from ganzoo.plugins import load as load_plugins
from ganzoo.recipe import Recipe
from ganzoo.run import Run
from ganzoo.weight_files import read_weights

if TYPE_CHECKING:
    from ganzoo.components import Importer
    from ganzoo.model import Model


def plan(recipe: Recipe | str) -> Plan:
    """Check every wire of a recipe (or of the catalogue's recipe of that name). Raises MismatchError."""
    return assemble(find_recipe(recipe) if isinstance(recipe, str) else recipe, load_plugins())


def load(run: Run | str | Path, which: str = "newest") -> Model:
    """The model of a run folder, with its averaged weights, in evaluation mode. Raises GanzooError.

    `which`: its "newest" checkpoint, its "best", or one by name, such as "step-00002000".
    """
    return (run if isinstance(run, Run) else Run.open(run)).load(which)


def load_official(model: Model, family: str, state: Mapping[str, Any]) -> Model:
    """Fill `model` with the authors' weights: state dicts in memory, or the paths of files that hold them.

    `state` is {"generator": ..., "discriminators": [...]}. Files are .safetensors or what torch.save wrote;
    nothing in them is run.

    `family` names an importer, such as "gan-int-cls". Every key must be used: GanzooError lists unknown,
    missing and misshapen ones. Returns the model.
    """
    importer(family).load(model, {name: _read(part) for name, part in state.items()})
    return model


def _read(part: Any) -> Any:
    """State dicts for paths, also in lists."""
    if isinstance(part, (list, tuple)):
        return [_read(one) for one in part]
    return read_weights(Path(part).expanduser()) if isinstance(part, (str, Path)) else part


def export_official(model: Model, family: str) -> Mapping[str, Any]:
    """The model's weights under the authors' keys; the inverse of `load_official`, bit for bit."""
    return importer(family).export(model)


def importer(family: str) -> Importer:
    """The importer called `family`, with or without its plugin's prefix. GanzooError if there is none."""
    registry = load_plugins()
    known = registry.components("importers")
    families = {name.split("/")[1]: name for name in known}
    if "/" not in family and family not in families:
        hint = did_you_mean(family, families)
        raise GanzooError(f"no importer is called `{family}`{hint or ';'} there are {', '.join(families)}")
    full = families.get(family, family)
    return cast("Importer", registry.get("importers", full)())
