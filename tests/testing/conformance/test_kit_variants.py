"""Components are also tried at options that change what they require."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch.nn.functional as F

from ganzoo.components import Loss
from ganzoo.core.adversarial import Hinge
from ganzoo.testing import conformance, examine
from ganzoo.testing.conformance.subject import Subject
from ganzoo.testing.conformance.variants import variants


@dataclass(frozen=True, kw_only=True)
class Optional(Loss):
    """Pairs that mismatch only with `matching`; `weight` and `every` as ever."""

    needs: ClassVar = frozenset({"real", "fake"})
    updates: ClassVar = frozenset({"discriminator"})
    source: ClassVar[str] = "this test"
    wrong: ClassVar[str] = "mismatched"

    matching: bool = False

    def requires(self):
        return self.needs | ({"mismatched"} if self.matching else set())

    def __call__(self, step):
        wrong = ["fake", *([self.wrong] if self.matching else [])]
        loss = F.softplus(-step.logits("real", 0).conditional).mean()
        return loss + sum(2 * F.softplus(step.logits(kind, 0).conditional).mean() for kind in wrong)


def test_an_option_that_switches_a_need_on():
    (variant,) = variants(Subject("mine/right", Optional))
    assert variant.declared == {"real", "fake", "mismatched"} and variant.component.matching
    examine(Optional, "mine/right")


def test_a_fault_that_shows_only_there(fault):
    @dataclass(frozen=True, kw_only=True)
    class Same(Optional):
        """As before."""

        wrong: ClassVar = "real"

    said = fault(Same)
    assert said.startswith(
        "component mine/broken with matching=True calls 3 pairs of a real picture and its own"
    )


def test_options_that_change_no_need_make_no_variant():
    assert [dict(v.changes) for v in variants(Subject("core/hinge", Hinge))] == [{"mismatched": 0.5}]
    (mark,) = conformance("core").pytestmark
    names = [case.id for case in mark.args[1]]
    assert "losses-hinge-with-mismatched=0.5-mismatched_pairs" in names
    assert "losses-hinge-with-mismatched=0.5-effects" not in names


def test_what_is_too_broken_to_ask_makes_none(fault):
    @dataclass(frozen=True, kw_only=True)
    class Odd(Optional):
        """As before."""

        tiny: ClassVar = {"matching": "perhaps"}

    assert list(variants(Subject("mine/broken", Odd))) == []
    assert "its `tiny` options {'matching': 'perhaps'} are refused" in fault(Odd)
