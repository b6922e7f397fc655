"""Checks of losses whose value is known: penalties of a linear discriminator, divergences from a normal."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ganzoo.flow import Condition
from ganzoo.testing.conformance.probes import Linear, Norms
from ganzoo.testing.conformance.subject import Subject
from ganzoo.testing.conformance.trial import Trial

NORMS = (Norms(picture=1.7, code=0.6), Norms(picture=0.4, code=1.3))


def linear_penalty(subject: Subject) -> None:
    """A loss that says its `linear_penalty` has that value where the discriminator is linear."""
    for norms in NORMS:
        expected = subject.component.linear_penalty(norms.picture, norms.code)
        if expected is None:
            return
        trial = Trial(subject, "discriminator", poor=True)
        for level, stage in enumerate(trial.plan.stages):
            code = stage.given.condition.discriminator_code
            trial.model.discriminators[str(level)] = Linear(norms, stage.spec.image, code)
        value = float(trial.value(trial.step(), " of a linear discriminator").detach())
        subject.expect(
            abs(value - expected) <= 1e-4 * max(1.0, abs(expected)),
            f"gives {value:.6g} for a linear discriminator whose gradients have the norms {norms.picture} to "
            f"the picture and {norms.code} to the code; its `linear_penalty` says {expected:.6g}",
        )


def divergence(subject: Subject) -> None:
    """A generator's loss that needs `gaussian` alone is 0 for a standard normal and above 0 elsewhere."""
    if subject.declared != {"gaussian"} or "generator" not in subject.component.updates:
        return
    trial = Trial(subject, "generator")

    def of(mean: Tensor | float, logvar: Tensor | float) -> float:
        """The loss where every row's code has this mean and logvar."""
        step = trial.step()
        made = step.generated

        def changed(condition: Condition) -> Condition:
            assert condition.mean is not None
            zero = torch.zeros_like(condition.mean)
            return replace(condition, mean=zero + mean, logvar=zero + logvar)

        step.feed(replace(made, conditions=tuple(map(changed, made.conditions))))
        return float(trial.value(step).detach())

    standard = of(0.0, 0.0)
    subject.expect(
        abs(standard) < 1e-6, f"gives {standard:.6g} where the code is standard normal; expected 0"
    )
    for mean, logvar in ((1.0, 0.0), (-1.0, 0.0), (0.0, 1.0), (0.0, -1.0)):
        value = of(mean, logvar)
        subject.expect(
            value > 1e-6,
            f"gives {value:.6g} where the code has mean {mean:g} and log-variance {logvar:g}; "
            "expected more than 0, its value for a standard normal",
        )
