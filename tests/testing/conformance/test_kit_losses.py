"""What every loss owes."""

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

    needs: ClassVar = frozenset({"real"})
    updates: ClassVar = frozenset({"discriminator"})
    source: ClassVar[str] = "this test"
    of: ClassVar[Any] = None

    def __call__(self, step):
        return type(self).of(self, step)


def real(step):
    return F.softplus(-step.logits("real", 0).conditional)


@pytest.mark.parametrize(
    "of, updates, message",
    [
        (lambda _, step: real(step).mean(), {"discriminator"}, None),
        (lambda _, step: real(step).mean(), {"critic"}, "serves in the updates ['critic']; expected some of"),
        (
            lambda _, step: head_gradients(
                step.judge(0, x := step.batch.images[0].clone().requires_grad_(), step.code(0).detach()), x
            )[0].mean(),
            {"generator"},
            "serves in the generator update, but has no gradient to any of its weights",
        ),
        (lambda _, step: real(step), {"discriminator"}, "gives a tensor of shape [3], not a scalar"),
        (
            lambda self, step: self.weight * real(step).mean() * torch.rand(()),
            {"discriminator"},
            "draws from torch's global generator: draws come from `step.draws`",
        ),
        (
            lambda self, step: self.weight * real(step).mean(),
            {"discriminator"},
            "multiplies by `weight` itself",
        ),
        (
            lambda _, step: (real(step) * step.draws.uniform(1)).mean(),
            {"discriminator"},
            "draws 1 uniform number(s) for a batch of 3 rows",
        ),
        (
            lambda _, step: (real(step) + F.softplus(step.logits("mismatched", 0).conditional)).mean(),
            {"discriminator"},
            "read `mismatched` without declaring it",
        ),
        (
            lambda _, step: (step.look(0, "real", "mismatched"), real(step).mean())[1],
            {"discriminator"},
            "read `mismatched` without declaring it",
        ),
        (
            lambda _, step: (real(step) * step.text.words.mean()).mean(),
            {"discriminator"},
            "read `words` without declaring it",
        ),
        (
            lambda _, step: (real(step) / step.batch.class_id).mean(),
            {"discriminator"},
            "gives inf in the discriminator update; expected a finite number",
        ),
    ],
)  # fmt: skip
def test_losses(of, updates, message, fault):
    @dataclass(frozen=True, kw_only=True)
    class Mine(Objective):
        """`weight` and `every` as ever."""

    Mine.of, Mine.updates = staticmethod(of), frozenset(updates)
    if message is None:
        examine(Mine, "mine/right")
    else:
        assert message in fault(Mine)
