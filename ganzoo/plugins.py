"""Entry points to a `Registry` of components with names like `attngan/attend`.

The entry point's name is the prefix of everything the plugin offers. ganzoo reads the entry
points itself: pluggy would skip a second distribution of the same name without a word, and one plugin's
ImportError would stop them all.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pluggy

from ganzoo.distributions import distributions
from ganzoo.errors import GanzooError, did_you_mean
from ganzoo.offers import GROUP, PLAIN, Unfit, components, manager_of, recipe_file

if TYPE_CHECKING:
    from ganzoo.components import Component

CORE = "core"


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
                except KeyboardInterrupt:
                    raise
                except BaseException as error:  # SystemExit too: a plugin does not end ganzoo
                    self.broken[hook] = _reason(f"{hook}()", error)
        return self.answers[hook]

    def started(self) -> bool:
        """Import the plugin if that was not tried before; whether it can be called."""
        if self.caller is None and "" not in self.broken:
            try:
                self.caller = manager_of(self.plugin.prefix, self.entry.load())
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # as above; and panics of extensions in Rust
                self.broken[""] = _reason(f"importing {self.entry.value}", error)
        return "" not in self.broken

    def call(self, hook: str, check: Callable[[Any], Any], default: Any) -> Any:
        assert self.caller is not None
        hook_caller: pluggy.HookCaller = getattr(self.caller.hook, hook)
        if not hook_caller.get_hookimpls():
            return default
        results = hook_caller()
        if not results:  # pluggy drops None
            raise Unfit("returned None")
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

    def recipes(self) -> list[tuple[Plugin, Path]]:
        """(plugin, file of recipes) of each plugin that brings one."""
        answers = [
            (loader.plugin, loader.answer("ganzoo_recipes", recipe_file, None))
            for loader in self._loaders.values()
        ]
        return [(plugin, path) for plugin, path in answers if path is not None]

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
        return self.problems()

    def problems(self) -> list[Problem]:
        """What is wrong with plugins as far as they were asked: none is imported for this."""
        return [problem for loader in self._loaders.values() for problem in loader.problems()]

    def _offers(self, prefix: str, kind: str) -> dict[str, type[Component]]:
        from ganzoo.components import KINDS

        base = KINDS[kind]
        answer: dict[str, type[Component]] = self._loaders[prefix].answer(
            f"ganzoo_{kind}", lambda offered: components(offered, base), {}
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
        name, version = entry.dist.name or "a distribution without a name", entry.dist.version or "?"
        plugin = Plugin(entry.name, name, version, entry.value)
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
        elif not EntryPoint.pattern.match(loader.plugin.value):
            loader.broken[""] = f"its entry point must name a module, not {loader.plugin.value!r}"
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


def _reason(doing: str, error: BaseException) -> str:
    if isinstance(error, Unfit):
        return f"{doing}: {error}"
    return f"{doing} failed with {type(error).__name__}: {error}"


def _plural(kind: str) -> str:
    return kind.replace("_", " ")


def _singular(kind: str) -> str:
    return "loss" if kind == "losses" else _plural(kind).removesuffix("s")
