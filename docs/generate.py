"""The generated parts of README.md and docs/: cog blocks call these functions (`make docs`, `make lint`).

What is generated follows registry.yaml and the plugins of this repository, whatever else is installed.
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from pydantic import TypeAdapter

from ganzoo import catalogue, cli, hookspecs
from ganzoo.components import KINDS, Component
from ganzoo.distributions import distributions
from ganzoo.new_plugin import plugin_names, skeleton
from ganzoo.optimizers import OPTIMIZERS, Optimizer
from ganzoo.plugins import Registry, load
from ganzoo.recipe import Recipe
from ganzoo.testing.mixing import Mixing, Pair

SECTIONS: dict[str, type[Component]] = {**KINDS, "optimizers": Optimizer}
LANGUAGES = {".toml": "toml", ".py": "python", ".yaml": "yaml", ".md": "markdown"}
GUIDED = "retouch"  # the plugin that docs/write-a-plugin.md makes
BOUNDS = {"minimum": ">=", "exclusiveMinimum": ">", "maximum": "<=", "exclusiveMaximum": "<"}


def models() -> str:
    """The table of models: every recipe of registry.yaml."""
    known = catalogue.load()
    rows = [
        _row(name, recipe)
        for name, recipe in known.recipes.items()
        if known.brought_by[name] == known.path.name
    ]
    head = ["| model | data | paper | reported there or later | distributions |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


def _row(name: str, recipe: Recipe) -> str:
    data = f"`{recipe.data.use}`" if recipe.data else ""
    scores = "; ".join(_score(metric, said) for metric, said in recipe.reported.items())
    packages = ", ".join(f"`{distribution}`" for distribution in recipe.distributions)
    return f"| `{name}`<br>{recipe.title} | {data} | {recipe.paper} | {scores} | {packages} |"


def _score(metric: str, said: Any) -> str:
    """`inception_score: {value: 2.88, error: 0.04, source: ...}` in words."""
    what = metric.upper() if len(metric) <= 4 else metric.replace("_", " ")  # FID, but inception score
    if not isinstance(said, Mapping):
        return f"{what} {said}"
    error = f" ± {said['error']}" if "error" in said else ""
    source = f" ({said['source']})" if "source" in said else ""
    return f"{what} {said['value']}{error}{source}"


def commands() -> str:
    """Every command with its arguments and options."""
    group: Any = typer.main.get_command(cli.app)
    return "\n\n".join(_command(name, command) for name, command in _leaves(group))


def _leaves(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    """Commands by their full names: `data check` stands in the group `data`."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from _leaves(command, f"{before}{name} ")
        else:
            yield f"{before}{name}", command


def _command(name: str, command: Any) -> str:
    rows = [
        f"| {_spelled(parameter)} | {parameter.help or ''} | {_usual(parameter)} |"
        for parameter in command.params
    ]
    table = ["| argument or option | what it is | default |", "|---|---|---|", *rows]
    return "\n\n".join(
        [f"## `ganzoo {name}`", inspect.cleandoc(command.help), *(["\n".join(table)] if rows else [])]
    )


def _spelled(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return f"`{parameter.name.upper()}`" + (" ..." if parameter.nargs == -1 else "")
    return " ".join(f"`{spelling}`" for spelling in (*parameter.opts, *parameter.secondary_opts))


def _usual(parameter: Any) -> str:
    if parameter.required:
        return "must be given"
    usual = parameter.default
    return "" if usual is None or usual is False or usual in ([], ()) else f"`{usual}`"


def hooks() -> str:
    """The table of hooks."""
    specs = vars(hookspecs).items()
    rows = [f"| `{name}` | {_first_line(spec)} |" for name, spec in specs if name.startswith("ganzoo_")]
    return "\n".join(["| hook | what it offers |", "|---|---|", *rows])


def plugin_file(path: str) -> str:
    """A file of the guide's plugin, as `ganzoo new-plugin` writes it, under its path."""
    text = skeleton(plugin_names(GUIDED))[path]
    return f"`{path}`:\n\n```{LANGUAGES[Path(path).suffix]}\n{text}```"


def plugin_lines() -> str:
    """How many lines the guide's plugin has, blank ones apart."""
    lines = [line for text in skeleton(plugin_names(GUIDED)).values() for line in text.splitlines()]
    return str(sum(bool(line.strip()) for line in lines))


def mixing() -> str:
    """For each two kinds a table of which components go together, and why the others do not."""
    walk = Mixing(_Ours())
    verdicts = {pair: sentence for pair, sentence in walk.verdicts.items() if pair.kinds[1] != "updates"}
    reasons = {pair: number for number, pair in enumerate((p for p, s in verdicts.items() if s), 1)}
    fits = len(verdicts) - len(reasons)
    parts = [f"{fits} of {len(verdicts)} pairs fit; {len(reasons)} do not."]
    for kinds in dict.fromkeys(pair.kinds for pair in verdicts):
        parts += [f"## {_title(kinds)}", _matrix(kinds, [p for p in verdicts if p.kinds == kinds], reasons)]
    parts += ["## Why not"] if reasons else []
    parts += ["\n".join(f"{number}. {verdicts[pair]}" for pair, number in reasons.items())]
    return "\n\n".join(parts)


def _title(kinds: tuple[str, str]) -> str:
    one, other = (kind.replace("_", " ").replace("datasets", "data sets") for kind in kinds)
    if one != other:
        return f"{one.capitalize()} with {other}"
    return "Stages behind stages" if one == "stages" else f"{one.capitalize()} beside each other"


def _matrix(kinds: tuple[str, str], pairs: list[Pair], reasons: Mapping[Pair, int]) -> str:
    """Rows are the second kind (of two stages: the first); `·`: the pair stands elsewhere, or is none."""
    turned = kinds[0] != kinds[1]
    cells = {(p.names[::-1] if turned else p.names): _cell(reasons.get(p)) for p in pairs}
    rows, columns = (list(dict.fromkeys(names[place] for names in cells)) for place in (0, 1))
    lines = ["| | " + " | ".join(f"`{name}`" for name in columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines += [f"| `{row}` | " + " | ".join(cells.get((row, c), "·") for c in columns) + " |" for row in rows]
    return "\n".join(lines)


def _cell(reason: int | None) -> str:
    return "fits" if reason is None else f"no ({reason})"


class _Ours(Registry):
    """What this repository offers, whatever else is installed."""

    def __init__(self) -> None:
        super().__init__([])
        self.offered = {kind: ours(kind) for kind in KINDS}

    def components(self, kind: str) -> Any:
        return self.offered[kind]

    def get(self, kind: str, name: str) -> Any:
        return self.offered[kind][name]


def components() -> str:
    """Every component of core and of this repository's plugins, by kind."""
    return "\n\n".join(_kind(kind, base, ours(kind)) for kind, base in SECTIONS.items())


def ours(kind: str) -> dict[str, type[Component]]:
    """The components of `kind` of core and of the distributions in registry.yaml, by full name."""
    if kind == "optimizers":
        return dict(OPTIMIZERS)
    prefixes = {"core", *(distribution.prefix for distribution in distributions().values())}
    offered = load().components(kind)
    return {name: offered[name] for name in sorted(offered) if name.split("/")[0] in prefixes}


def own_options(component: type[Component]) -> dict[str, Any]:
    """JSON schemas of the options this class adds to its kind's, or gives another default, by name."""
    shared = _schemas(_kind_of(component))
    return {name: schema for name, schema in _schemas(component).items() if shared.get(name) != schema}


def _kind_of(component: type[Component]) -> type[Component]:
    return next(base for base in SECTIONS.values() if issubclass(component, base))


def _schemas(component: type[Component]) -> dict[str, Any]:
    properties: dict[str, Any] = TypeAdapter(component).json_schema().get("properties", {})
    return properties


def _kind(kind: str, base: type[Component], found: Mapping[str, type[Component]]) -> str:
    lines = [f"## {kind.replace('_', ' ').capitalize()}", _said(base)]
    shared = _schemas(base)
    lines += [_options(shared)] if shared else []
    lines += [_component(name, component) for name, component in found.items()]
    return "\n\n".join(lines if found else [*lines, "None yet."])


def _component(name: str, component: type[Component]) -> str:
    between = [
        cls for cls in component.__mro__ if cls is not component and issubclass(cls, _kind_of(component))
    ]
    lines = [f"### `{name}`", _said(component), *(_said(cls) for cls in between[:-1])]
    if component.source and "Source:" not in lines[1]:
        lines.append(f"Source: {component.source}.")
    if component.needs:
        lines.append("Needs " + ", ".join(f"`{need}`" for need in sorted(component.needs)) + ".")
    options = own_options(component)
    lines += [_options(options)] if options else []
    return "\n\n".join(lines)


def _said(cls: Any) -> str:
    return inspect.cleandoc(cls.__doc__ or "").replace("~", r"\~")


def _options(options: Mapping[str, Any]) -> str:
    rows = [f"| `{name}` | {_values(schema)} | {_default(schema)} |" for name, schema in options.items()]
    return "\n".join(["| option | values | default |", "|---|---|---|", *rows])


def _values(schema: Mapping[str, Any]) -> str:
    """What an option may be: `integer > 0`, `number >= 0, < 1`, `list of: a, b`, `number or none`."""
    if "anyOf" in schema:
        return " or ".join(_values(choice) for choice in schema["anyOf"])
    if "$ref" in schema:
        return f"`{schema['$ref'].rsplit('/')[-1]}`"
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if "prefixItems" in schema:
        return "[" + "; ".join(_values(item) for item in schema["prefixItems"]) + "]"
    kind = schema["type"]
    if kind == "array":
        return f"list of: {_values(schema['items'])}"
    if kind == "object":
        held = schema.get("additionalProperties", True)
        return "mapping" if held is True else f"mapping of names to: {_values(held)}"
    bounds = [f"{sign} {schema[word]:g}" for word, sign in BOUNDS.items() if word in schema]
    words = {"null": "none", "boolean": "`true`, `false`", "string": "text"}
    return f"{words.get(kind, kind)} {', '.join(bounds)}".strip()


def _default(schema: Mapping[str, Any]) -> str:
    return f"`{json.dumps(schema['default'])}`" if "default" in schema else "must be given"


def _first_line(thing: Any) -> str:
    return _said(thing).splitlines()[0]
