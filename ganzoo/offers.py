"""What a plugin answers to the hooks, checked: the message of an `Unfit` is why it is left out."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from ganzoo import hookspecs
from ganzoo.errors import did_you_mean

if TYPE_CHECKING:
    from ganzoo.components import Component

GROUP = "ganzoo"
PLAIN = re.compile(r"[a-z0-9_.-]+")
HOOKS = frozenset(name for name in vars(hookspecs) if name.startswith("ganzoo_"))


class Unfit(Exception):
    """The plugin did what a plugin must not do; the message is the reason."""


def manager_of(prefix: str, module: Any) -> pluggy.PluginManager:
    """A pluggy manager for this one plugin, so that what goes wrong is its own. Unknown hooks are refused."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(module, name=prefix)
    functions = {name for name, value in vars(module).items() if inspect.isfunction(value)}
    marked = {caller.name for caller in manager.get_hookcallers(module) or []}
    for name in sorted(marked | {name for name in functions if name.startswith("ganzoo_")}):
        if name not in HOOKS:
            raise Unfit(f"there is no hook {name}{did_you_mean(name, HOOKS)}")
        if name not in marked:
            raise Unfit(f"{name} is not marked with @hookimpl")
    return manager


def components(offered: Any, base: type[Component]) -> dict[str, type[Component]]:
    """The components that a hook returned, all of the kind `base`."""
    if not isinstance(offered, Mapping):
        raise Unfit(f"must return a mapping of names to classes, not {type(offered).__name__}")
    for name, component in offered.items():
        if not isinstance(name, str) or not PLAIN.fullmatch(name):
            raise Unfit(f"the name {name!r} must be of the form {PLAIN.pattern}, without the prefix")
        if not isinstance(component, type) or not issubclass(component, base):
            raise Unfit(f"{name} must be a subclass of ganzoo.components.{base.__name__}, not {component!r}")
        _check(component)
    return dict(offered)


def _check(component: type[Component]) -> None:
    """What every command may ask of a component class must be there and of its type."""
    from pydantic import PydanticUserError, TypeAdapter

    from ganzoo.components import Metric

    name = component.__name__
    if "__dataclass_fields__" not in vars(component):
        raise Unfit(f"{name} must be marked with @dataclass(frozen=True, kw_only=True)")
    abstract: frozenset[str] = getattr(component, "__abstractmethods__", frozenset())
    if abstract:
        raise Unfit(f"{name} does not define {', '.join(sorted(abstract))}")
    for fact in ("needs", "updates", "heads"):
        annotated = any(fact in inspect.get_annotations(cls) for cls in component.__mro__)
        words = getattr(component, fact, None)
        if annotated and not _words(words):
            raise Unfit(f"{name} must have a frozenset of words as `{fact}`, not {words!r}")
    if issubclass(component, Metric) and not isinstance(decides := getattr(component, "decides", None), str):
        raise Unfit(f"{name} must name the number it is judged by as `decides`, not {decides!r}")
    if not isinstance(component.tiny, Mapping):
        raise Unfit(f"{name} must have a mapping of options as `tiny`, not {component.tiny!r}")
    try:
        TypeAdapter(component)
    except (PydanticUserError, NameError, TypeError) as error:
        raise Unfit(f"{name} has options that pydantic cannot check: {str(error).splitlines()[0]}") from error


def _words(value: Any) -> bool:
    return isinstance(value, frozenset | set) and all(isinstance(word, str) for word in value)


def recipe_file(path: Any) -> Path:
    """The file of recipes that a hook returned."""
    if not isinstance(path, Path):
        raise Unfit(f"must return a pathlib.Path, not {type(path).__name__}")
    if not path.is_file():
        raise Unfit(f"there is no file {path}")
    return path
