"""Who is with whom must count in a loss of pairs; so must which pictures are real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch
import torch.nn.functional as F

from ganzoo.components import Loss
from ganzoo.core.penalties import head_gradients
from ganzoo.testing import examine


@dataclass(frozen=True, kw_only=True)
class Objective(Loss):
    """`weight` and `every` as ever; what it computes is set by the test."""

    updates: ClassVar = frozenset({"discriminator"})
    source: ClassVar[str] = "this test"
    of: ClassVar[Any] = None

    def __call__(self, step):
        return sum(type(self).of(step, level) for level in step.levels)


def made(of, *needs, updates=("discriminator",)):
    @dataclass(frozen=True, kw_only=True)
    class Mine(Objective):
        """`weight` and `every` as ever."""

    Mine.of, Mine.needs, Mine.updates = staticmethod(of), frozenset(needs), frozenset(updates)
    return Mine


def up(logits):
    return F.softplus(-logits.conditional).mean()


def down(logits):
    return F.softplus(logits.conditional).mean()


def triple(step, level):
    real, wrong, fake = (step.logits(kind, level) for kind in ("real", "mismatched", "fake"))
    return up(real) + (down(wrong) + down(fake)) / 2


def test_a_matching_aware_loss_passes():
    examine(made(triple, "real", "fake", "mismatched"), "mine/right")


def test_a_loss_of_pictures_alone_passes():
    def alone(step, level):
        return F.softplus(-step.logits("real", level).unconditional).mean()

    examine(made(alone, "real", "unconditional"), "mine/right")


def test_a_code_that_is_the_same_for_all(fault):
    def deaf(step, level):
        return up(step.judge(level, step.batch.images[level], torch.ones_like(step.code(level))))

    said = "in the discriminator update whether the captions belong to the pictures or to the next ones"
    assert said in fault(made(deaf, "real"))


def test_encoders_that_do_not_compare(fault):
    def apart(step, level):
        return step.image_features.vector.square().mean() + step.text.sentence.square().mean()

    def compare(step, level):
        return F.cross_entropy(step.image_features.vector @ step.text.sentence.T, torch.arange(3))

    needs = ("image_vector", "sentence")
    assert "in the encoders update whether the captions belong" in (
        fault(made(apart, *needs, updates=("encoders",)))
    )
    examine(made(compare, *needs, updates=("encoders",)), "mine/right")


def test_real_and_fake_judged_alike(fault):
    def alike(step, level):
        return down(step.logits("real", level)) + down(step.logits("fake", level))

    assert "also where real and fake pictures are swapped: it does not tell them apart" in (
        fault(made(alike, "real", "fake"))
    )


def turned_twice(step, level):
    """Turns the code, and hands it to `logits`, whose code is turned already."""
    wrong = step.batch.mismatched[level] if step.batch.mismatched else step.batch.images[level].roll(-1, 0)
    real, fake = step.logits("real", level), step.logits("fake", level)
    return up(real) + (down(step.judge(level, wrong, step.code(level).roll(-1, 0))) + down(fake)) / 2


def never(step, level):
    """Calls real pictures with foreign captions right."""
    return triple(step, level) - down(step.logits("mismatched", level)) + up(step.logits("mismatched", level))


def only_where_there_are_pictures(step, level):
    real, fake = step.logits("real", level), step.logits("fake", level)
    return up(real) + down(step.judge(level, step.batch.mismatched[level], step.code(level))) + down(fake)


@pytest.mark.parametrize(
    "of, message",
    [
        (
            turned_twice,
            "calls 6 pairs of a real picture and its own caption wrong, where mismatched pairs are "
            "pictures of other classes",
        ),
        (
            never,
            "needs `mismatched`, but calls no pair of a real picture and a foreign caption wrong, where "
            "mismatched pairs are pictures of other classes",
        ),
        (
            only_where_there_are_pictures,
            "fails in the discriminator update where mismatched pairs are captions of other rows: IndexError",
        ),
    ],
)
def test_mismatched_pairs(of, message, fault):
    assert message in fault(made(of, "real", "fake", "mismatched"))


@pytest.mark.parametrize("rows", [1, 3])
def test_one_coefficient_for_a_batch_and_one_for_each_row(rows, fault):
    """That the draw has enough rows is another check."""

    def penalty(step, level):
        real = step.batch.images[level]
        fake = step.generated.images[level][: len(real)].detach()
        mix = step.draws.uniform(len(real))[:rows].view(-1, 1, 1, 1)
        x = (mix * real + (1 - mix) * fake).requires_grad_()
        gradient, *_ = head_gradients(step.judge(level, x, step.code(level)), x)
        return (gradient.norm(dim=1) - 1).square().mean()

    if rows == 3:
        examine(made(penalty, "real", "fake"), "mine/right")
    else:
        said = fault(made(penalty, "real", "fake"))
        assert "mixes real and fake pictures with one coefficient, 0." in said
        assert said.endswith("in every row of a batch; expected one for each row")
