"""The command line: each command calls one public function; only commands that compute import torch."""

from __future__ import annotations

import sys
import time
from typing import Annotated

import typer

from ganzoo import launch
from ganzoo.cli import (
    benching,
    catalogue,
    comparing,
    converting,
    data,
    drawing,
    evaluating,
    planning,
    plugins,
    training,
)
from ganzoo.console import say
from ganzoo.errors import GanzooError

GRACE = 10.0  # seconds in which the process that has something to say can say it

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
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    """Text-to-image GANs: list models, mix their components, train them, draw with them."""
    if context.invoked_subcommand and context.invoked_subcommand != "train":
        launch.refuse_several(context.invoked_subcommand)


app.command("list")(catalogue.list_)
app.command()(catalogue.show)
app.command()(catalogue.diff)
app.command("plugins")(plugins.plugins)
app.command()(plugins.install)
app.command("new-plugin")(plugins.new_plugin)
app.command()(planning.check)
app.command()(planning.plan)
app.add_typer(data.app, name="data")
app.command()(training.train)
app.command()(drawing.sample)
app.command("eval")(evaluating.evaluate)
app.add_typer(benching.app, name="bench", short_help="Compare models on the same data, and time them.")
app.command()(converting.convert)
app.command()(comparing.compare)


def main() -> None:
    """The `ganzoo` command: a user's mistake is one message and exit code 1, in several processes too."""
    try:
        app(prog_name="ganzoo")
    except GanzooError as error:
        if launch.speaks(error):
            print(f"error: {error}", file=sys.stderr)
        else:
            time.sleep(GRACE)  # launchers end all processes as soon as the first has ended
        sys.exit(1)
