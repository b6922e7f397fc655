"""What fits: `check`."""

from __future__ import annotations

from typing import Annotated

import typer

from ganzoo.cli.options import Changes, Name, recipe_of
from ganzoo.console import say


def check(
    name: Name,
    changes: Changes = None,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Also train its tiny form for a step.")
    ] = False,
) -> None:
    """Check that a recipe's components fit."""
    from ganzoo.assemble import assemble
    from ganzoo.plugins import load

    recipe, registry = recipe_of(name, changes), load()
    say(f"{assemble(recipe, registry)}\n{recipe.name}: everything fits")
    if rehearse:
        from ganzoo.rehearse import rehearse as run

        for loss, value in run(recipe, registry).items():
            say(f"rehearsed {loss}: {value:.4f}")
