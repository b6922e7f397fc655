"""The authors' checkpoint files to a run folder that draws and trains like one of ganzoo's own."""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo import api, vocabulary
from ganzoo.catalogue import recipe as find_recipe
from ganzoo.checkpoint import Checkpoint, model_state
from ganzoo.errors import GanzooError
from ganzoo.recipe import Recipe
from ganzoo.run import Run

if TYPE_CHECKING:
    from ganzoo.model import Model

log = logging.getLogger("ganzoo")

Files = Mapping[str, "str | Path | Sequence[str | Path | None]"]

_NAMED = re.compile(r"(?P<name>[a-z_]+)(\.(?P<place>[0-9]{1,3}))?=(?P<path>.+)")


def convert(
    family: str, files: Files, recipe: Recipe | str | None = None, run_dir: str | Path | None = None
) -> Run:
    """Make a run folder of the authors' files: `ganzoo sample` draws with it, training goes on from it.

    `family` names an importer, such as "stackgan-v1". `files`: a path for each network, named as in
    `load_official`; in "discriminators" a list, coarse to fine, None for one that is not there. What has no
    file keeps random weights, and the log says so. `recipe` (a Recipe, or a name in the catalogue) must have
    the sizes of the files; by default it is the one whose released checkpoints the importer reads. `run_dir`:
    by default runs/NAME. The folder appears whole or not at all. Raises GanzooError.
    """
    recipe = recipe or api.importer(family).recipe
    if not recipe:
        raise GanzooError(f"{family} has no recipe of its own; say which model the files are of")
    recipe = find_recipe(recipe) if isinstance(recipe, str) else recipe
    if not files:
        raise GanzooError(f"nothing to convert to {recipe.name}: no file was given")
    folder = Path(run_dir).expanduser() if run_dir else Path("runs") / recipe.name
    _check_free(folder)
    model = api.plan(recipe).build()
    state: dict[str, Any] = {**files}
    if "discriminators" in state:
        given = list(state["discriminators"])
        state["discriminators"] = given + [None] * (len(model.discriminators) - len(given))
    api.load_official(model, family, state)
    if random := list(_random(model, state)):
        log.info("random weights, as there is no file: %s", ", ".join(random))
    _write(folder, recipe, model, {"family": family, "files": {n: str(p) for n, p in _flat(state)}})
    return Run(folder)


def parse_files(assignments: Sequence[str]) -> dict[str, str | list[str | None]]:
    """Files as written on the command line: `generator=netG.pth`, `discriminators.1=netD.pth` (from 0)."""
    plain: dict[str, str] = {}
    lists: dict[str, dict[int, str]] = {}
    for assignment in assignments:
        match = _NAMED.fullmatch(assignment)
        if match is None:
            raise GanzooError(
                f"--weights {assignment}: expected NAME=FILE, as in generator=netG.pth, or NAME.NUMBER=FILE "
                "in a list, as in discriminators.0=netD.pth"
            )
        name, place, path = match["name"], match["place"], match["path"]
        if name in plain or (not place and name in lists) or (place and int(place) in lists.get(name, {})):
            raise GanzooError(f"--weights {assignment}: {name} has a file already")
        if place:
            lists.setdefault(name, {})[int(place)] = path
        else:
            plain[name] = path
    filled = {name: [at.get(n) for n in range(max(at) + 1)] for name, at in lists.items()}
    return {**plain, **filled}


def _check_free(folder: Path) -> None:
    """Raise GanzooError unless `folder` is absent or empty."""
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        raise GanzooError(f"{folder} is there already; name another folder with `--out`, or delete it")


def _random(model: Model, state: Mapping[str, Any]) -> Iterator[str]:
    """The parts of the model that no file filled, by their names in `state`."""
    encoders: dict[str, tuple[Any, Any]] = {
        "text_encoder": (model.plan.text, model.text_encoder),
        "image_encoder": (model.plan.image, model.image_encoder),
    }
    for name, (component, encoder) in encoders.items():
        learns = (
            component and not component.pretrained and encoder and any(True for _ in encoder.parameters())
        )
        if learns and name not in state:
            yield name
    if "generator" not in state:
        yield "generator"
    judges = state.get("discriminators") or [None] * len(model.discriminators)
    yield from (f"discriminators.{place}" for place, file in enumerate(judges) if file is None)


def _flat(state: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, part in state.items():
        if isinstance(part, list):
            yield from ((f"{name}.{place}", path) for place, path in enumerate(part) if path is not None)
        else:
            yield name, part


def _write(folder: Path, recipe: Recipe, model: Model, source: Mapping[str, Any]) -> None:
    partial = Run(folder.parent / f".partial-{folder.name}")
    phase = next(iter(recipe.phases), "")
    try:
        shutil.rmtree(partial.path, ignore_errors=True)
        with partial.begun(recipe, {"converted": source}):
            vocabulary.keep(partial.vocabulary, vocabulary.learnt(model.plan, ()))
            partial.save(Checkpoint(phase, 0, 0, model_state(model), None, {}), keep=0)
        if folder.exists():
            folder.rmdir()
        os.replace(partial.path, folder)
    except OSError as error:
        raise GanzooError(f"cannot write the run folder {folder}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(partial.path, ignore_errors=True)
