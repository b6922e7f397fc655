"""A component in real training steps: of the smallest model that has all, or only what it requires."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import torch
from torch import Tensor

from ganzoo.errors import GanzooError
from ganzoo.flow import Batch, GeneratorOutput
from ganzoo.plan import Plan
from ganzoo.randomness import StepDraws
from ganzoo.rehearse import toy_batch
from ganzoo.runtime import accelerator
from ganzoo.step import Step
from ganzoo.testing.conformance.inputs import ROWS
from ganzoo.testing.conformance.recipes import plan_around
from ganzoo.testing.conformance.subject import Subject
from ganzoo.updates import PhaseTrainer


class WatchedDraws(StepDraws):
    """A step's draws; one coefficient for a whole batch is a fault."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(0, 0, torch.device("cpu"), torch.float32)
        self.subject = subject

    def uniform(self, rows: int) -> Tensor:
        """As ever, if there is one for each row."""
        self.subject.expect(rows >= ROWS, f"draws {rows} uniform number(s) for a batch of {ROWS} rows")
        return super().uniform(rows)


class FedStep(Step):
    """A step whose generated pictures can be given."""

    def feed(self, made: GeneratorOutput) -> None:
        """Take `made` for what the generator made."""
        self._generated = made


class Trial:
    """A model around the subject, and a trainer of one phase.

    `update`: the update under examination, in which a loss serves. `beside`: another one, due half as often.
    """

    def __init__(
        self, subject: Subject, update: str, *, beside: str | None = None, poor: bool = False
    ) -> None:
        self.subject, self.update, self.poor = subject, update, poor
        self.every: int = subject.component.every if subject.kind == "losses" else 1
        updates = {update: 1} | ({beside: 2 * self.every} if beside else {})
        self.plan = subject.attempt("cannot be planned", lambda: self._planned(updates))
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            self.model = subject.attempt("fails to be built in a model", self.plan.build)
        self.trainer = PhaseTrainer(self.model, self.plan.phases[0], accelerator("cpu", "fp32"))

    def _planned(self, updates: dict[str, int]) -> Plan:
        try:
            return plan_around(self.subject, updates, poor=self.poor)
        except GanzooError as error:
            self.subject.fail(f"fits no recipe: {error}")

    def batch(self) -> Batch:
        """Three rows of random pictures, with captions and all the rest; if poor, with what is required."""
        batch = toy_batch(self.plan, self.model.text_encoder).rows(slice(0, ROWS))
        if not self.poor or batch.layout is None:
            return batch
        has = self.subject.declared.__contains__
        layout = replace(
            batch.layout,
            boxes=batch.layout.boxes if has("boxes") else None,
            keypoints=batch.layout.keypoints if has("keypoints") else None,
        )
        there = has("boxes") or has("keypoints")
        return replace(
            batch,
            layout=layout if there else None,
            mismatched_layout=layout if there and has("mismatched") else None,
            class_id=batch.class_id if has("class_id") else None,
            mismatched=batch.mismatched if has("mismatched") else (),
        )

    def step(self, batch: Batch | None = None) -> FedStep:
        """A step in the update, on `batch` or its own; always with the same draws."""
        step = FedStep(self.model, batch or self.batch(), self.plan.phases[0], WatchedDraws(self.subject))
        step.begin(self.update, keep_graph=self.update == "generator", regenerate=False)
        return step

    def value(self, step: Step, doing: str = "") -> Tensor:
        """The loss of `step`: a finite scalar. `doing` completes "fails in the generator update"."""
        subject, where = self.subject, f"in the {self.update} update{doing}"
        value = subject.attempt(f"fails {where}", lambda: subject.component(step))
        subject.expect(isinstance(value, Tensor), f"gives a {type(value).__name__}, not a tensor")
        assert isinstance(value, Tensor)
        subject.expect(value.dim() == 0, f"gives a tensor of shape {list(value.shape)}, not a scalar")
        finite = bool(value.isfinite())
        subject.expect(finite, f"gives {float(value.detach())} {where}; expected a finite number")
        return value

    def take(self, doing: str, *, all_due: bool = False) -> dict[str, Tensor]:
        """A real training step in which the update is due alone, or all updates are. Returns the losses."""
        number = self.every * (2 if all_due else 1) - 1
        return self.subject.attempt(
            doing, partial(self.trainer.take_step, number, [self.batch()], [WatchedDraws(self.subject)])
        )
