"""The kit passes discriminators that are right and names the fault of those that are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from ganzoo.components import Discriminator
from ganzoo.flow import Layout, Logits
from ganzoo.testing import examine


class Matching(nn.Module):
    """A discriminator's network with both heads."""

    def __init__(self, code):
        super().__init__()
        self.look, self.match, self.alone = nn.Conv2d(3, 4, 4, 4), nn.Linear(4 + code, 1), nn.Linear(4, 1)

    def features(self, images):
        return F.softplus(self.look(images)).mean((2, 3))

    def judge(self, features, code):
        return Logits(self.match(torch.cat([features, code], 1))[:, 0], self.alone(features)[:, 0])


@dataclass(frozen=True, kw_only=True)
class Judge(Discriminator):
    """Two heads."""

    source: ClassVar[str] = "this test"
    heads: ClassVar = frozenset({"conditional", "unconditional"})
    network: ClassVar[Any] = Matching

    def build(self, given):
        return self.network(given.condition.discriminator_code)


def test_a_right_one_passes():
    examine(Judge, "mine/right")


def test_a_discriminator_that_ignores_the_code(fault):
    class Deaf(Matching):
        def judge(self, features, code):
            return super().judge(features, torch.zeros_like(code))

    @dataclass(frozen=True, kw_only=True)
    class Ignores(Judge):
        """Two heads."""

        network: ClassVar = Deaf

    assert "does not depend on the input `code`" in fault(Ignores)


def test_an_unconditional_head_that_reads_the_code(fault):
    class Peeking(Matching):
        def judge(self, features, code):
            logits = super().judge(features, code)
            return Logits(logits.conditional, logits.unconditional + code.mean(1))

    @dataclass(frozen=True, kw_only=True)
    class Peeks(Judge):
        """Two heads."""

        network: ClassVar = Peeking

    assert "reads the code in its unconditional head" in fault(Peeks)


def test_heads_that_are_not_declared(fault):
    @dataclass(frozen=True, kw_only=True)
    class OneHead(Judge):
        """Says it has one head."""

        heads: ClassVar = frozenset({"conditional"})

    assert "declares heads ['conditional'], but gives an unconditional logit" in fault(OneHead)


def test_a_discriminator_of_one_code_width(fault):
    class Fixed(Matching):
        def __init__(self, code):
            super().__init__(13)

    @dataclass(frozen=True, kw_only=True)
    class Narrow(Judge):
        """Two heads."""

        network: ClassVar = Fixed

    assert "fails on a code 1 wide: RuntimeError" in fault(Narrow)


class Placed(Matching):
    """Reads a box beside the code."""

    def __init__(self, code):
        super().__init__(code)
        self.where = nn.Linear(4, 1)

    def judge(self, features, code, layout):
        logits = super().judge(features, code)
        return Logits(logits.conditional + self.where(layout.boxes)[:, 0], logits.unconditional)


@dataclass(frozen=True, kw_only=True)
class ReadsBoxes(Judge):
    """Two heads, one of which sees the box."""

    needs: ClassVar = frozenset({"boxes"})
    network: ClassVar = Placed


def test_one_that_reads_boxes_passes():
    examine(ReadsBoxes, "mine/placed")


def test_a_discriminator_that_ignores_its_boxes(fault):
    class Blind(Placed):
        def judge(self, features, code, layout):
            return super().judge(features, code, Layout(boxes=torch.ones_like(layout.boxes)))

    @dataclass(frozen=True, kw_only=True)
    class Ignores(ReadsBoxes):
        """Two heads."""

        network: ClassVar = Blind

    assert "gives the same outputs for other `boxes`" in fault(Ignores)


def test_a_discriminator_that_reads_keypoints_undeclared(fault):
    class Peeks(Placed):
        def judge(self, features, code, layout):
            seen = 0 if layout.keypoints is None else layout.keypoints.mean()
            return super().judge(features, code + seen, layout)

    @dataclass(frozen=True, kw_only=True)
    class Undeclared(ReadsBoxes):
        """Two heads."""

        network: ClassVar = Peeks

    assert "read `keypoints` without declaring it" in fault(Undeclared)


def test_features_of_several_batches_that_share_their_statistics(fault):
    class Mixed(Matching):
        def __init__(self, code):
            super().__init__(code)
            self.norm = nn.BatchNorm2d(3)

        def features(self, images):
            return super().features(self.norm(images))

        def features_apart(self, batches):
            return self.features(torch.cat(batches)).split([len(batch) for batch in batches])

    @dataclass(frozen=True, kw_only=True)
    class Joins(Judge):
        """Two heads."""

        network: ClassVar = Mixed

    assert "gives in `features_apart` other features than in `features`" in fault(Joins)


def test_features_of_several_batches_that_move_no_statistics(fault):
    class Forgetful(Matching):
        def __init__(self, code):
            super().__init__(code)
            self.norm = nn.BatchNorm2d(3)

        def features(self, images):
            return super().features(self.norm(images))

        def features_apart(self, batches):
            self.norm.track_running_stats = False
            self.norm.running_mean, mean = None, self.norm.running_mean
            self.norm.running_var, var = None, self.norm.running_var
            found = [self.features(batch) for batch in batches]
            self.norm.running_mean, self.norm.running_var = mean, var
            return found

    @dataclass(frozen=True, kw_only=True)
    class Forgets(Judge):
        """Two heads."""

        network: ClassVar = Forgetful

    assert "has other running statistics after `features_apart`" in fault(Forgets)
