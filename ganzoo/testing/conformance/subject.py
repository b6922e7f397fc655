"""What is examined: one component at its `tiny` options, and how its faults are reported."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NoReturn, TypeVar

from pydantic import TypeAdapter, ValidationError

from ganzoo.components import KINDS, Component
from ganzoo.errors import GanzooError

T = TypeVar("T")


@dataclass(frozen=True)
class Subject:
    """One component class under its full name.

    `extras`: shapes, without the batch axis, of the `Condition.extra` tensors it may need. `unfelt`: options
    that change nothing at sizes as small as these. `changes`: options other than the `tiny` ones.
    """

    name: str
    cls: type[Component]
    extras: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    unfelt: frozenset[str] = frozenset()
    changes: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def kind(self) -> str:
        """Its kind, a key of `ganzoo.components.KINDS`."""
        return next(kind for kind, base in KINDS.items() if issubclass(self.cls, base))

    @property
    def label(self) -> str:
        """Its name for messages, and what is changed about it."""
        changed = ", ".join(f"{option}={value!r}" for option, value in self.changes.items())
        return f"{self.name} with {changed}" if changed else self.name

    @property
    def options(self) -> dict[str, Any]:
        """Its `tiny` options, with `changes`."""
        return {**self.cls.tiny, **self.changes}

    @cached_property
    def component(self) -> Any:
        """The component at these options."""
        try:
            return TypeAdapter(self.cls).validate_python(self.options)
        except (ValidationError, GanzooError) as error:
            self.fail(f"its `tiny` options {self.options} are refused: {error}")

    @cached_property
    def declared(self) -> frozenset[str]:
        """What it says it needs with these options."""
        return frozenset(self.component.requires())

    def fail(self, problem: str) -> NoReturn:
        """Report a fault."""
        raise AssertionError(f"component {self.label} {problem}")

    def expect(self, holds: bool, problem: str) -> None:
        """Report a fault unless `holds`."""
        if not holds:
            self.fail(problem)

    def attempt(self, doing: str, act: Callable[[], T]) -> T:
        """`act()`; any exception becomes a fault of the component, and `doing` says what it was at."""
        try:
            return act()
        except AssertionError:
            raise
        except Exception as error:  # whatever a plugin may raise
            raise AssertionError(
                f"component {self.label} {doing}: {type(error).__name__}: {error}"
            ) from error
