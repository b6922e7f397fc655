"""Checks of losses: in a real step of the smallest model that has what they require."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import GanzooError
from ganzoo.flow import Batch, Condition, GeneratorOutput, ImageFeatures, Logits, TextFeatures
from ganzoo.model import Model
from ganzoo.plan import Plan
from ganzoo.randomness import StepDraws
from ganzoo.rehearse import toy_batch
from ganzoo.runtime import accelerator
from ganzoo.step import Step
from ganzoo.testing.conformance.inputs import ROWS
from ganzoo.testing.conformance.modules import draws_of
from ganzoo.testing.conformance.standins import plan_around
from ganzoo.testing.conformance.starving import feed, starve
from ganzoo.testing.conformance.subject import Subject
from ganzoo.updates import PhaseTrainer

UPDATES = frozenset({"discriminator", "generator", "encoders"})


class WatchedDraws(StepDraws):
    """A step's draws; one coefficient for a whole batch is a fault."""

    def __init__(self, subject: Subject) -> None:
        super().__init__(0, 0, torch.device("cpu"), torch.float32)
        self.subject = subject

    def uniform(self, rows: int) -> Tensor:
        """As ever, if there is one for each row."""
        self.subject.expect(rows >= ROWS, f"draws {rows} uniform number(s) for a batch of {ROWS} rows")
        return super().uniform(rows)


class StarvedStep:
    """A step that lets a loss read what it declared; the rest it may only hand on.

    An undeclared unconditional logit is absent, as from a discriminator that has no such head.
    """

    def __init__(self, step: Step, subject: Subject) -> None:
        self._step, self._subject = step, subject

    def __getattr__(self, name: str) -> Any:
        return getattr(self._step, name)

    def _give(self, need: str, tensor: Any) -> Any:
        if tensor is None or need in self._subject.declared:
            return tensor
        return starve(tensor, self._complaint(need))

    def _complaint(self, need: str) -> str:
        return f"component {self._subject.name} read `{need}` without declaring it"

    @property
    def text(self) -> TextFeatures:
        """Sentence and words where declared."""
        return self._text(self._step.text)

    @property
    def batch(self) -> Batch:
        """Pictures, classes and layout where declared."""
        batch, layout = self._step.batch, self._step.batch.layout
        assert layout is not None
        return replace(
            batch,
            images=tuple(self._give("real", x) for x in batch.images),
            mismatched=tuple(self._give("mismatched", x) for x in batch.mismatched),
            class_id=self._give("class_id", batch.class_id),
            layout=replace(
                layout,
                boxes=self._give("boxes", layout.boxes),
                keypoints=self._give("keypoints", layout.keypoints),
            ),
        )

    @property
    def image_features(self) -> ImageFeatures:
        """Vector and regions where declared."""
        read = self._step.image_features
        return ImageFeatures(
            self._give("image_vector", read.vector), self._give("image_regions", read.regions)
        )

    @property
    def generated(self) -> GeneratorOutput:
        """Pictures, Gaussians and words where declared."""
        return self._made(self._step.generated)

    def generate(self, text: TextFeatures) -> GeneratorOutput:
        """The generator again, on text that may have been handed on."""
        return self._made(self._step.generate(text.map(feed)))

    def logits(self, kind: Any, level: int) -> Logits:
        """The discriminator's word on a declared kind of pairs."""
        if kind not in self._subject.declared:
            raise AssertionError(self._complaint(kind))
        return self._heads(self._step.logits(kind, level))

    def judge(self, level: int, images: Tensor, code: Tensor) -> Logits:
        """The discriminator's word on any pairs."""
        return self._heads(self._step.judge(level, images, code))

    def _heads(self, logits: Logits) -> Logits:
        return logits if "unconditional" in self._subject.declared else Logits(logits.conditional)

    def _text(self, text: TextFeatures) -> TextFeatures:
        words, mask = self._give("words", text.words), self._give("words", text.mask)
        return TextFeatures(self._give("sentence", text.sentence), words, mask)

    def _made(self, out: GeneratorOutput) -> GeneratorOutput:
        pictures = tuple(replace(stage, image=self._give("fake", stage.image)) for stage in out.stages)
        conditions = tuple(self._condition(condition) for condition in out.conditions)
        return replace(out, text=self._text(out.text), stages=pictures, conditions=conditions)

    def _condition(self, condition: Condition) -> Condition:
        return replace(
            condition,
            mean=self._give("gaussian", condition.mean),
            logvar=self._give("gaussian", condition.logvar),
            words=self._give("words", condition.words),
            mask=self._give("words", condition.mask),
        )


def updates(subject: Subject) -> None:
    """`updates` names updates, and the loss has a gradient to the weights of each of them."""
    named: frozenset[str] = getattr(subject.cls, "updates", frozenset())
    subject.expect(
        bool(named) and named <= UPDATES,
        f"serves in the updates {sorted(named)}; expected some of {', '.join(sorted(UPDATES))}",
    )
    for update in sorted(named):
        trainer, model = _trainer(subject, update)
        value = _value(subject, _step(subject, model, update))
        parameters = trainer.updates[0].parameters
        subject.expect(value.requires_grad, f"gives the {update} update a scalar without a gradient")
        found = torch.autograd.grad(value, parameters, allow_unused=True)
        subject.expect(
            any(g is not None and bool(g.any()) for g in found),
            f"serves in the {update} update, but has no gradient to any of its weights",
        )


def steps(subject: Subject) -> None:
    """A real training step with it, in each of its updates, changes weights and keeps them finite."""
    for update in sorted(subject.component.updates):
        for poor in (False, True):
            trainer, model = _trainer(subject, update, poor=poor)
            batch = _batch(subject, model, poor=poor)
            before = [p.detach().clone() for p in trainer.updates[0].parameters]
            trainer.train_mode()
            where = "where there is only what it requires" if poor else "where there is everything"
            said = subject.attempt(
                f"fails in the {update} update {where}",
                partial(trainer.take_step, subject.component.every - 1, [batch], [WatchedDraws(subject)]),
            )
            after = [p.detach() for p in trainer.updates[0].parameters]
            finite = all(bool(x.isfinite().all()) for x in (*said.values(), *after))
            subject.expect(finite, f"gives numbers that are not finite in the {update} update")
            changed = not all(map(torch.equal, before, after))
            subject.expect(changed, f"changes no weight in a step of the {update} update")


def starvation(subject: Subject) -> None:
    """It reads nothing of a step but what it requires; handing things on is not reading."""
    for update in sorted(subject.component.updates):
        _, model = _trainer(subject, update)
        starved: Any = StarvedStep(_step(subject, model, update), subject)
        _value(subject, starved)


def scalars(subject: Subject) -> None:
    """A scalar, the same again for the same step, without `weight` in it, without draws of its own."""
    for update in sorted(subject.component.updates):
        _, model = _trainer(subject, update)
        model.eval()
        steps = [_step(subject, model, update) for _ in range(3)]
        values: list[Tensor] = []
        drew = draws_of(lambda: values.append(_value(subject, steps[0])))  # noqa: B023 - called at once
        subject.expect(not drew, f"draws from {drew}: draws come from `step.draws`")
        again = _value(subject, steps[1])
        subject.expect(torch.equal(values[0], again), "gives another value for the same step")
        heavier = replace(subject.component, weight=3 * subject.component.weight)(steps[2])
        subject.expect(
            torch.equal(values[0], heavier), "multiplies by `weight` itself; the loop does that already"
        )


def _trainer(subject: Subject, update: str, *, poor: bool = False) -> tuple[PhaseTrainer, Model]:
    try:
        plan: Plan = plan_around(subject, update, poor=poor)
    except GanzooError as error:
        subject.fail(f"fits no recipe: {error}")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        model = plan.build()
    trainer = PhaseTrainer(model, plan.phases[0], accelerator("cpu", "fp32"))
    return trainer, model


def _batch(subject: Subject, model: Model, *, poor: bool = False) -> Batch:
    batch = toy_batch(model.plan, model.text_encoder).rows(slice(0, ROWS))
    if not poor or batch.layout is None:
        return batch
    has = subject.declared.__contains__
    layout = replace(
        batch.layout,
        boxes=batch.layout.boxes if has("boxes") else None,
        keypoints=batch.layout.keypoints if has("keypoints") else None,
    )
    there = has("boxes") or has("keypoints")
    return replace(
        batch,
        layout=layout if there else None,
        class_id=batch.class_id if has("class_id") else None,
        mismatched=batch.mismatched if has("mismatched") else (),
    )


def _step(subject: Subject, model: Model, update: str) -> Step:
    step = Step(model, _batch(subject, model), model.plan.phases[0], WatchedDraws(subject))
    step.begin(update, keep_graph=update == "generator", regenerate=False)
    return step


def _value(subject: Subject, step: Any) -> Tensor:
    update: str = step.update
    value = subject.attempt(f"fails in the {update} update", lambda: subject.component(step))
    subject.expect(isinstance(value, Tensor), f"gives a {type(value).__name__}, not a tensor")
    assert isinstance(value, Tensor)
    subject.expect(value.dim() == 0, f"gives a tensor of shape {list(value.shape)}, not a scalar")
    finite = bool(value.isfinite())
    subject.expect(finite, f"gives {float(value.detach())} in the {update} update; expected a finite number")
    return value
