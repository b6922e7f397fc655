"""`ganzoo install NAME`: the distributions that a recipe or a prefix needs, through pip."""

from __future__ import annotations

import subprocess
import sys

from ganzoo import catalogue as catalogues
from ganzoo.catalogue import Catalogue
from ganzoo.distributions import Distribution, installed_version
from ganzoo.errors import GanzooError, did_you_mean

LAST_LINES = 15  # of pip's output in an error


def install(name: str, *, dry_run: bool = False, catalogue: Catalogue | None = None) -> list[tuple[str, ...]]:
    """Install what `name`, a recipe, a distribution or a plugin's prefix, needs and is not installed yet.

    In a checkout the distributions come from its `plugins/` folder (editable), otherwise from PyPI.
    Returns the pip commands, none when all is installed; `dry_run` does not run them.
    GanzooError: nothing is called so, or pip failed.
    """
    catalogue = catalogue or catalogues.load()
    commands: list[tuple[str, ...]] = []
    for distribution in _needed(name, catalogue):
        if distribution.version is None:
            commands.append(_pip(*_origin(distribution, catalogue)))
        missing = [wanted for wanted in distribution.requires_no_deps if not _satisfied(wanted)]
        if missing:
            commands.append(_pip("--no-deps", *missing))
    if not dry_run:
        for command in commands:
            _run(command)
    return commands


def _needed(name: str, catalogue: Catalogue) -> list[Distribution]:
    known = catalogue.distributions
    if name in catalogue.recipes:
        needed = catalogue.recipes[name].distributions
        return [known.get(distribution) or Distribution(distribution, prefix="") for distribution in needed]
    if name in known:
        return [known[name]]
    by_prefix = {distribution.prefix: distribution for distribution in known.values()}
    if name in by_prefix:
        return [by_prefix[name]]
    hint = did_you_mean(name, [*catalogue.recipes, *known, *by_prefix])
    raise GanzooError(f"no recipe, distribution or plugin prefix in the catalogue is called {name!r}{hint}")


def _origin(distribution: Distribution, catalogue: Catalogue) -> tuple[str, ...]:
    folder = catalogue.path.parent / "plugins" / distribution.name
    return ("--editable", str(folder)) if (folder / "pyproject.toml").is_file() else (distribution.name,)


def _satisfied(requirement: str) -> bool:
    name, _, version = requirement.partition("==")
    there = installed_version(name)
    return there is not None and version in ("", there)


def _pip(*arguments: str) -> tuple[str, ...]:
    return (sys.executable, "-m", "pip", "install", *arguments)


def _run(command: tuple[str, ...]) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode != 0:
        end = "\n".join(f"  {line}" for line in done.stdout.splitlines()[-LAST_LINES:])
        raise GanzooError(f"pip failed: {' '.join(command)}\n{end}")
