"""What would meet a need: a setting of the recipe, or the installed components that give it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from pydantic import TypeAdapter

from ganzoo.components import (
    Component,
    Conditioning,
    Dataset,
    Discriminator,
    ImageEncoder,
    Stage,
    TextEncoder,
)
from ganzoo.specs import ConditionSpec, StageGiven, StageSpec, TextSpec

if TYPE_CHECKING:
    from ganzoo.plugins import Registry

SETTINGS: Mapping[str, str] = {
    "noise": "set `noise:` to a width above 0",
    "samples_per_caption": "set `samples_per_caption: 2`, or another even number, in this phase",
    "stages": "let the phase train at least two stages",
}
GIVERS: Mapping[str, str] = {
    **dict.fromkeys(("captions", "embedding", "class_id", "boxes", "keypoints"), "datasets"),
    **dict.fromkeys(("sentence", "words"), "text_encoders"),
    **dict.fromkeys(("image_vector", "image_regions"), "image_encoders"),
    **dict.fromkeys(("generator_code", "gaussian"), "conditionings"),
    **dict.fromkeys(("image", "hidden"), "stages"),
    **dict.fromkeys(("real", "fake", "mismatched", "unconditional"), "discriminators"),
}
WIDTH = 16  # of everything that a component is told it would be given
LISTED = 6  # components named


def remedy(registry: Registry, need: str) -> str:
    """A clause that says what would meet `need`, which may be one plugin's own (`prefix/name`)."""
    if need in SETTINGS:
        return SETTINGS[need]
    kind = GIVERS.get(need, "conditionings")
    found = []
    for name, cls in sorted(registry.components(kind).items()):
        how = _how_it_gives(cls, need)
        if how is not None:
            found.append(f"{name} with {how}" if how else name)
    return f"installed {kind.replace('_', ' ')} that give it: {_listed(found)}"


def judges_of(registry: Registry, drawn: str) -> str:
    """A clause that names the discriminators that judge "pictures", or "keypoints"."""
    known = sorted(registry.components("discriminators").items())
    found = [name for name, cls in known if getattr(cls, "judges", "") == drawn]
    return f"installed discriminators that judge {drawn}: {_listed(found)}"


def _listed(found: list[str]) -> str:
    more = [f"{len(found) - LISTED} more"] if len(found) > LISTED else []
    return ", ".join([*found[:LISTED], *more]) or "none"


@cache
def _how_it_gives(cls: type[Component], need: str) -> str | None:
    """The option with which it gives `need`, nothing if it does by itself; None = it does not."""
    for options in _forms(cls):
        try:
            component = TypeAdapter(cls).validate_python(options)
            if need in _gives(component):
                return ", ".join(f"`{option}: {_said(value)}`" for option, value in options.items())
        except Exception:
            continue
    return None


def _forms(cls: type[Component]) -> Iterator[dict[str, Any]]:
    """The usual options, then one at a time set to its other choices."""
    yield {}
    for option, schema in TypeAdapter(cls).json_schema().get("properties", {}).items():
        usual = schema.get("default")
        if usual is False:
            yield {option: True}
        elif usual == 0 and schema.get("type") == "integer":
            yield {option: WIDTH}
        for choice in schema.get("enum", ()):
            if choice != usual:
                yield {option: choice}


def _said(value: Any) -> str:
    return "true" if value is True else "N" if value == WIDTH else str(value)


def _gives(component: Component) -> frozenset[str]:
    """The needs that it would meet for its neighbours."""
    match component:
        case Dataset():
            return component.yields().offers
        case TextEncoder():
            return _there(component.yields())
        case ImageEncoder():
            return frozenset(f"image_{name}" for name in _there(component.yields()))
        case Conditioning():
            spec = component.yields(TextSpec(WIDTH, WIDTH))
            return _there(spec) | spec.extra
        case Stage():
            condition = ConditionSpec(WIDTH, WIDTH, gaussian=True, words=WIDTH, boxes=True, keypoints=2)
            return _there(component.yields(StageGiven(WIDTH, condition, StageSpec(WIDTH, WIDTH))))
        case Discriminator():
            return frozenset({"real", "fake", "mismatched"}) | component.heads
    return frozenset()


def _there(spec: object) -> frozenset[str]:
    return frozenset(name for name, size in vars(spec).items() if size)
