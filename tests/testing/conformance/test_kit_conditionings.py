"""The kit passes conditionings that are right and names the fault of those that are not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import torch
from torch import nn

from ganzoo.components import Conditioning
from ganzoo.flow import Condition
from ganzoo.specs import ConditionSpec
from ganzoo.testing import examine


@dataclass(frozen=True, kw_only=True)
class Gaussian(Conditioning):
    """A code `size` wide, drawn."""

    needs: ClassVar = frozenset({"sentence"})
    source: ClassVar[str] = "this test"
    tiny: ClassVar = {"size": 5}

    size: int = 128

    def yields(self, text):
        return ConditionSpec(self.size, text.sentence, gaussian=True, words=text.words)

    def epsilon(self, text):
        return self.size

    def build(self, text):
        return Drawn(text.sentence, self.size)


class Drawn(nn.Module):
    def __init__(self, sentence, size):
        super().__init__()
        self.layer = nn.Linear(sentence, 2 * size)

    def forward(self, text, layout, epsilon):
        mean, logvar = self.layer(text.sentence).chunk(2, 1)
        return Condition(
            mean + (logvar / 2).exp() * epsilon, text.sentence, mean, logvar, text.words, text.mask
        )


def test_a_right_one_passes():
    examine(Gaussian, "mine/right")


def test_a_code_of_another_width(fault):
    @dataclass(frozen=True, kw_only=True)
    class Wide(Gaussian):
        """`size` as before."""

        def yields(self, text):
            return replace(super().yields(text), discriminator_code=self.size)

    message = fault(Wide)
    assert "declares a discriminator code 5 wide, but gives a discriminator code 22 wide" in message


def test_an_epsilon_that_is_not_used(fault):
    class Still(Drawn):
        def forward(self, text, layout, epsilon):
            return super().forward(text, layout, torch.zeros_like(epsilon))

    @dataclass(frozen=True, kw_only=True)
    class Numb(Gaussian):
        """`size` as before."""

        def build(self, text):
            return Still(text.sentence, self.size)

    assert "does not depend on the input `epsilon`" in fault(Numb)
