"""The conformance kit: what ganzoo promises of every component, checked for a plugin's own in two lines.

    from ganzoo.testing import conformance
    test_conformance = conformance("my_plugin")

That is a parametrised pytest test, one case for each component and check. Every check's docstring says what
it means. Components are built at their `tiny` options, at odd, unequal sizes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any

from ganzoo import plugins
from ganzoo.components import KINDS, Component
from ganzoo.errors import GanzooError
from ganzoo.testing.conformance import data, losses, modules, options
from ganzoo.testing.conformance.harness import HARNESSES
from ganzoo.testing.conformance.subject import Subject

__all__ = ["conformance", "examine"]

Check = Callable[[Any], None]

_EVERY: tuple[Check, ...] = (options.options, options.documentation, options.needs)
_BUILT: tuple[Check, ...] = (
    modules.specs, modules.starvation, modules.gradients, modules.double_precision, modules.mixed_precision,
    modules.determinism, modules.state_dict,
)  # fmt: skip
_OWN: Mapping[str, tuple[Check, ...]] = {
    "text_encoders": (*_BUILT, modules.independence, modules.tokens, modules.padding),
    "image_encoders": (*_BUILT, modules.independence, modules.device_moves),
    "conditionings": (*_BUILT, modules.independence, modules.device_moves),
    "stages": (*_BUILT, modules.independence, modules.device_moves),
    "discriminators": (
        *_BUILT,
        modules.device_moves,
        modules.code_widths,
        modules.heads,
        modules.second_derivatives,
    ),
    "losses": (losses.updates, losses.scalars, losses.starvation, losses.steps),
    "datasets": (data.examples,),
}  # fmt: skip


def conformance(prefix: str, *, extras: Mapping[str, tuple[int, ...]] | None = None) -> Callable[..., None]:
    """A pytest test of every component that plugin `prefix` offers.

    `extras`: shapes, without the batch axis, of the tensors in `Condition.extra` that its components need.
    Raises GanzooError where no such plugin is installed, where it is broken, or offers no component.
    """
    import pytest

    cases = [
        pytest.param(check, id=f"{subject.kind}-{subject.name.rpartition('/')[2]}-{name}")
        for subject in _subjects(prefix, extras or {})
        for name, check in _checks(subject)
    ]

    @pytest.mark.parametrize("check", cases)
    def test_conformance(check: Callable[[], None]) -> None:
        check()

    return test_conformance


def examine(cls: type[Component], name: str, *, extras: Mapping[str, tuple[int, ...]] | None = None) -> None:
    """Every check of one component class, called `name` in messages; AssertionError at the first fault."""
    for _, check in _checks(Subject(name, cls, extras or {})):
        check()


def _subjects(prefix: str, extras: Mapping[str, tuple[int, ...]]) -> Iterator[Subject]:
    registry = plugins.load()
    problems = [problem for problem in registry.check() if problem.plugin.prefix == prefix]
    if problems:
        raise GanzooError("\n".join(str(problem) for problem in problems))
    offered = [
        Subject(name, cls, extras)
        for kind in KINDS
        for name, cls in registry.components(kind).items()
        if name.startswith(f"{prefix}/")
    ]
    if not offered:
        known = ", ".join(plugin.prefix for plugin in registry.plugins)
        raise GanzooError(f"no installed plugin `{prefix}` offers a component; installed: {known}")
    yield from offered


def _checks(subject: Subject) -> Iterator[tuple[str, Callable[[], None]]]:
    """The checks of one component by name; each is on its own."""
    for check in _EVERY:
        yield check.__name__, partial(check, subject)
    for check in _OWN.get(subject.kind, ()):
        yield check.__name__, partial(_harnessed, check, subject)


def _harnessed(check: Check, subject: Subject) -> None:
    check(HARNESSES[subject.kind](subject) if subject.kind in HARNESSES else subject)
