"""What is installed, and what is to be: `plugins`, `install`, `new-plugin`."""

from __future__ import annotations

import shlex
from pathlib import Path
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

        registry.check()
        problems = catalogue.load(registry).problems
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


def new_plugin(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="As in my-zoo: the distribution is then ganzoo-my-zoo.")
    ],
    into: Annotated[
        Path, typer.Option(metavar="FOLDER", help="Where the plugin's folder is made.", show_default=False)
    ] = Path("."),
) -> None:
    """Write a small plugin that works, to begin your own with.

    A stage, a loss, a model made with both, and their test.
    """
    from ganzoo.new_plugin import new_plugin as write
    from ganzoo.new_plugin import plugin_names

    folder = write(name, into)
    files = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    quoted, recipe = shlex.quote(str(folder)), plugin_names(name).recipe
    say("\n  ".join([f"{folder} is written:", *files]))
    say(
        "\n  ".join(
            [
                "it works as it is:",
                f"pip install --editable {quoted}",
                f"pytest {quoted}",
                f"ganzoo check {recipe} --rehearse",
                f"ganzoo train {recipe}",
            ]
        )
    )
    say("then put components of your own in the place of its stage and its loss")
