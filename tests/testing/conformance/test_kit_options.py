"""What every component owes: options, documentation, known needs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest

from ganzoo.core.penalties import R1
from ganzoo.testing import examine


@dataclass(frozen=True, kw_only=True)
class Plain(R1):
    """`gamma`, `weight` and `every` as in core."""


def test_a_right_one_passes():
    examine(Plain, "mine/right")


def test_an_option_of_any_type(fault):
    @dataclass(frozen=True, kw_only=True)
    class Anything(Plain):
        """Also has `mood`."""

        mood: Any = 1

    assert "accepts anything as option `mood`: its type is Any" in fault(Anything)


def test_an_option_that_is_not_documented(fault):
    @dataclass(frozen=True, kw_only=True)
    class Mute(Plain):
        """Says nothing."""

        mood: int = 1

    assert "does not document option `mood` in its docstring" in fault(Mute)


def test_no_docstring(fault):
    @dataclass(frozen=True, kw_only=True)
    class Bare(Plain):
        pass

    assert "has no docstring" in fault(Bare)


@pytest.mark.parametrize(
    "attribute, value, message",
    [
        ("source", "", "has no `source`"),
        ("tiny", {"gammas": 3}, "has `tiny` values for ['gammas'], which are no options of it"),
        ("tiny", {"gamma": -1}, "its `tiny` options {'gamma': -1} are refused"),
        ("needs", frozenset({"real", "features"}), "needs `features`, but losses may need only boxes, "),
        ("needs", frozenset({"real", "mine/mood"}), "needs `mine/mood`: tell the kit its shape"),
    ],
)
def test_facts_about_the_class(attribute, value, message, fault):
    @dataclass(frozen=True, kw_only=True)
    class Mine(Plain):
        """As before."""

    setattr(Mine, attribute, value)
    assert message in fault(Mine)


def test_options_that_may_be_changed_afterwards(fault):
    class Loose(Plain):
        """Forgot the decorator."""

    Loose.__dataclass_params__ = type("Params", (), {"frozen": False})
    assert "must be marked with @dataclass(frozen=True, kw_only=True)" in fault(Loose)
