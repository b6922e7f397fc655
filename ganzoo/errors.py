"""What ganzoo says to people: every error a user can cause is a `GanzooError`, one clear message each."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

LONGEST_LINE, MOST_LINES = 2000, 200

# Control characters but tab and newline, marks that turn the direction of writing, halves of surrogates.
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


class GanzooError(Exception):
    """A mistake the user can mend. The message says who, what was given, what was expected, what fits.

    It is `printable`, and cut where what was given is very long.
    """

    def __init__(self, message: str) -> None:
        lines = printable(message).split("\n")
        if len(lines) > MOST_LINES:
            lines[MOST_LINES:] = [f"... and {len(lines) - MOST_LINES} more lines"]
        super().__init__("\n".join(map(_shortened, lines)))


class StoppedElsewhere(GanzooError):
    """This process ends because another one of its run failed and says why. Often without a message."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message)


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """`"; did you mean `size`?"` when something close to `given` is known, else an empty string."""
    close = difflib.get_close_matches(given, list(known), n=1, cutoff=0.6)
    return f"; did you mean `{close[0]}`?" if close else ""


def printable(text: str) -> str:
    r"""`text` without what a terminal obeys: a stranger's file name or caption shows `\x1b`, not colours."""
    return _UNPRINTABLE.sub(lambda found: found[0].encode("unicode_escape").decode(), text)


def _shortened(line: str) -> str:
    if len(line) <= LONGEST_LINE:
        return line
    half = LONGEST_LINE // 2
    return f"{line[:half]} ... [{len(line) - 2 * half} characters] ... {line[-half:]}"
