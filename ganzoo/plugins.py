"""Entry points to a `Registry` of components with names like `attngan/attend`.

The entry point's name is the prefix of everything the plugin offers. ganzoo reads the entry
points itself: pluggy would skip a second distribution of the same name without a word, and one plugin's
ImportError would stop them all.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pluggy

from ganzoo import hookspecs
from ganzoo.distributions import distributions
from ganzoo.errors import GanzooError, did_you_mean

if TYPE_CHECKING:
    from ganzoo.components import Component

GROUP = "ganzoo"
CORE = "core"
PLAIN = re.compile(r"[a-z0-9_.-]+")
HOOKS = frozenset(name for name in vars(hookspecs) if name.startswith("ganzoo_"))


@dataclass(frozen=True)
class Plugin:
    """An installed plugin. `value`: what its entry point names. `error`: why (a part of) it is left out.

    Most of what can be wrong shows only when the plugin is imported: `Registry.check()` does that.
    """

    prefix: str
    distribution: str
    version: str
    value: str
    error: str | None = None

    def __str__(self) -> str:
        return f"plugin '{self.prefix}' ({self.distribution} {self.version})"


@dataclass(frozen=True)
class Problem:
    """Why a plugin, or what it answers to one hook, is left out."""

    plugin: Plugin
    reason: str

    def __str__(self) -> str:
        return f"{self.plugin}: {self.reason}"


class _Broken(Exception):
    """The plugin did what a plugin must not do; the message is the reason."""


@dataclass
class _Loader:
    """One plugin, imported when first asked. What it answers, and what is wrong with it, is kept."""

    plugin: Plugin
    entry: EntryPoint
    caller: pluggy.PluginManager | None = None
    answers: dict[str, Any] = field(default_factory=dict)  # by hook
    broken: dict[str, str] = field(default_factory=dict)  # reasons by hook; "" = the plugin as a whole

    def answer(self, hook: str, check: Callable[[Any], Any], default: Any) -> Any:
        """What the plugin answers to `hook`, through `check`; `default` if it lacks the hook or is broken."""
        if hook not in self.answers:
            self.answers[hook] = default
            if self.started():
                try:
                    self.answers[hook] = self.call(hook, check, default)
                except Exception as error:
                    self.broken[hook] = _reason(f"{hook}()", error)
        return self.answers[hook]

    def started(self) -> bool:
        """Import the plugin if that was not tried before; whether it can be called."""
        if self.caller is None and "" not in self.broken:
            try:
                self.caller = _manager(self.plugin.prefix, self.entry.load())
            except Exception as error:
                self.broken[""] = _reason(f"importing {self.entry.value}", error)
        return "" not in self.broken

    def call(self, hook: str, check: Callable[[Any], Any], default: Any) -> Any:
        assert self.caller is not None
        hook_caller: pluggy.HookCaller = getattr(self.caller.hook, hook)
        if not hook_caller.get_hookimpls():
            return default
        results = hook_caller()
        if not results:  # pluggy drops None
            raise _Broken("returned None")
        return check(results[0])

    def problems(self) -> list[Problem]:
        return [Problem(self.plugin, reason) for reason in self.broken.values()]

    def described(self) -> Plugin:
        error = "; ".join(self.broken.values()) or None
        plugin = self.plugin
        return Plugin(plugin.prefix, plugin.distribution, plugin.version, plugin.value, error)


class Registry:
    """The components and recipes that installed plugins offer. Plugins are imported when first needed."""

    def __init__(self, loaders: list[_Loader], left_out: frozenset[str] = frozenset()) -> None:
        self._loaders = {loader.plugin.prefix: loader for loader in loaders}
        self._left_out = left_out  # prefixes that GANZOO_PLUGINS does not name

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        """The installed plugins, core first; none is imported for this."""
        return tuple(loader.described() for loader in self._loaders.values())

    def components(self, kind: str) -> Mapping[str, type[Component]]:
        """The components of a kind of `ganzoo.components.KINDS` by full name, `prefix/short`."""
        return {
            f"{prefix}/{short}": component
            for prefix in self._loaders
            for short, component in self._offers(prefix, kind).items()
        }

    def recipes(self) -> list[tuple[str, Path]]:
        """(prefix, file of recipes) of each plugin that brings one."""
        answers = {
            prefix: loader.answer("ganzoo_recipes", _recipe_file, None)
            for prefix, loader in self._loaders.items()
        }
        return [(prefix, path) for prefix, path in answers.items() if path is not None]

    def get(self, kind: str, name: str) -> type[Component]:
        """The component called `name` (without a slash: `core/name`). GanzooError says what would fit."""
        prefix, _, short = name.rpartition("/")
        prefix = prefix or CORE
        wanted = f"no {_singular(kind)} '{prefix}/{short}'"
        if prefix not in self._loaders:
            raise GanzooError(f"{wanted}: {self._missing(prefix)}")
        offers = self._offers(prefix, kind)
        if short in offers:
            return offers[short]
        loader = self._loaders[prefix]
        for hook in ("", f"ganzoo_{kind}"):
            if hook in loader.broken:
                raise GanzooError(f"{wanted}: {loader.plugin} is broken: {loader.broken[hook]}")
        raise GanzooError(f"{wanted}{self._instead(prefix, kind, short)}")

    def check(self) -> list[Problem]:
        """Import every plugin, call every hook; everything that is wrong with them."""
        from ganzoo.components import KINDS

        for kind in KINDS:
            self.components(kind)
        self.recipes()
        return [problem for loader in self._loaders.values() for problem in loader.problems()]

    def _offers(self, prefix: str, kind: str) -> dict[str, type[Component]]:
        from ganzoo.components import KINDS

        base = KINDS[kind]
        answer: dict[str, type[Component]] = self._loaders[prefix].answer(
            f"ganzoo_{kind}", lambda offered: _components(offered, base), {}
        )
        return answer

    def _missing(self, prefix: str) -> str:
        missing = f"no installed plugin is called '{prefix}'"
        if prefix in self._left_out:
            return (
                f"plugin '{prefix}' is installed, but the environment variable GANZOO_PLUGINS leaves it out"
            )
        for distribution in distributions().values():
            if distribution.prefix == prefix:
                return f"{missing}; try: ganzoo install {distribution.name}"
        hint = did_you_mean(prefix, self._loaders)
        return f"{missing}, and ganzoo's catalogue knows no distribution for it{hint}"

    def _instead(self, prefix: str, kind: str, short: str) -> str:
        """What follows "no loss 'core/hing'" when plugin `prefix` works but does not offer it."""
        from ganzoo.components import KINDS

        for other in KINDS:
            if short in self._offers(prefix, other):
                return f": '{prefix}/{short}' is a {_singular(other)}"
        offered = sorted(self._offers(prefix, kind))
        instead = (
            f"{prefix} offers {', '.join(offered)}" if offered else f"{prefix} offers no {_plural(kind)}"
        )
        return f"{did_you_mean(short, offered) or ':'} {instead}"


def load() -> Registry:
    """The installed plugins, none of them imported yet.

    The environment variable GANZOO_PLUGINS, prefixes between commas, limits which are used; core always is.
    GanzooError: two distributions have the same prefix, or GANZOO_PLUGINS names one that is not installed.
    """
    found: dict[str, _Loader] = {}
    for entry in entry_points(group=GROUP):
        assert entry.dist is not None
        plugin = Plugin(entry.name, entry.dist.name, entry.dist.version, entry.value)
        twin = found.get(entry.name)
        if twin is None:
            found[entry.name] = _Loader(plugin, entry)
        elif twin.plugin.distribution != plugin.distribution:
            raise GanzooError(
                f"two distributions call their plugin '{entry.name}': {twin.plugin.distribution}"
                f" {twin.plugin.version} and {plugin.distribution} {plugin.version}; uninstall one of them"
            )
    for loader in found.values():
        if not PLAIN.fullmatch(loader.plugin.prefix):
            loader.broken[""] = f"its entry point's name must be of the form {PLAIN.pattern}"
    wanted = _wanted(found)
    ordered = sorted(wanted, key=lambda prefix: (prefix != CORE, prefix))
    return Registry([found[prefix] for prefix in ordered], frozenset(found) - wanted)


def _wanted(found: Mapping[str, _Loader]) -> set[str]:
    limit = os.environ.get("GANZOO_PLUGINS")
    if limit is None:
        return set(found)
    named = {prefix.strip() for prefix in limit.split(",")} - {""}
    for prefix in sorted(named - set(found)):
        raise GanzooError(
            f"GANZOO_PLUGINS names '{prefix}', but no plugin is called that{did_you_mean(prefix, found)}"
        )
    return named | ({CORE} & set(found))


def _manager(prefix: str, module: ModuleType) -> pluggy.PluginManager:
    """A pluggy manager for this one plugin, so that what goes wrong is its own. Unknown hooks are refused."""
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    manager.register(module, name=prefix)
    for caller in manager.get_hookcallers(module) or []:
        if not caller.has_spec():
            raise _Broken(f"there is no hook {caller.name}{did_you_mean(caller.name, HOOKS)}")
    for name in sorted(HOOKS & set(vars(module))):
        if manager.parse_hookimpl_opts(module, name) is None:
            raise _Broken(f"{name} is not marked with @hookimpl")
    return manager


def _components(offered: Any, base: type[Component]) -> dict[str, type[Component]]:
    if not isinstance(offered, Mapping):
        raise _Broken(f"must return a mapping of names to classes, not {type(offered).__name__}")
    for name, component in offered.items():
        if not isinstance(name, str) or not PLAIN.fullmatch(name):
            raise _Broken(f"the name {name!r} must be of the form {PLAIN.pattern}, without the prefix")
        if not isinstance(component, type) or not issubclass(component, base):
            raise _Broken(
                f"{name} must be a subclass of ganzoo.components.{base.__name__}, not {component!r}"
            )
        if "__dataclass_fields__" not in vars(component):
            raise _Broken(f"{component.__name__} must be marked with @dataclass(frozen=True, kw_only=True)")
        abstract: frozenset[str] = getattr(component, "__abstractmethods__", frozenset())
        if abstract:
            raise _Broken(f"{component.__name__} does not define {', '.join(sorted(abstract))}")
    return dict(offered)


def _recipe_file(path: Any) -> Path:
    if not isinstance(path, Path):
        raise _Broken(f"must return a pathlib.Path, not {type(path).__name__}")
    if not path.is_file():
        raise _Broken(f"there is no file {path}")
    return path


def _reason(doing: str, error: Exception) -> str:
    if isinstance(error, _Broken):
        return f"{doing}: {error}"
    return f"{doing} failed with {type(error).__name__}: {error}"


def _plural(kind: str) -> str:
    return kind.replace("_", " ")


def _singular(kind: str) -> str:
    return "loss" if kind == "losses" else _plural(kind).removesuffix("s")
