"""Checks of real training steps: an update changes what it trains, and not a bit of anything else."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from ganzoo.testing.conformance.subject import Subject
from ganzoo.testing.conformance.trial import Trial

OPPOSITE = {"discriminator": "generator", "generator": "discriminator", "encoders": None}


def stillness(subject: Subject) -> None:
    """The discriminator's update leaves the generator's weights bit-identical, and the other way round.

    So it leaves the other's optimizer, and the weights and buffers of what is frozen. Running statistics may
    move where the other side is in training mode: making and judging pictures is part of both updates.
    """
    updates = subject.component.updates if subject.kind == "losses" else {"discriminator", "generator"}
    for update in sorted(updates):
        beside = OPPOSITE[update]
        trial = Trial(subject, update, beside=beside)
        trial.trainer.train_mode()
        if beside:  # fills both optimizers, and lets both updates share one run of the generator
            trial.take(f"fails in a step of the {update} update and the {beside} update", all_due=True)
        before = {name: tensor.clone() for name, tensor in _still(trial)}
        trial.take(f"fails in a step of the {update} update")
        changed = [name for name, tensor in _still(trial) if not _identical(before.get(name), tensor)]
        subject.expect(
            not changed, f"lets the {update} update change what it does not train: {', '.join(changed[:3])}"
        )


def _still(trial: Trial) -> Iterator[tuple[str, Tensor]]:
    """By name what the update must leave alone: weights, others' optimizers, buffers of frozen modules."""
    updates = {update.plan.name: update for update in trial.trainer.updates}
    trained = {id(p) for p in updates[trial.update].parameters}
    live = {id(b) for update in updates.values() for m in update.modules.values() for b in m.buffers()}
    for name, parameter in trial.model.named_parameters():
        if id(parameter) not in trained:
            yield name, parameter.detach()
    for name, buffer in trial.model.named_buffers():
        if id(buffer) not in live:
            yield name, buffer
    for name, update in updates.items():
        if name != trial.update:
            for number, moments in update.optimizer.state_dict()["state"].items():
                yield from (
                    (f"{key} {number} of the {name} update's optimizer", x) for key, x in moments.items()
                )


def _identical(before: Tensor | None, now: Tensor) -> bool:
    return before is not None and torch.equal(before, now)
