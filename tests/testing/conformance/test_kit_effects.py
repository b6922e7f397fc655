"""Every option changes something, or is said to change nothing at tiny sizes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import pytest
import torch
from pydantic import AfterValidator, Field, PositiveInt
from torch import nn

from ganzoo.components import Conditioning
from ganzoo.core.adversarial import Hinge
from ganzoo.data.shapes import Shapes
from ganzoo.errors import GanzooError
from ganzoo.flow import Condition
from ganzoo.specs import ConditionSpec
from ganzoo.testing import conformance, examine


def even(size: int) -> int:
    if size % 2:
        raise ValueError("expected an even number")
    return size


@dataclass(frozen=True, kw_only=True)
class Rich(Conditioning):
    """Options of every type: `size`, `rate`, `gated`, `curve`, `scales`, `name`, `drop`, `detached`."""

    needs: ClassVar = frozenset({"sentence"})
    source: ClassVar[str] = "this test"
    tiny: ClassVar = {"size": 6}
    ignored: ClassVar[frozenset[str]] = frozenset()

    size: Annotated[int, AfterValidator(even)] = 128
    rate: Annotated[float, Field(gt=0, le=1)] = 1.0
    gated: bool = False
    curve: Literal["tanh", "sigmoid"] = "tanh"
    scales: tuple[float, ...] = (1.0, 2.0)
    name: str | None = None
    drop: Annotated[float, Field(ge=0, lt=1)] = 0.0
    detached: bool = False

    def yields(self, text):
        return ConditionSpec(self.size, text.sentence, words=text.words)

    def build(self, text):
        default = type(self)()
        options = {
            name: getattr(default if name in self.ignored else self, name)
            for name in ("rate", "gated", "curve", "scales", "name", "drop", "detached")
        }
        return Network(text.sentence, self.size, **options)


class Network(nn.Module):
    def __init__(self, sentence, size, rate, gated, curve, scales, name, drop, detached):
        super().__init__()
        if name is not None:
            raise GanzooError(f"no weights are called {name}")
        self.layer, self.rate, self.scale = nn.Linear(sentence, size), rate, sum(scales)
        self.gate = nn.Linear(sentence, size) if gated else None
        self.curve, self.drop, self.detached = getattr(torch, curve), nn.Dropout(drop), detached

    def forward(self, text, layout, epsilon):
        code = self.curve(self.layer(text.sentence)) * self.rate * self.scale
        if self.gate is not None:
            code = code * self.gate(text.sentence)
        judged = text.sentence.detach() if self.detached else text.sentence
        return Condition(self.drop(code), judged, words=text.words, mask=text.mask)


def test_options_of_every_type_that_change_something_pass():
    examine(Rich, "mine/right")


@pytest.mark.parametrize(
    "option, tried",
    [
        ("rate", "[0.5, 0.5]"),
        ("gated", "[True]"),
        ("curve", "['sigmoid']"),
        ("name", "['another']"),
        ("drop", "[0.5]"),
        ("detached", "[True]"),
        ("scales", "[[1.0], [0.5], [2], "),
    ],
)
def test_an_option_that_changes_nothing(option, tried, fault):
    @dataclass(frozen=True, kw_only=True)
    class Deaf(Rich):
        """As before."""

        ignored: ClassVar = frozenset({option})

    said = fault(Deaf)
    assert f"ignores its option `{option}`: {tried}" in said
    assert "change nothing. If that is so only at `tiny` sizes, say so: conformance(..., unfelt=" in said
    assert said.endswith(f"{{'broken': ['{option}']}})")
    examine(Deaf, "mine/right", unfelt=[option])


def test_running_statistics_that_move_are_no_effect(fault):
    @dataclass(frozen=True, kw_only=True)
    class Normed(Rich):
        """As before."""

        ignored: ClassVar = frozenset({"gated"})

        def build(self, text):
            module = super().build(text)
            module.drop = nn.Sequential(nn.BatchNorm1d(self.size), module.drop)
            return module

    assert "ignores its option `gated`: [True] change nothing" in fault(Normed)


def test_what_is_said_to_be_unfelt_must_be(fault):
    assert "was said to be unfelt in option `gated`, but it changes something" in fault(
        Rich, unfelt=["gated"]
    )
    assert "has no options ['gate'], which were said to be unfelt" in fault(Rich, unfelt=["gate"])
    with pytest.raises(GanzooError, match=r"unfelt names `hing`, but core offers only .*hinge"):
        conformance("core", unfelt={"hing": ["mismatched"]})


def test_an_option_of_a_loss(fault):
    @dataclass(frozen=True, kw_only=True)
    class Soft(Hinge):
        """As in core; `margin` is read by nobody. `mismatched`, `unconditional`."""

        margin: float = 1.0

    assert "ignores its option `margin`: [0.5, 2.0, 0.5, 0.0] change nothing" in fault(Soft)


def test_an_option_of_a_data_set(fault):
    @dataclass(frozen=True, kw_only=True)
    class More(Shapes):
        """As in core; `palette` is in the fingerprint alone."""

        palette: PositiveInt = 3

        def examples(self, split, folder, resolution):
            found = super().examples(split, folder, resolution)
            return type(found)(**{**vars(found), "fingerprint": f"{found.fingerprint} {self.palette}"})

    assert "ignores its option `palette`: [4, 6, 1, 1] change nothing" in fault(More)
