"""Real training steps change what they train, and not a bit of anything else."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ganzoo.components import Discriminator, Loss, TextEncoder
from ganzoo.core.text import NGrams
from ganzoo.flow import Logits, TextFeatures
from ganzoo.specs import TextSpec
from ganzoo.testing import examine
from ganzoo.testing.conformance.stillness import stillness
from ganzoo.testing.conformance.subject import Subject


def moved(cls):
    """What `stillness` says; other checks may find other faults in the same component."""
    with pytest.raises(AssertionError) as caught:
        stillness(Subject("mine/broken", cls))
    return str(caught.value)


@dataclass(frozen=True, kw_only=True)
class Critic(Loss):
    """The critic's loss and the generator's; `weight` and `every` as ever."""

    needs: ClassVar = frozenset({"real", "fake"})
    updates: ClassVar = frozenset({"discriminator", "generator"})
    source: ClassVar[str] = "this test"

    def __call__(self, step):
        fake = step.logits("fake", 0).conditional
        if step.update == "generator":
            return -fake.mean()
        return F.relu(1 - step.logits("real", 0).conditional).mean() + F.relu(1 + fake).mean()


def test_a_right_loss_passes():
    examine(Critic, "mine/right")


def test_a_lazy_loss_is_tried_where_it_is_due():
    @dataclass(frozen=True, kw_only=True)
    class Lazy(Critic):
        """As before, but seldom: `every`."""

        every: int = 4

    examine(Lazy, "mine/right")


@pytest.mark.parametrize("update, part", [("generator", "discriminators"), ("discriminator", "stages")])
def test_a_loss_that_changes_the_other_side(update, part):
    @dataclass(frozen=True, kw_only=True)
    class Clips(Critic):
        """Clips weights where it should not; `weight` and `every` as ever."""

        def __call__(self, step):
            if step.update == update:
                with torch.no_grad():
                    for weight in getattr(step.model, part).parameters():
                        weight.mul_(0.99)
            return super().__call__(step)

    said = moved(Clips)
    assert f"lets the {update} update change what it does not train: {part}.0." in said


def test_a_discriminator_s_loss_that_frees_the_generator_s_graph(fault):
    """Right in an update of its own, wrong beside the generator's, with which it shares the pictures."""

    @dataclass(frozen=True, kw_only=True)
    class Undetached(Critic):
        """As before; `weight` and `every` as ever."""

        updates: ClassVar = frozenset({"discriminator"})

        def __call__(self, step):
            made = step.generated
            fake = step.judge(0, made.images[0], made.conditions[0].discriminator_code).conditional
            return F.softplus(-step.logits("real", 0).conditional).mean() + F.softplus(fake).mean()

    assert "fails in a step of the discriminator update and the generator update: RuntimeError" in (
        fault(Undetached)
    )


class Matching(nn.Module):
    def __init__(self, code):
        super().__init__()
        self.look, self.match = nn.Conv2d(3, 4, 4, 4), nn.Linear(4 + code, 1)

    def features(self, images):
        return F.softplus(self.look(images)).mean((2, 3))

    def judge(self, features, code):
        return Logits(self.match(torch.cat([features, code], 1))[:, 0])


@dataclass(frozen=True, kw_only=True)
class Judge(Discriminator):
    """One head."""

    source: ClassVar[str] = "this test"
    network: ClassVar = Matching

    def build(self, given):
        return self.network(given.condition.discriminator_code)


def test_a_discriminator_that_clips_itself_whoever_trains():
    class Clipping(Matching):
        def features(self, images):
            self.look.weight.data.mul_(0.99)
            return super().features(images)

    @dataclass(frozen=True, kw_only=True)
    class Clipped(Judge):
        """One head."""

        network: ClassVar = Clipping

    said = moved(Clipped)
    assert "lets the generator update change what it does not train: discriminators.0.look.weight" in said


def test_running_statistics_of_a_discriminator_may_move():
    class Normed(Matching):
        def __init__(self, code):
            super().__init__(code)
            self.look = nn.Sequential(self.look, nn.BatchNorm2d(4))

    @dataclass(frozen=True, kw_only=True)
    class Norm(Judge):
        """One head."""

        network: ClassVar = Normed

    examine(Norm, "mine/right")


class Reading(nn.Module):
    def __init__(self):
        super().__init__()
        self.ngrams = NGrams(size=8, buckets=64).build()
        self.norm = nn.BatchNorm1d(8)

    def tokenize(self, captions):
        return self.ngrams.tokenize(captions)

    def forward(self, tokens):
        return TextFeatures(self.norm(self.ngrams(tokens).sentence))


@dataclass(frozen=True, kw_only=True)
class Text(TextEncoder):
    """A frozen encoder with a batch norm."""

    needs: ClassVar = frozenset({"captions"})
    source: ClassVar[str] = "this test"
    network: ClassVar = Reading

    def yields(self):
        return TextSpec(8)

    def build(self):
        return self.network()


def test_running_statistics_of_a_frozen_encoder_may_not():
    class Stubborn(Reading):
        def train(self, mode=True):
            return super().train(True)

    @dataclass(frozen=True, kw_only=True)
    class Restless(Text):
        """A frozen encoder that never leaves training mode."""

        network: ClassVar = Stubborn

    examine(Text, "mine/right")
    said = moved(Restless)
    assert "lets the discriminator update change what it does not train: text_encoder.norm.running_m" in said
