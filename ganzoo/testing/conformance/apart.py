"""A check of discriminators that make the features of several batches together."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ganzoo.testing.conformance.harness import Harness


def features_apart(harness: Harness) -> None:
    """`features_apart`, where there is such, gives and leaves behind what `features` does batch by batch."""
    together: Any = harness.build().double().train()
    if not hasattr(together, "features_apart"):
        return
    in_turn: Any = harness.build().double().train()
    batches = [harness.inputs(seed).to("cpu", torch.float64).arguments[0] for seed in range(3)]
    batches[1] = batches[1][:-1]
    found = harness.subject.attempt("fails in `features_apart`", lambda: together.features_apart(batches))
    expected = [in_turn.features(batch) for batch in batches]
    harness.subject.expect(
        len(found) == len(expected) and all(map(_equal, found, expected)),
        "gives in `features_apart` other features than in `features` of each batch",
    )
    harness.subject.expect(
        all(map(torch.allclose, together.buffers(), in_turn.buffers())),
        "has other running statistics after `features_apart` than after `features` of each batch",
    )


def _equal(one: Any, other: Any) -> bool:
    """Whether features, a tensor or a tuple of them, are the same but for rounding."""
    if isinstance(one, Tensor) and isinstance(other, Tensor):
        return one.shape == other.shape and torch.allclose(one, other)
    return isinstance(one, tuple) and len(one) == len(other) and all(map(_equal, one, other))
