"""The kit passes metrics that are right and names the fault of those that are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

from ganzoo.components import Metric
from ganzoo.metrics.ratios import Ratio
from ganzoo.testing import examine

draws = np.random.default_rng(0)


@dataclass(frozen=True, kw_only=True)
class Whiteness(Metric):
    """How bright pictures are. `samples`: as for every metric."""

    source: ClassVar[str] = "this test"
    needs: ClassVar[frozenset[str]] = frozenset({"fakes"})
    decides: ClassVar[str] = "white"

    def __call__(self, samples):
        return {"white": float(samples.fakes.mean())}


class Looking(Whiteness):
    """With a network. `samples`: as for every metric."""

    needs = frozenset({"fakes", "reals", "train", "backbone", "copies"})

    def __call__(self, samples):
        (fakes, *_) = (samples.features[side].vector for side in ("fakes", "reals", "train"))
        return {"white": fakes.mean() + sum(float(m.mean()) for m in samples.maps(samples.copies[0]))}


class Encoding(Whiteness):
    """With encoders. `samples`: as for every metric."""

    needs = frozenset({"captions", "reals", "encoders"})

    def __call__(self, samples):
        told = samples.text.sentence.mean() + samples.real_text.sentence.mean()
        return {"white": float(told + samples.image_features.vector.mean()) + len(samples.captions)}


@pytest.mark.parametrize("right", [Whiteness, Looking, Encoding])
def test_what_is_right_passes(right):
    examine(right, "mine/right")


class Undeclared(Whiteness):
    """Reads real pictures. `samples`: as for every metric."""

    def __call__(self, samples):
        return {"white": float(samples.reals.mean())}


class Unseen(Whiteness):
    """Reads what a network sees. `samples`: as for every metric."""

    def __call__(self, samples):
        return {"white": samples.features["fakes"].vector.mean()}


class Undecided(Whiteness):
    """Decides by another. `samples`: as for every metric."""

    decides = "black"


class Drawing(Whiteness):
    """Draws. `samples`: as for every metric."""

    def __call__(self, samples):
        return {"white": draws.random()}


class Otherwise(Whiteness):
    """Has other ratios. `samples`: as for every metric."""

    def ratios(self, samples):
        return {"white": Ratio.mean(np.ones(3) * 7)}


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (Undeclared, "gives numbers that are not finite .white.; does it read what it does not declare"),
        (Unseen, "fails on samples with all it declares: KeyError"),
        (Undecided, "decides by `black`, but gives only white"),
        (Drawing, "gives other numbers for the same samples"),
        (Otherwise, r"has the ratio 7\.0 for `white`, but the number"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(wrong, said):
    with pytest.raises(AssertionError, match=said):
        examine(wrong, "mine/wrong")
