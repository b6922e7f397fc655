"""Checks of what every loss owes, in a real step of the smallest model that has what it requires."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from ganzoo.testing.conformance.modules import draws_of
from ganzoo.testing.conformance.starved_step import StarvedStep
from ganzoo.testing.conformance.subject import Subject
from ganzoo.testing.conformance.trial import Trial

UPDATES = frozenset({"discriminator", "generator", "encoders"})


def updates(subject: Subject) -> None:
    """`updates` names updates, and the loss has a gradient to the weights of each of them."""
    named: frozenset[str] = getattr(subject.cls, "updates", frozenset())
    subject.expect(
        bool(named) and named <= UPDATES,
        f"serves in the updates {sorted(named)}; expected some of {', '.join(sorted(UPDATES))}",
    )
    for update in sorted(named):
        trial = Trial(subject, update)
        value = trial.value(trial.step())
        subject.expect(value.requires_grad, f"gives the {update} update a scalar without a gradient")
        found = torch.autograd.grad(value, trial.trainer.updates[0].parameters, allow_unused=True)
        subject.expect(
            any(g is not None and bool(g.any()) for g in found),
            f"serves in the {update} update, but has no gradient to any of its weights",
        )


def steps(subject: Subject) -> None:
    """A real training step with it, in each of its updates, changes weights and keeps them finite."""
    for update in sorted(subject.component.updates):
        for poor in (False, True):
            trial = Trial(subject, update, poor=poor)
            (trained,) = trial.trainer.updates
            before = [p.detach().clone() for p in trained.parameters]
            trial.trainer.train_mode()
            where = "where there is only what it requires" if poor else "where there is everything"
            said = trial.take(f"fails in the {update} update {where}")
            after = [p.detach() for p in trained.parameters]
            finite = all(bool(x.isfinite().all()) for x in (*said.values(), *after))
            subject.expect(finite, f"gives numbers that are not finite in the {update} update")
            changed = not all(map(torch.equal, before, after))
            subject.expect(changed, f"changes no weight in a step of the {update} update")


def starvation(subject: Subject) -> None:
    """It reads nothing of a step but what it requires; handing things on is not reading."""
    for update in sorted(subject.component.updates):
        trial = Trial(subject, update)
        starved: Any = StarvedStep(trial.step(), subject)
        trial.value(starved)


def scalars(subject: Subject) -> None:
    """A scalar, the same again for the same step, without `weight` in it, without draws of its own."""
    for update in sorted(subject.component.updates):
        trial = Trial(subject, update)
        trial.model.eval()
        steps = [trial.step() for _ in range(3)]
        values: list[Tensor] = []
        drew = draws_of(lambda: values.append(trial.value(steps[0])))  # noqa: B023 - called at once
        subject.expect(not drew, f"draws from {drew}: draws come from `step.draws`")
        again = trial.value(steps[1])
        subject.expect(torch.equal(values[0], again), "gives another value for the same step")
        heavier = replace(subject.component, weight=3 * subject.component.weight)(steps[2])
        subject.expect(
            torch.equal(values[0], heavier), "multiplies by `weight` itself; the loop does that already"
        )
