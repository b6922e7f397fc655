"""What every component owes: options that pydantic checks, documentation, a source, known needs."""

from __future__ import annotations

import dataclasses
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError

from ganzoo.components import Component
from ganzoo.errors import GanzooError
from ganzoo.specs import NEEDS
from ganzoo.testing.conformance.subject import Subject


def options(subject: Subject) -> None:
    """Every option has a type that pydantic checks; unknown options are refused; `tiny` ones are accepted."""
    subject.expect(
        bool(subject.cls.__dataclass_params__.frozen),  # type: ignore[attr-defined]
        "must be marked with @dataclass(frozen=True, kw_only=True)",
    )
    known = {option.name for option in dataclasses.fields(subject.cls)}
    unknown = sorted(set(subject.cls.tiny) - known)
    subject.expect(not unknown, f"has `tiny` values for {unknown}, which are no options of it")
    assert subject.component is not None  # `tiny` is accepted
    hints = get_type_hints(subject.cls, include_extras=True)
    for option in sorted(known):
        subject.expect(hints[option] is not Any, f"accepts anything as option `{option}`: its type is Any")
        subject.expect(_refuses(subject, {option: object()}), f"accepts an object() as option `{option}`")
    subject.expect(_refuses(subject, {"no_such_option": 1}), "accepts an option that it does not have")


def _refuses(subject: Subject, change: dict[str, Any]) -> bool:
    try:
        TypeAdapter(subject.cls).validate_python({**subject.cls.tiny, **change})
    except (ValidationError, GanzooError):
        return True
    return False


def documentation(subject: Subject) -> None:
    """`source` says where it comes from; the docstring names every option in backticks."""
    subject.expect(bool(subject.cls.source), "has no `source`: name the paper, section and equation")
    classes = [cls for cls in subject.cls.__mro__ if issubclass(cls, Component)]
    text = "\n".join(cls.__doc__ or "" for cls in classes if not _generated(cls))
    subject.expect(not _generated(subject.cls), "has no docstring")
    for option in dataclasses.fields(subject.cls):
        subject.expect(
            f"`{option.name}`" in text or f"`{option.name}:" in text,
            f"does not document option `{option.name}` in its docstring",
        )


def _generated(cls: type) -> bool:
    """Whether the docstring is missing, or the signature that `dataclass` puts in its place."""
    text = vars(cls).get("__doc__")
    return not text or text.startswith(f"{cls.__name__}(")


def needs(subject: Subject) -> None:
    """Every need is a word of `ganzoo.specs.NEEDS` for its kind, or `prefix/name` of a tensor in `extra`."""
    known = NEEDS.get(subject.kind, frozenset())
    for need in sorted(subject.declared):
        if "/" in need:
            subject.expect(
                need in subject.extras,
                f"needs `{need}`: tell the kit its shape, as in conformance(..., extras={{'{need}': (5,)}})",
            )
        elif need not in known:
            subject.fail(f"needs `{need}`, but {subject.kind} may need only {', '.join(sorted(known))}")
