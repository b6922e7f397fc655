"""What is installed: `plugins`, `install`."""

from __future__ import annotations

import shlex
from typing import Annotated

import typer

from ganzoo.console import say, say_table
from ganzoo.errors import GanzooError


def plugins(
    check: Annotated[
        bool, typer.Option("--check", help="Import every plugin and say what is wrong.")
    ] = False,
) -> None:
    """List installed plugins; check them."""
    from ganzoo.distributions import distributions
    from ganzoo.plugins import load

    registry = load()
    rows = [(p.prefix, p.distribution, p.version, p.value) for p in registry.plugins]
    say_table(("prefix", "distribution", "version", "module"), rows)
    known = [d for d in distributions().values() if d.prefix not in {p.prefix for p in registry.plugins}]
    for distribution in known:
        say(f"not installed: {distribution.name} (ganzoo install {distribution.prefix})")
    if check:
        from ganzoo import catalogue

        problems = [str(problem) for problem in registry.check()]
        problems += catalogue.load(registry).problems
        if problems:
            listed = "".join(f"\n  {number}. {problem}" for number, problem in enumerate(problems, 1))
            raise GanzooError(f"{len(problems)} problem{'s' * (len(problems) > 1)} with plugins{listed}")
        say("every plugin imports and offers what it should")


def install(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A model, a distribution or a plugin's prefix.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be run.")] = False,
) -> None:
    """Install what a model or a plugin needs."""
    from ganzoo.install import install as run

    commands = run(name, dry_run=True)
    for command in commands:
        say(("would run: " if dry_run else "running: ") + shlex.join(command))
    if commands and not dry_run:
        run(name)
    if not (commands and dry_run):
        say(f"{name}: everything is installed")
