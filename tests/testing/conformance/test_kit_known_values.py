"""Losses whose value is known: penalties of a linear discriminator, divergences from a standard normal."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch

from ganzoo.components import Loss
from ganzoo.core.penalties import R1, GradientPenalty, head_gradients
from ganzoo.testing import examine
from ganzoo.testing.conformance.known_values import NORMS, linear_penalty
from ganzoo.testing.conformance.subject import Subject


@dataclass(frozen=True, kw_only=True)
class Divergence(Loss):
    """KL divergence of the code's Gaussian from a standard normal; `weight` and `every` as ever."""

    needs: ClassVar = frozenset({"gaussian"})
    updates: ClassVar = frozenset({"generator"})
    source: ClassVar[str] = "this test"
    of: ClassVar[Any] = staticmethod(lambda mean, logvar: mean.square() + logvar.exp() - 1 - logvar)

    def __call__(self, step):
        c = step.generated.conditions[0]
        return type(self).of(c.mean, c.logvar).mean() / 2


def test_a_right_divergence_passes():
    examine(Divergence, "mine/right")


@pytest.mark.parametrize(
    "of, message",
    [
        (
            lambda mean, logvar: mean.square() + logvar.exp() - logvar,
            "gives 0.5 where the code is standard normal; expected 0",
        ),
        (
            lambda mean, logvar: mean.square() + logvar.exp() - 1 + logvar,
            "gives -0.81606 where the code has mean 0 and log-variance -1; expected more than 0",
        ),
        (
            lambda mean, logvar: logvar.exp() - 1 - logvar + 0 * mean,
            "gives 0 where the code has mean 1 and log-variance 0; expected more than 0",
        ),
    ],
)
def test_wrong_divergences(of, message, fault):
    @dataclass(frozen=True, kw_only=True)
    class Mine(Divergence):
        """As before."""

    Mine.of = staticmethod(of)
    assert message in fault(Mine)


# -- penalties --------------------------------------------------------------------------------------------


def test_what_core_says_of_linear_discriminators():
    assert R1(gamma=10.0).linear_penalty(picture=1.7, code=0.6) == pytest.approx(5 * 1.7**2)
    assert GradientPenalty().linear_penalty(picture=1.7, code=0.6) == pytest.approx(0.7**2)
    assert GradientPenalty().linear_penalty(picture=0.4, code=1.3) == pytest.approx(0.6**2)


@dataclass(frozen=True, kw_only=True)
class Matching(Loss):
    """k |gradient to picture and code|^2: `k`; `weight` and `every` as ever."""

    needs: ClassVar = frozenset({"real"})
    updates: ClassVar = frozenset({"discriminator"})
    source: ClassVar[str] = "this test"

    k: float = 2.0

    def __call__(self, step):
        images = step.batch.images[-1].detach().requires_grad_()
        code = step.code(step.levels[-1]).detach().requires_grad_()
        logits = step.judge(step.levels[-1], images, code).conditional
        both = torch.autograd.grad(logits.sum(), [images, code], create_graph=True)
        return self.k * self.reduce(torch.cat([g.flatten(1) for g in both], 1).square().sum(1))

    def reduce(self, squares):
        return squares.mean()

    def linear_penalty(self, picture, code):
        return self.k * (picture**2 + code**2)


def test_a_penalty_that_reads_the_code_too_passes():
    examine(Matching, "mine/right")


def test_a_sum_instead_of_a_mean(fault):
    @dataclass(frozen=True, kw_only=True)
    class Sums(Matching):
        """As before."""

        def reduce(self, squares):
            return squares.sum()

    norms = NORMS[0]
    right = 2 * (norms.picture**2 + norms.code**2)
    assert (
        f"gives {3 * right:.6g} for a linear discriminator whose gradients have the norms {norms.picture} to "
        f"the picture and {norms.code} to the code; its `linear_penalty` says {right:.6g}"
    ) in fault(Sums)


def test_a_gradient_of_probabilities(fault):
    @dataclass(frozen=True, kw_only=True)
    class Squashed(R1):
        """As in core, but behind a sigmoid: `gamma`."""

        def __call__(self, step):
            images = step.batch.images[0].detach().requires_grad_()
            logits = step.judge(0, images, step.code(0))
            logits = type(logits)(logits.conditional.sigmoid())
            return self.gamma / 2 * head_gradients(logits, images)[0].square().sum(1).mean()

    assert "its `linear_penalty` says 14.45" in fault(Squashed)


def test_a_loss_that_says_no_formula_is_left_alone():
    linear_penalty(Subject("mine/right", Divergence))
