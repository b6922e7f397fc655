"""The command line: each command calls one public function; only commands that compute import torch."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from ganzoo.cli import catalogue, drawing, planning, plugins, training
from ganzoo.console import say
from ganzoo.errors import GanzooError

app = typer.Typer(
    name="ganzoo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        say(f"ganzoo {version('ganzoo')}")
        raise typer.Exit


@app.callback()
def ganzoo(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    """Text-to-image GANs: list models, mix their components, train them, draw with them."""


app.command("list")(catalogue.list_)
app.command()(catalogue.show)
app.command()(catalogue.diff)
app.command("plugins")(plugins.plugins)
app.command()(plugins.install)
app.command()(planning.check)
app.command()(training.train)
app.command()(drawing.sample)


def main() -> None:
    """The `ganzoo` command: a user's mistake is one message and exit code 1."""
    try:
        app()
    except GanzooError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
