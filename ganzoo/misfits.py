"""What does not fit in a recipe, collected: who, what is needed, where it stands, what would fit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from ganzoo.components import Component
from ganzoo.distributions import installed_version
from ganzoo.errors import GanzooError, did_you_mean
from ganzoo.remedies import remedy

if TYPE_CHECKING:
    from ganzoo.plugins import Registry
    from ganzoo.recipe import Node, Recipe

C = TypeVar("C", bound=Component)
T = TypeVar("T")


@dataclass(frozen=True)
class Misfit:
    """What does not fit, where it is written, what would help. `need`: the word for what is lacking."""

    text: str
    where: str = ""
    hints: tuple[str, ...] = ()
    need: str = ""

    def __str__(self) -> str:
        head, *rest = self.text.split("\n")
        lines = [f"{head}   at {self.where}" if self.where else head, *rest, *self.hints]
        return "\n     ".join(lines)

    @property
    def sentence(self) -> str:
        """The same in one line, without the place."""
        return "; ".join([*self.text.split("\n"), *self.hints])


class MismatchError(GanzooError):
    """A recipe that cannot be assembled, with every misfit in `misfits`, in one line each in `sentences`.

    `needs`: what each of them needs and is not given, of `specs.NEEDS`; "" where that is not the matter.
    """

    def __init__(self, name: str, misfits: list[Misfit]) -> None:
        self.misfits = tuple(map(str, misfits))
        self.sentences = tuple(misfit.sentence for misfit in misfits)
        self.needs = tuple(misfit.need for misfit in misfits)
        count = f"{len(misfits)} misfit{'s' if len(misfits) > 1 else ''}"
        lines = [f"  {number}. {misfit}" for number, misfit in enumerate(self.misfits, 1)]
        super().__init__("\n".join([f"{name} cannot be assembled: {count}", *lines]))


class Misfits:
    """A recipe's components resolved by name; whatever goes wrong is a line in `misfits`."""

    def __init__(self, recipe: Recipe, registry: Registry) -> None:
        self.recipe, self.registry = recipe, registry
        self.misfits: list[Misfit] = []
        self.average = 1  # captions a sentence is averaged over

    def resolve(self, kind: str, node: Node | None) -> Any:
        """The component that `node` names with its options, or None after noting why not."""
        if node is None:
            said = f"{self.recipe.name} names no {_section(kind)}; add `{_section(kind)}: {{use: ...}}`"
            self.misfits.append(Misfit(said))
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
            component: C | None = self.told(node, lambda: _adapter(cls).validate_python(dict(node.options)))
            return component if component and self.told(node, component.requires) is not None else None
        except ValidationError as error:
            for problem in error.errors():
                path = ".".join([node.path, *(str(part) for part in problem["loc"])])
                self.misfit(_option_problem(node.use, cls, problem), node, at=self.recipe.path_of(path))
            return None

    def misfit(self, text: str, node: Node, *hints: str, at: str = "", need: str = "") -> None:
        self.misfits.append(Misfit(text, at or node.where, tuple(hint for hint in hints if hint), need))

    def told(self, node: Node, ask: Callable[[], T]) -> T | None:
        """What a component answers; its GanzooError becomes a misfit, as does what it should not raise."""
        try:
            return ask()
        except ValidationError:
            raise
        except GanzooError as error:
            self.misfit(str(error), node)
        except Exception as error:
            prefix = node.use.rpartition("/")[0] or "core"
            makers = [str(plugin) for plugin in self.registry.plugins if plugin.prefix == prefix]
            self.misfit(
                f"{node.use} is broken: it raised {type(error).__name__}: {error}",
                node,
                f"a fault of {' '.join(makers)}; `ganzoo.testing.conformance` finds the place",
            )
        return None

    def lacks(self, who: str, need: str, why: str, node: Node) -> None:
        """Note that `who` needs what it is not given: why not, and what would give it."""
        averages = need == "words" and self.average > 1
        hint = "set `data.average: 1`" if averages else remedy(self.registry, need)
        self.misfit(f"{who} needs `{need}`; {why}", node, hint, need=need)

    def no_text(self, need: str) -> str:
        """Why there is no `sentence` or no `words`."""
        if need == "words" and self.average > 1:
            return f"`data.average: {self.average}` averages captions, which leaves no words"
        return f"{use(self.recipe.text)} does not give it"


@cache
def _adapter(cls: type[C]) -> TypeAdapter[C]:
    """Pydantic's form of a component: making it takes longer than all else in planning."""
    return TypeAdapter(cls)


def made(registry: Registry, kind: str, use: str, options: Mapping[str, Any]) -> Any:
    """The component `use` with `options`, outside a recipe. GanzooError for what is not known or allowed."""
    cls = registry.get(kind, use)
    try:
        return _adapter(cls).validate_python(dict(options))
    except ValidationError as error:
        raise GanzooError("; ".join(_option_problem(use, cls, one) for one in error.errors())) from error


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
