"""The words a text encoder must know before it is built: learnt as training begins, kept in the run."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from ganzoo import durable, untrusted
from ganzoo.errors import GanzooError
from ganzoo.plan import Plan

LARGEST = 50_000_000  # bytes


def learnt(plan: Plan, captions: Iterable[str]) -> tuple[str, ...] | None:
    """The words that the plan's text encoder must know, of the training captions; None = it needs none."""
    return plan.text.vocabulary_of(captions) if plan.text.learns_words else None


def knowing(plan: Plan, words: Sequence[str] | None) -> Plan:
    """The plan whose text encoder knows `words`; the plan itself where there are none to know."""
    return plan if words is None else replace(plan, text=plan.text.knowing(words))


def keep(path: Path, words: Sequence[str] | None) -> None:
    """Write `words`, if there are any to know, one a line. Raises GanzooError when that fails."""
    if words is None:
        return
    try:
        durable.replace(path, "".join(f"{word}\n" for word in words))
    except OSError as error:
        raise GanzooError(f"cannot write {path}: {error.strerror or error}") from error


def kept(path: Path, plan: Plan) -> tuple[str, ...] | None:
    """The words at `path`; None where the plan's text encoder needs none.

    Raises GanzooError where they are missing or cannot be read.
    """
    if not plan.text.learns_words:
        return None
    try:
        return tuple(untrusted.read_text(path, LARGEST).splitlines())
    except GanzooError as error:
        raise GanzooError(f"the run folder is damaged: the words of its text encoder: {error}") from error
