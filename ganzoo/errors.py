"""What ganzoo says to people: every error a user can cause is a `GanzooError`, one clear message each."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class GanzooError(Exception):
    """A mistake the user can mend. The message says who, what was given, what was expected, what fits."""


class StoppedElsewhere(GanzooError):
    """This process ends because another one of its run failed and says why. Often without a message."""


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """`"; did you mean `size`?"` when something close to `given` is known, else an empty string."""
    close = difflib.get_close_matches(given, list(known), n=1, cutoff=0.6)
    return f"; did you mean `{close[0]}`?" if close else ""
