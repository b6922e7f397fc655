"""What there is: `list`, `show`, `diff`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganzoo.cli.options import Changes, Name, recipe_of
from ganzoo.console import say, say_table, say_yaml, warn
from ganzoo.errors import GanzooError, did_you_mean

if TYPE_CHECKING:
    from ganzoo.plugins import Registry


def list_(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="models, or a kind of component: stages, losses, ...")
    ] = "models",
) -> None:
    """List models, or components of a kind."""
    from ganzoo.components import KINDS
    from ganzoo.plugins import load

    if kind not in ("models", *KINDS):
        hint = did_you_mean(kind, ("models", *KINDS)) or ";"
        raise GanzooError(f"nothing is called `{kind}`{hint} `ganzoo list` takes models, {', '.join(KINDS)}")
    registry = load()
    if kind == "models":
        return _list_models(registry)
    rows = [(name, _summary(component)) for name, component in sorted(registry.components(kind).items())]
    say_table((kind.replace("_", " "), "what it is"), rows)
    for plugin in registry.plugins:
        if plugin.error:
            warn(f"{plugin} is broken: {plugin.error}")


def _list_models(registry: Registry) -> None:
    from ganzoo import catalogue as catalogues
    from ganzoo.install import install as needed

    catalogue = catalogues.load(registry)
    rows = []
    for name, recipe in catalogue.recipes.items():
        missing = needed(name, dry_run=True, catalogue=catalogue)
        data = recipe.data.use if recipe.data else ""
        rows.append((name, recipe.title, data, f"no: ganzoo install {name}" if missing else "yes"))
    say_table(("model", "title", "data", "installed"), rows)
    for problem in catalogue.problems:
        warn(f"left out: {problem}")


def show(name: Name, changes: Changes = None) -> None:
    """Show a recipe with every value resolved."""
    say_yaml(recipe_of(name, changes).to_yaml().rstrip("\n"))


def diff(
    a: Annotated[str, typer.Argument(metavar="A", help="A model, a recipe file or a run folder.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another.")],
) -> None:
    """Compare two recipes value by value."""
    from ganzoo.differences import diff as compare

    found = compare(a, b)
    if not found:
        return say(f"{a} and {b} are the same")
    say_table(
        ("path", a, b), [(difference.path, _told(difference.a), _told(difference.b)) for difference in found]
    )


def _told(value: Any) -> str:
    """A recipe's value on one line; text as it is."""
    from ganzoo.differences import NOT_SET

    return str(value) if isinstance(value, str) or value is NOT_SET else json.dumps(value, ensure_ascii=False)


def _summary(component: type) -> str:
    """The first line of a component's docstring."""
    return (component.__doc__ or "").strip().split("\n")[0]
