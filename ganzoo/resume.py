"""Going on with a run: with the same recipe and seed, from its newest checkpoint that is not damaged."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ganzoo.differences import diff
from ganzoo.errors import GanzooError
from ganzoo.recipe import Recipe
from ganzoo.run import Run
from ganzoo.settings import Settings

if TYPE_CHECKING:
    from ganzoo.checkpoint import Checkpoint

log = logging.getLogger("ganzoo")

# What may change on the way: how long phases are, and what is measured.
HARMLESS = re.compile(r"training\.[^.]+\.(steps|epochs|measure(\..*)?)")

# Settings that change the arithmetic; with others a run goes on, but not to the same last bit.
ARITHMETIC = ("device", "precision", "compile", "channels_last")


def settings_to_go_on(run: Run, recipe: Recipe, given: Mapping[str, Any]) -> Settings:
    """The run's settings where `given` has none.

    Raises GanzooError where `recipe` is another one than the run's (see `refusals`), or the seed is.
    """
    different = refusals(run.recipe, recipe)
    if different:
        listed = "\n  ".join(different)
        raise GanzooError(f"{run.path} cannot go on with another recipe; it differs in\n  {listed}")
    names = {field.name for field in fields(Settings)}
    before = Settings.of({name: value for name, value in run.settings.items() if name in names})
    stated = {name: getattr(before, name) for name in names}
    now = Settings.of(stated | {name: value for name, value in given.items() if value is not None})
    if now.seed != before.seed:
        raise GanzooError(
            f"{run.path} was started with seed {before.seed}; with seed {now.seed} it would not go on, but "
            "become another run. Leave the seed out"
        )
    if now.encoders != before.encoders:
        own = f"encoders of {before.encoders}" if before.encoders else "encoders of its own"
        raise GanzooError(
            f"{run.path} was started with {own}; with those of {now.encoders} it would not go on, but become "
            "another run. Leave `--encoders` out"
        )
    for name in ARITHMETIC:
        if getattr(now, name) != getattr(before, name):
            log.info(
                "going on with %s %s instead of %s: not to the same last bit",
                name, getattr(now, name), getattr(before, name),
            )  # fmt: skip
    return now


def refusals(before: Recipe, now: Recipe) -> list[str]:
    """The differences of two recipes for which a run does not go on: `path: before, now after`.

    Lengths of phases and metrics may change where somebody said so, by `--set` or `Recipe.set`.
    """
    lines = []
    for found in diff(before, now):
        line = f"{found.path}: {found.a} in the run, now {found.b}"
        if not HARMLESS.fullmatch(found.path):
            lines.append(line)
        elif not now.was_set(found.path):
            lines.append(f"{line} (this may change where `--set` says so)")
    return lines


def last_sound(run: Run) -> Checkpoint:
    """The newest checkpoint that is as it was saved; a warning tells which newer ones are not, and why.

    Raises GanzooError where there is none.
    """
    from ganzoo.checkpoint import DamagedCheckpoint, load

    damaged: list[str] = []
    for path in reversed(run.saved):
        try:
            found = load(path)
        except DamagedCheckpoint as error:
            damaged.append(str(error))
            continue
        for said in damaged:
            log.warning("%s; going on from %s", said, path.name)
        return found
    if not damaged:
        raise GanzooError(f"{run.path} has no checkpoint to go on from; delete it to begin again")
    raise GanzooError("\n".join([f"{run.path} has no checkpoint to go on from:", *damaged]))
