"""Two training steps of a plan: every loss finite, a gradient in every weight of the generator."""

from __future__ import annotations

import torch

from ganzoo.health import first_unhealthy
from ganzoo.plan import Plan
from ganzoo.randomness import StepDraws
from ganzoo.rehearse import toy_batch
from ganzoo.runtime import accelerator
from ganzoo.updates import PhaseTrainer

STARTS = 3  # an activation of few channels may cut off all gradient from one start, not from each


def two_steps(plan: Plan) -> None:
    """Take two steps of each phase, on random pictures. AssertionError says what is wrong.

    A weight of the generator counts as reached if a gradient that is not 0 does so in either step.
    """
    missing: set[str] = set()
    for start in range(STARTS):
        found = _unreached(plan, start)
        missing = found if start == 0 else missing & found
        if not missing:
            return
    raise AssertionError(f"no gradient reaches {', '.join(sorted(missing))} of the generator")


def _unreached(plan: Plan, seed: int) -> set[str]:
    """The generator's weights, by name, that no gradient reaches."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = plan.build()
    compute, batch = accelerator("cpu", "fp32"), toy_batch(plan, model.text_encoder)
    missing = dict(model.generator.named_parameters())
    for phase in plan.phases:
        trainer = PhaseTrainer(model, phase, compute)
        trainer.train_mode()
        for number in range(2):
            draws = StepDraws(seed, number, model.device, model.dtype)
            values = {
                name: float(value) for name, value in trainer.take_step(number, [batch], [draws]).items()
            }
            broken = first_unhealthy(values)
            assert broken is None, f"{phase.name}/{broken} is {values[str(broken)]} in step {number + 1}"
            missing = {n: p for n, p in missing.items() if p.grad is None or not p.grad.any()}
    return set(missing)
