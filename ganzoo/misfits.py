"""What does not fit in a recipe, collected: who, what is needed, where it stands, what would fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from ganzoo.components import Component
from ganzoo.distributions import installed_version
from ganzoo.errors import GanzooError, did_you_mean

if TYPE_CHECKING:
    from ganzoo.plugins import Registry
    from ganzoo.recipe import Node, Recipe

C = TypeVar("C", bound=Component)
T = TypeVar("T")


class MismatchError(GanzooError):
    """A recipe that cannot be assembled, with every misfit in `misfits`."""

    def __init__(self, name: str, misfits: list[str]) -> None:
        self.misfits = tuple(misfits)
        count = f"{len(misfits)} misfit{'s' if len(misfits) > 1 else ''}"
        lines = [f"  {number}. {misfit}" for number, misfit in enumerate(misfits, 1)]
        super().__init__("\n".join([f"{name} cannot be assembled: {count}", *lines]))


class Misfits:
    """A recipe's components resolved by name; whatever goes wrong is a line in `misfits`."""

    def __init__(self, recipe: Recipe, registry: Registry) -> None:
        self.recipe, self.registry = recipe, registry
        self.misfits: list[str] = []

    def resolve(self, kind: str, node: Node | None) -> Any:
        """The component that `node` names with its options, or None after noting why not."""
        if node is None:
            self.misfits.append(
                f"{self.recipe.name} names no {_section(kind)}; add `{_section(kind)}: {{use: ...}}`"
            )
            return None
        try:
            cls: type[Component] = self.registry.get(kind, node.use)
        except GanzooError as error:
            self.misfit(str(error), node, self._not_installed(node))
            return None
        return self.with_options(cls, node)

    def _not_installed(self, node: Node) -> str:
        """Which of the recipe's distributions are missing, where no plugin has the node's prefix."""
        if node.use.split("/")[0] in {plugin.prefix for plugin in self.registry.plugins}:
            return ""
        missing = [name for name in self.recipe.distributions if installed_version(name) is None]
        return f"the recipe needs what is not installed: {', '.join(missing)}" if missing else ""

    def with_options(self, cls: type[C], node: Node) -> C | None:
        """`cls` with the node's options, validated by pydantic."""
        try:
            return TypeAdapter(cls).validate_python(dict(node.options))
        except ValidationError as error:
            for problem in error.errors():
                path = ".".join([node.path, *(str(part) for part in problem["loc"])])
                self.misfit(_option_problem(node.use, cls, problem), node, at=self.recipe.path_of(path))
            return None

    def misfit(self, text: str, node: Node, *hints: str, at: str = "") -> None:
        head, *rest = text.split("\n")
        lines = [f"{head}   at {at or node.where}", *rest, *(hint for hint in hints if hint)]
        self.misfits.append("\n     ".join(lines))

    def told(self, node: Node, ask: Callable[[], T]) -> T | None:
        """What a component answers; its GanzooError becomes a misfit."""
        try:
            return ask()
        except GanzooError as error:
            self.misfit(str(error), node)
            return None

    def who_gives(self, need: str) -> str:
        """Which installed components would give `need`, as one line, or nothing to say."""
        hints: Mapping[str, str] = {
            "samples_per_caption": "set `samples_per_caption: 2` in this phase",
            "image_vector": "name an image encoder under `image:`",
            "image_regions": "name an image encoder with regions under `image:`",
            "noise": "set `noise:` to a width above 0",
            "stages": "it reads at least two stages",
            "gaussian": "use a conditioning that draws its code from a Gaussian",
        }
        if need != "words":
            return hints.get(need, "")
        givers = []
        for name, cls in self.registry.components("text_encoders").items():
            try:
                gives = TypeAdapter(cls).validate_python({}).yields().words  # type: ignore[attr-defined]
            except Exception:  # whatever a plugin may raise; the recipe does not name this one
                continue
            if gives:
                givers.append(name)
        return "installed text encoders that give it: " + (", ".join(sorted(givers)) or "none")


def use(node: Node | None) -> str:
    """The name of a component for a message."""
    return node.use if node else "nothing"


def _section(kind: str) -> str:
    names = {"datasets": "data", "text_encoders": "text", "image_encoders": "image"}
    return names.get(kind, kind.removesuffix("s"))


def names(words: Iterable[str]) -> str:
    """Words of the vocabulary for a message."""
    return ", ".join(f"`{word}`" for word in sorted(words)) or "nothing"


def _option_problem(use: str, cls: type[Component], problem: Any) -> str:
    """A pydantic error in our words."""
    where = ".".join(str(part) for part in problem["loc"])
    if problem["type"] in ("unexpected_keyword_argument", "extra_forbidden"):
        known = sorted(option.name for option in fields(cls))
        hint = did_you_mean(where, known) or f"; it has {', '.join(known) or 'no options'}"
        return f"{use} has no option `{where}`{hint}"
    if problem["type"] in ("missing", "missing_argument"):
        return f"{use} needs a value for option `{where}`"
    if problem["type"] == "value_error":
        return f"{use}: {f'option `{where}`: ' if where else ''}{problem['ctx']['error']}"
    message = str(problem["msg"]).removeprefix("Input should be ")
    return f"{use}: option `{where}` should be {message}; got {problem['input']!r}"
