"""Arguments and options that several commands share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from ganzoo.recipe import Recipe

Name = Annotated[str, typer.Argument(metavar="NAME", help="A model of the catalogue, or a recipe file.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change the recipe: data.batch=16. Repeatable."),
]
Device = Annotated[
    str | None, typer.Option(metavar="[auto|cpu|cuda]", help="Where to compute [default: auto].")
]


def count(help: str, default: int) -> Any:
    """An option that counts something; its default is that of the setting behind it."""
    return typer.Option(metavar="N", help=f"{help} [default: {default}]")


def recipe_of(name: str, changes: list[str] | None) -> Recipe:
    """The recipe NAME with its `--set` changes."""
    from ganzoo.catalogue import recipe as find

    recipe = find(name)
    for change in changes or []:
        recipe = recipe.set_text(change)
    return recipe
