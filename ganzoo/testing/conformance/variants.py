"""Other values of options; and components at options that change what they require."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, get_type_hints

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticInvalidForJsonSchema

from ganzoo.errors import GanzooError
from ganzoo.testing.conformance.subject import Subject


def variants(subject: Subject) -> Iterator[Subject]:
    """The subject with one option changed, for each new set of needs that this brings about.

    None where it is too broken to say what it requires, which other checks report.
    """
    try:
        known = {subject.declared}
        for option in dataclasses.fields(subject.cls):
            for value in other_values(subject, option.name):
                variant = replace(subject, changes={option.name: value})
                if variant.declared not in known:
                    known.add(variant.declared)
                    yield variant
    except Exception:  # whatever a plugin may raise
        return


def other_values(subject: Subject, option: str) -> list[Any]:
    """Legal values to try in place of the option's own, guessed by the JSON schema of its type."""
    hint = get_type_hints(subject.cls, include_extras=True)[option]
    try:
        schema = TypeAdapter(hint).json_schema()
    except PydanticInvalidForJsonSchema:
        return []
    own = getattr(subject.component, option)
    return [value for value in _values(schema, own) if value != own and _legal(subject, option, value)]


def _values(schema: dict[str, Any], own: Any) -> list[Any]:
    if "anyOf" in schema:
        return [value for choice in schema["anyOf"] for value in _values(choice, own)]
    if "enum" in schema:
        return list(schema["enum"])
    number = own if isinstance(own, int | float) and not isinstance(own, bool) else 1
    match schema.get("type"):
        case "boolean":
            return [not own]
        case "integer":
            return [number + 1, 2 * number, number // 2, 1, 0]
        case "number":
            return [number / 2, 2 * number, 0.5, 1.0, 0.0]
        case "string":
            return ["another"]
        case "null":
            return [None]
        case "array":
            return _arrays(schema, list(own or ()))
    return []


def _arrays(schema: dict[str, Any], own: list[Any]) -> list[Any]:
    """One element less, each kind of element alone, each element changed."""
    element = schema.get("items", {})
    each = schema.get("prefixItems", [element] * len(own))
    changed = [
        [*own[:place], value, *own[place + 1 :]]
        for place, (item, now) in enumerate(zip(each, own, strict=False))
        for value in _values(item, now)
        if value != now
    ]
    return [own[:-1], *([value] for value in _values(element, None)), *changed] if element else changed


def _legal(subject: Subject, option: str, value: Any) -> bool:
    try:
        TypeAdapter(subject.cls).validate_python({**subject.options, option: value})
    except (ValidationError, GanzooError):
        return False
    return True
