"""Checks of options: each changes something, of sizes, weights, outputs, gradients, values or examples."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import replace
from itertools import zip_longest
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganzoo.components import KINDS
from ganzoo.errors import GanzooError
from ganzoo.testing.conformance.data import SIDE
from ganzoo.testing.conformance.harness import HARNESSES
from ganzoo.testing.conformance.modules import tensors_of, weighted
from ganzoo.testing.conformance.subject import Subject
from ganzoo.testing.conformance.trial import Trial
from ganzoo.testing.conformance.variants import other_values


def effects(subject: Subject) -> None:
    """Each option has another legal value that changes something; but those that are said to be `unfelt`.

    Options that all losses or all data sets share are read by the loop and the loader. Where a data set gives
    nothing without a folder, and where no other value can be guessed from an option's type, nothing is known.
    """
    shared = {option.name for option in dataclasses.fields(KINDS[subject.kind])}
    own = [option.name for option in dataclasses.fields(subject.cls) if option.name not in shared]
    unknown = sorted(subject.unfelt - set(own))
    subject.expect(not unknown, f"has no options {unknown}, which were said to be unfelt")
    try:
        traits = list(_traits(subject))
    except GanzooError:
        return
    for option in own:
        tried = other_values(subject, option)
        felt = any(_differ(traits, replace(subject, changes={option: value})) for value in tried)
        if option in subject.unfelt:
            subject.expect(not felt, f"was said to be unfelt in option `{option}`, but it changes something")
        elif tried:
            subject.expect(
                felt,
                f"ignores its option `{option}`: {tried} change nothing. If that is so only at `tiny` sizes, "
                f"say so: conformance(..., unfelt={{'{subject.name.rpartition('/')[2]}': ['{option}']}})",
            )


def _differ(traits: list[Any], other: Subject) -> bool:
    """Whether `other` has other traits; one that cannot be built, planned or run has."""
    nothing = object()
    try:
        return any(not _same(a, b) for a, b in zip_longest(traits, _traits(other), fillvalue=nothing))
    except Exception:  # whatever a plugin may raise
        return True


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other)
    return bool(type(one) is type(other) and one == other)


def _traits(subject: Subject) -> Iterator[Any]:
    """All that can be seen of a component at its options, cheapest first."""
    yield subject.declared
    if subject.kind in HARNESSES:
        yield from _of_module(subject)
    elif subject.kind == "losses":
        yield from _of_loss(subject)
    elif subject.kind == "datasets":
        yield from _of_data(subject)


def _of_module(subject: Subject) -> Iterator[Any]:
    harness = HARNESSES[subject.kind](subject)
    module, inputs = harness.build(), harness.inputs()
    for name, tensor in module.state_dict().items():
        yield name
        yield tensor.clone()
    for training in (False, True):
        module.train(training)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            out = harness.run(module, inputs)
        yield from tensors_of(out)
    wanted: list[Tensor] = [p for p in module.parameters() if p.requires_grad]
    wanted += [x.requires_grad_() for x in inputs.named.values()]
    if wanted:
        objective = weighted(harness.run(module, inputs), 0)
        yield from torch.autograd.grad(objective, wanted, allow_unused=True)


def _of_loss(subject: Subject) -> Iterator[Any]:
    for update in sorted(subject.component.updates):
        trial = Trial(subject, update)
        value = trial.value(trial.step())
        yield value.detach()
        yield from torch.autograd.grad(value, trial.trainer.updates[0].parameters, allow_unused=True)


def _of_data(subject: Subject) -> Iterator[Any]:
    yield subject.component.yields()
    for split in ("train", "test"):
        found = subject.component.examples(split, None, SIDE)
        yield from (found.keys, found.captions, found.class_id, found.boxes, found.keypoints, found.embedding)
        for index in (0, len(found) - 1):
            yield found.image(index).tobytes()
