"""The outline of a recipe: which keys stand where, and the typed parts the assembler and the trainer read.

What stands inside a component (its options) is the component's own affair and checked by the assembler.
"""

from __future__ import annotations

import copy
import math
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    InstanceOf,
    PrivateAttr,
    StrictBool,
    ValidationError,
    model_validator,
)

from ganzoo.errors import did_you_mean
from ganzoo.yaml_source import Keys

Count = Annotated[int, Field(strict=True, ge=1)]
Index = Annotated[int, Field(strict=True, ge=0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$")]

LARGEST_INTEGER = 2**63

_COMPONENT = re.compile(
    r"data|text|image|conditioning"
    r"|stages\.\d+\.(stage|discriminator|conditioning)"
    r"|training\.[^.]+\.(updates\.[^.]+\.(optimizer|losses\.\d+)|measure\.\d+)"
)
_USE = re.compile(r"([a-z0-9_.-]+/)?[a-z0-9_.-]+")


@dataclass(frozen=True)
class Node:
    """A component as a recipe names it. `use`: its full name; `where`: file:line; `path`: its place in it."""

    use: str
    options: dict[str, Any]
    where: str
    path: str


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Update(_Part):
    """One optimizer's part of a step. `every`: only each n-th step. `regenerate`: with fakes of its own."""

    optimizer: InstanceOf[Node]
    losses: tuple[InstanceOf[Node], ...] = Field(min_length=1)
    every: Count = 1
    regenerate: StrictBool = False


class Phase(_Part):
    """One phase of training: so many steps or epochs. `stages`: numbers of those that train, None = all.

    `ema`: decay of the averaged weights, None = no averaging. `ema_warmup`: a smaller decay in the first
    steps. `ema_restart`: after every so many steps the generator goes on from its averages. `accumulate`:
    micro-batches a step. `batch`: examples a step, None = `data.batch`. `frozen_train`: stages in front of
    those that train run in training mode, on batch statistics that keep moving. `copies_apart`: with several
    samples a caption, discriminators judge each copy of the batch in a pass of its own. `measure`: metrics of
    each checkpoint on held-out captions; the first says which is the best.
    """

    _name: str = PrivateAttr(default="")

    steps: Count | None = None
    epochs: Count | None = None
    stages: tuple[Index, ...] | None = Field(default=None, min_length=1)
    ema: Annotated[float, Field(strict=True, gt=0, lt=1)] | None = None
    ema_warmup: StrictBool = False
    ema_restart: Count | None = None
    samples_per_caption: Count = 1
    accumulate: Count = 1
    batch: Count | None = None
    frozen_train: StrictBool = False
    copies_apart: StrictBool = False
    measure: tuple[InstanceOf[Node], ...] = ()
    updates: dict[Literal["discriminator", "generator", "encoders"], Update] = Field(min_length=1)

    @property
    def name(self) -> str:
        """Its key under `training`."""
        return self._name

    @model_validator(mode="after")
    def _one_length(self) -> Phase:
        if (self.steps is None) == (self.epochs is None):
            raise ValueError("exactly one of `steps` and `epochs` must be given")
        if self.ema_restart and self.ema is None:
            raise ValueError("`ema_restart` goes on from averages; give `ema` too, such as 0.999")
        return self


class StageEntry(_Part):
    """A generator stage, its discriminator if it has one, and its own conditioning if it has one."""

    stage: InstanceOf[Node]
    discriminator: InstanceOf[Node] | None = None
    conditioning: InstanceOf[Node] | None = None


class Outline(_Part):
    """Everything a recipe says."""

    title: str = ""
    paper: str = ""
    distributions: tuple[str, ...] = ()
    reported: dict[str, Any] = Field(default_factory=dict)
    data: InstanceOf[Node] | None = None
    text: InstanceOf[Node] | None = None
    image: InstanceOf[Node] | None = None
    conditioning: InstanceOf[Node] | None = None
    noise: Index = 0
    stages: tuple[StageEntry, ...] = ()
    training: dict[Name, Phase] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _name_phases(self) -> Outline:
        for name, phase in self.training.items():
            phase._name = name
        return self


def is_component(keys: Keys) -> bool:
    """Whether a component stands at `keys`."""
    return _COMPONENT.fullmatch(dotted(keys)) is not None


def inside_component(keys: Keys) -> bool:
    """Whether `keys` lead to a component or to something in it."""
    return any(is_component(keys[:end]) for end in range(1, len(keys) + 1))


def dotted(keys: Keys) -> str:
    """`("stages", 0, "stage")` as `"stages.0.stage"`."""
    return ".".join(map(str, keys))


def known_keys(keys: Keys) -> frozenset[str] | None:
    """The keys that may stand in the mapping at `keys`; None where any may (phases, options, scores)."""
    match keys:
        case ():
            return frozenset(Outline.model_fields)
        case ("stages", _):
            return frozenset(StageEntry.model_fields)
        case ("training", _):
            return frozenset(Phase.model_fields)
        case ("training", _, "updates"):
            return frozenset({"discriminator", "generator", "encoders"})
        case ("training", _, "updates", _):
            return frozenset(Update.model_fields)
    return None


def _may_lack(keys: Keys) -> bool:
    """Whether null at `keys` means that nothing stands there. An option of a component may well be null."""
    known = known_keys(keys[:-1])
    return not inside_component(keys[:-1]) and (known is None or keys[-1] in known)


def tidy(value: Any, keys: Keys = ()) -> Any:
    """A copy in its one stable form: `use` first in every component, top keys in order, removed keys gone."""
    if is_component(keys) and isinstance(value, str):
        return {"use": value}
    if isinstance(value, Mapping):
        first = ("use",) if is_component(keys) else tuple(Outline.model_fields) if keys == () else ()
        order = [key for key in first if key in value] + [key for key in value if key not in first]
        return {
            key: tidy(value[key], (*keys, key))
            for key in order
            if value[key] is not None or not _may_lack((*keys, key))
        }
    if isinstance(value, list):
        return [tidy(item, (*keys, number)) for number, item in enumerate(value)]
    return value


def node_at(value: Mapping[str, Any], keys: Keys, where: Callable[[Keys], str]) -> Node:
    """The component that the mapping `value` at `keys` names; without a slash it is core's."""
    options = copy.deepcopy({key: option for key, option in value.items() if key != "use"})
    use = value["use"]
    return Node(use if "/" in use else f"core/{use}", options, where(keys), dotted(keys))


def typed(tree: Mapping[str, Any], where: Callable[[Keys], str]) -> Outline | list[str]:
    """The typed outline of a tidy tree, or every mistake in it as a message with its place."""
    if odd := [f"`{dotted(keys)}`: {said}   at {where(keys)}" for keys, said in _odd_numbers(tree, ())]:
        return odd
    try:
        outline = Outline.model_validate(_with_nodes(tree, (), where))
    except ValidationError as error:
        return [_message(dict(mistake), where) for mistake in error.errors()]
    return _missing_stages(outline, where) or outline


def _odd_numbers(value: Any, keys: Keys) -> Iterator[tuple[Keys, str]]:
    """Numbers with which nothing can be computed, wherever they stand."""
    if isinstance(value, (Mapping, list)):
        for key, item in value.items() if isinstance(value, Mapping) else enumerate(value):
            yield from _odd_numbers(item, (*keys, key))
    elif isinstance(value, float) and not math.isfinite(value):
        yield keys, f"a number should be finite, not {value}"
    elif isinstance(value, int) and abs(value) >= LARGEST_INTEGER:
        yield keys, f"an integer should have at most 64 bits, not {_short(value)}"


def _missing_stages(outline: Outline, where: Callable[[Keys], str]) -> list[str]:
    count = len(outline.stages)
    return [
        f"`training.{name}.stages` names stage {number}, but there are {count} stages, counted from 0"
        f"   at {where(('training', name, 'stages'))}"
        for name, phase in outline.training.items()
        for number in phase.stages or ()
        if number >= count
    ]


def _with_nodes(value: Any, keys: Keys, where: Callable[[Keys], str]) -> Any:
    if is_component(keys):
        use = value.get("use") if isinstance(value, dict) else None
        return node_at(value, keys, where) if isinstance(use, str) and _USE.fullmatch(use) else value
    if isinstance(value, dict):
        return {key: _with_nodes(item, (*keys, key), where) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_nodes(item, (*keys, number), where) for number, item in enumerate(value)]
    return value


def _message(mistake: Mapping[str, Any], where: Callable[[Keys], str]) -> str:
    keys: Keys = mistake["loc"]
    kind = mistake["type"]
    if keys and keys[-1] == "[key]":
        keys = keys[:-1]
        kind = "extra_forbidden" if known_keys(keys[:-1]) else kind
    outer = f"`{dotted(keys[:-1])}`" if len(keys) > 1 else "a recipe"
    if kind == "extra_forbidden":
        known = known_keys(keys[:-1]) or frozenset()
        hint = did_you_mean(str(keys[-1]), known) or f"; it may have {', '.join(sorted(known))}"
        said = f"{outer} has no `{keys[-1]}`{hint}"
    elif kind == "missing":
        said = f"{outer} needs `{keys[-1]}`"
    elif kind == "value_error":
        said = f"`{dotted(keys)}`: {mistake['ctx']['error']}" if keys else str(mistake["ctx"]["error"])
    elif is_component(keys):
        said = f"`{dotted(keys)}` must be a component, {{use: prefix/name}}, not {_short(mistake['input'])}"
    else:
        said = f"`{dotted(keys)}`: {mistake['msg']}, not {_short(mistake['input'])}"
    return f"{said}   at {where(keys)}"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
