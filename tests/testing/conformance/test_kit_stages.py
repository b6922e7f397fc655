"""The kit passes stages that are right and names the fault of those that are not."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

from ganzoo.components import Stage
from ganzoo.flow import StageOutput
from ganzoo.specs import StageSpec
from ganzoo.testing import examine


class Painter(nn.Module):
    """A stage's network; `paint` is what the broken ones change."""

    def __init__(self, given, side, read):
        super().__init__()
        self.side, self.read = side, read
        self.layer = nn.Linear(given.noise + given.condition.generator_code, 3 * side * side)

    def forward(self, previous, condition, noise):
        maps = self.layer(torch.cat([noise, condition.generator_code], 1))
        return self.paint(maps.view(-1, 3, self.side, self.side).tanh(), previous, condition)

    def paint(self, image, previous, condition):
        return StageOutput(image if self.read is None else self.read(image, previous, condition))


@dataclass(frozen=True, kw_only=True)
class Plain(Stage):
    """A linear layer to a picture of `side` pixels."""

    needs: ClassVar = frozenset({"noise", "generator_code"})
    source: ClassVar[str] = "this test"
    tiny: ClassVar = {"side": 8}
    read: ClassVar[Any] = None
    network: ClassVar[Any] = Painter

    side: int = 64

    def yields(self, given):
        return StageSpec(image=self.side)

    def build(self, given):
        return self.network(given, self.side, type(self).read)


def test_a_right_one_passes():
    examine(Plain, "mine/right")


def test_a_stage_that_reads_what_it_did_not_declare(fault):
    @dataclass(frozen=True, kw_only=True)
    class Reader(Plain):
        """`side` as before."""

        read: ClassVar = staticmethod(
            lambda image, previous, condition: (
                image if condition.words is None else image * condition.words.mean().tanh()
            )
        )

    assert fault(Reader) == "component mine/broken read `words` without declaring it"


def test_a_stage_that_fails_without_what_it_did_not_declare(fault):
    @dataclass(frozen=True, kw_only=True)
    class Asker(Plain):
        """`side` as before."""

        read: ClassVar = staticmethod(
            lambda image, previous, condition: image * (condition.words.shape[1] > 0)
        )

    assert "fails where there is only what it requires: AttributeError" in fault(Asker)


def test_a_stage_of_another_resolution(fault):
    @dataclass(frozen=True, kw_only=True)
    class Small(Plain):
        """`side` as before."""

        def yields(self, given):
            return StageSpec(image=2 * self.side)

    assert "declares pictures [3, 3, 16, 16], but gives pictures [3, 3, 8, 8]" in fault(Small)


def test_a_stage_with_undeclared_hidden_features(fault):
    class Hidden(Painter):
        def paint(self, image, previous, condition):
            return StageOutput(image, image)

    @dataclass(frozen=True, kw_only=True)
    class Secretive(Plain):
        """`side` as before."""

        network: ClassVar = Hidden

    assert "declares hidden features not at all, but gives hidden features 3 wide" in fault(Secretive)


def test_pictures_out_of_range(fault):
    @dataclass(frozen=True, kw_only=True)
    class Loud(Plain):
        """`side` as before."""

        read: ClassVar = staticmethod(lambda image, previous, condition: 9 * image)

    assert re.search(r"values up to \d.*; expected \[-1, 1\]", fault(Loud))


def test_a_parameter_without_gradient(fault):
    class Forgetful(Painter):
        def __init__(self, *args):
            super().__init__(*args)
            self.unused = nn.Linear(2, 2)

    @dataclass(frozen=True, kw_only=True)
    class Lame(Plain):
        """`side` as before."""

        network: ClassVar = Forgetful

    message = fault(Lame)
    assert "does not depend on its parameter unused.bias, its parameter unused.weight" in message


def test_a_declared_need_that_is_not_used(fault):
    @dataclass(frozen=True, kw_only=True)
    class Greedy(Plain):
        """`side` as before."""

        needs: ClassVar = frozenset({"noise", "generator_code", "words"})

    assert "does not depend on the input `words`" in fault(Greedy)


def test_draws_inside_forward(fault):
    @dataclass(frozen=True, kw_only=True)
    class Noisy(Plain):
        """`side` as before."""

        read: ClassVar = staticmethod(
            lambda image, previous, condition: (image + torch.randn_like(image)).clamp(-1, 1)
        )

    assert "draws from torch's global generator" in fault(Noisy)


@pytest.mark.parametrize(
    "read, message",
    [
        (lambda image, *_: image.float(), "was moved to float64, but gives ['torch.float32']"),
        (lambda image, *_: (image - image.mean(0)) / 2, "mixes the rows of a batch"),
    ],
)
def test_other_faults_of_a_forward_pass(read, message, fault):
    @dataclass(frozen=True, kw_only=True)
    class Odd(Plain):
        """`side` as before."""

    Odd.read = staticmethod(read)
    assert message in fault(Odd)


def test_a_tensor_on_a_fixed_device(fault):
    @dataclass(frozen=True, kw_only=True)
    class Rooted(Plain):
        """`side` as before."""

        read: ClassVar = staticmethod(
            lambda image, previous, condition: image * torch.ones(8, device="cpu", dtype=image.dtype)
        )

    assert "fails on another device than the CPU: RuntimeError" in fault(Rooted)


def test_weights_that_the_state_dict_leaves_out(fault):
    class Leaky(Painter):
        def __init__(self, *args):
            super().__init__(*args)
            self.register_buffer("shift", torch.randn(1), persistent=False)

        def paint(self, image, previous, condition):
            return StageOutput((image + self.shift).clamp(-1, 1))

    @dataclass(frozen=True, kw_only=True)
    class Lossy(Plain):
        """`side` as before."""

        network: ClassVar = Leaky

    assert "gives other outputs after its state dict was loaded elsewhere" in fault(Lossy)


def test_extra_tensors_need_their_shape(fault):
    @dataclass(frozen=True, kw_only=True)
    class Extra(Plain):
        """`side` as before."""

        needs: ClassVar = frozenset({"noise", "generator_code", "mine/mood"})
        read: ClassVar = staticmethod(
            lambda image, previous, c: image * c.extra["mine/mood"].mean((1, 2)).tanh()[:, None, None, None]
        )

    assert "needs `mine/mood`: tell the kit its shape" in fault(Extra)
    examine(Extra, "mine/right", extras={"mine/mood": (4, 2)})
