"""Checks of losses that read pairs: who is with whom must count, and real and fake are not the same."""

from __future__ import annotations

from dataclasses import replace

import torch
from torch import Tensor

from ganzoo.flow import Batch, GeneratorOutput
from ganzoo.testing.conformance.inputs import ROWS
from ganzoo.testing.conformance.probes import Judged, Probe
from ganzoo.testing.conformance.subject import Subject
from ganzoo.testing.conformance.trial import FedStep, Trial


def rotated_captions(subject: Subject) -> None:
    """Rotating the captions against the pictures changes a loss that reads who is with whom.

    That is one that needs `mismatched`, or reads conditional logits in the discriminator's update, or image
    features beside the text in the encoders' update.
    """
    for update in sorted(subject.component.updates & {"discriminator", "encoders"}):
        trial = Trial(subject, update)
        value = trial.value(trial.step())
        if not _matching_aware(trial, value):
            continue
        # The pictures are rotated, which comes to the same, and leaves what the generator makes as it was.
        batch = trial.batch()
        turned = replace(batch, images=_next(batch.images), mismatched=_next(batch.mismatched))
        other = trial.value(trial.step(turned), " with rotated captions")
        subject.expect(
            not _equal(value, other),
            f"gives {float(value.detach()):.6g} in the {update} update whether the captions belong to the "
            "pictures or to the next ones: it does not see who is with whom",
        )


def _matching_aware(trial: Trial, value: Tensor) -> bool:
    needs = trial.subject.declared
    if trial.update == "encoders":
        return bool(needs & {"image_vector", "image_regions"}) and bool(needs & {"sentence", "words"})
    heads = [p for d in trial.model.discriminators.values() for p in d.get_submodule("match").parameters()]
    read = torch.autograd.grad(value, heads, allow_unused=True, retain_graph=True)
    return "mismatched" in needs or any(g is not None and bool(g.any()) for g in read)


def _next(pictures: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return tuple(x.roll(-1, 0) for x in pictures)


def _equal(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, rtol=1e-5, atol=1e-7)


def swapped(subject: Subject) -> None:
    """Swapping real and fake pictures changes a discriminator's loss that reads both."""
    if not _adversarial(subject):
        return
    trial = Trial(subject, "discriminator", poor=True)  # as many fakes as reals, unless it wants more
    step, batch = trial.step(), trial.batch()
    made, value = step.generated, trial.value(step)
    copies = len(made.noise) // ROWS
    turned = trial.step(replace(batch, images=tuple(x[:ROWS].detach() for x in made.images)))
    turned.feed(_with_pictures(made, tuple(x.repeat(copies, 1, 1, 1) for x in batch.images)))
    subject.expect(
        not _equal(value, trial.value(turned, " with real and fake swapped")),
        f"gives {float(value.detach()):.6g} also where real and fake pictures are swapped: "
        "it does not tell them apart",
    )


def _adversarial(subject: Subject) -> bool:
    return {"real", "fake"} <= subject.declared and "discriminator" in subject.component.updates


def _with_pictures(made: GeneratorOutput, pictures: tuple[Tensor, ...]) -> GeneratorOutput:
    stages = tuple(replace(s, image=x) for s, x in zip(made.stages, pictures, strict=True))
    return replace(made, stages=stages)


def mismatched_pairs(subject: Subject) -> None:
    """Pairs that a matching-aware loss calls wrong are no picture with its own caption.

    With mismatched pictures in the batch, which are the next rows' here, and with none.
    """
    if "mismatched" not in subject.declared or "discriminator" not in subject.component.updates:
        return
    for where in ("pictures of other classes", "captions of other rows"):
        trial = Trial(subject, "discriminator")
        batch = trial.batch()
        batch = replace(batch, mismatched=_next(batch.images) if "pictures" in where else ())
        own = foreign = 0
        for level, judged, push in _pushes(trial, trial.step(batch), f" where mismatched pairs are {where}"):
            pictures = _same(judged.images, batch.images[level])  # [n, b]
            codes = _same(judged.code, _codes(trial, batch)[level])  # [n, b]
            down = (push > 0) & pictures.any(1) & codes.any(1)
            own += int((down & (pictures & codes).any(1)).sum())
            foreign += int((down & ~(pictures & codes).any(1)).sum())
        subject.expect(
            own == 0,
            f"calls {own} pairs of a real picture and its own caption wrong, where mismatched pairs are "
            f"{where}",
        )
        subject.expect(
            foreign > 0,
            "needs `mismatched`, but calls no pair of a real picture and a foreign caption wrong, where "
            f"mismatched pairs are {where}",
        )


def _pushes(trial: Trial, step: FedStep, doing: str) -> list[tuple[int, Judged, Tensor]]:
    """(level, what is judged there, the loss's gradient [n] to the logits: above 0 where it wants less)."""
    probes = {level: Probe() for level in step.levels}
    for level, probe in probes.items():
        trial.model.discriminators[str(level)] = probe
    value = trial.value(step, doing)
    asked = [(level, judged) for level, probe in probes.items() for judged in probe.judged]
    found: tuple[Tensor | None, ...] = (None,) * len(asked)
    if asked and value.requires_grad:
        found = torch.autograd.grad(value, [judged.logits for _, judged in asked], allow_unused=True)
    return [
        (level, judged, torch.zeros(len(judged.logits)) if push is None else push)
        for (level, judged), push in zip(asked, found, strict=True)
    ]


def _codes(trial: Trial, batch: Batch) -> list[Tensor]:
    """What each row's picture is judged against, [b, d], by level."""
    conditions = trial.step(batch).generated.conditions
    return [condition.discriminator_code[:ROWS].detach() for condition in conditions]


def _same(some: Tensor, known: Tensor) -> Tensor:
    """[n, b]: whether row n of `some` is row b of `known`."""
    return (some.flatten(1)[:, None] == known.flatten(1)[None]).all(-1)


def mixtures(subject: Subject) -> None:
    """Where a loss has mixtures of real and fake pictures judged, each row has a coefficient of its own."""
    if not _adversarial(subject):
        return
    trial = Trial(subject, "discriminator")
    step = trial.step()
    for level, judged, _ in _pushes(trial, step, ""):
        copies = len(judged.images) // ROWS
        real = step.batch.images[level].repeat(copies, 1, 1, 1)
        share = _share(judged.images, real, step.generated.images[level][: len(real)].detach())
        if share is None or bool((share < 1e-4).all()) or bool((share > 1 - 1e-4).all()):
            continue
        subject.expect(
            float(share.max() - share.min()) > 1e-4,
            f"mixes real and fake pictures with one coefficient, {float(share[0]):.3f}, in every row of a "
            "batch; expected one for each row",
        )


def _share(images: Tensor, real: Tensor, fake: Tensor) -> Tensor | None:
    """[n] shares a of images = a real + (1 - a) fake; None where these are no such mixtures."""
    if images.shape != real.shape or real.shape != fake.shape:
        return None
    x, line = (images - fake).flatten(1), (real - fake).flatten(1)
    share = (x * line).sum(1) / line.square().sum(1)
    return share if torch.allclose(x, share[:, None] * line, atol=1e-4) else None
