"""What commands print: fitted to a terminal, one line a row where it is piped."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ganzoo.errors import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

PIPED_WIDTH = 10_000  # off a terminal nothing is wrapped or cut


def say(what: RenderableType) -> None:
    """Print to stdout. Text is left as it is: square brackets are no markup."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else PIPED_WIDTH
    Console(width=width, markup=False, highlight=False).print(
        printable(what) if isinstance(what, str) else what, soft_wrap=isinstance(what, str)
    )


def say_table(columns: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> None:
    """Columns as wide as they need to be; on a narrow terminal all but the first wrap."""
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, no_wrap=number == 0, overflow="fold")
    for row in rows:
        table.add_row(*map(printable, row))
    say(table)


def say_yaml(text: str) -> None:
    """Print YAML, in colours on a terminal."""
    if not sys.stdout.isatty():
        return say(text)
    from rich.syntax import Syntax

    say(Syntax(printable(text), "yaml", theme="ansi_dark", background_color="default", word_wrap=True))


def warn(text: str) -> None:
    """Print a warning to stderr."""
    print(f"warning: {printable(text)}", file=sys.stderr)
