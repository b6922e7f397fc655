"""The authors' checkpoints: `convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganzoo.cli.hints import how_to_draw
from ganzoo.cli.options import Changes, recipe_of
from ganzoo.console import say


def convert(
    family: Annotated[
        str, typer.Argument(metavar="FAMILY", help="Whose checkpoints: see `ganzoo list importers`.")
    ],
    weights: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=FILE",
            help="A network's file: generator=netG.pth, discriminators.0=netD.pth, ... Repeatable.",
        ),
    ],
    recipe: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The model [default: that of the checkpoints they released]."),
    ] = None,
    changes: Changes = None,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The run folder [default: runs/NAME].")
    ] = None,
) -> None:
    """Make a run folder of the authors' checkpoints.

    A discriminator's number counts from 0, coarse to fine. What has no file keeps random weights.
    """
    from ganzoo.progress import show_log

    show_log()
    from ganzoo import api
    from ganzoo import convert as run
    from ganzoo.convert import parse_files

    files = parse_files(weights)
    name = recipe or api.importer(family).recipe
    made = run(family, files, recipe_of(name, changes) if name else None, out)
    say(f"{made.path}: {how_to_draw(made.recipe, made.path)}")
