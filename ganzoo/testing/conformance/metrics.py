"""Checks of metrics: named numbers of what they declare, the same again, and ratios that agree with them."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import torch
from PIL import Image

from ganzoo.data.shapes import Shapes
from ganzoo.flow import ImageFeatures, TextFeatures
from ganzoo.metrics.samples import FeatureSet, Samples
from ganzoo.testing.conformance.subject import Subject

ROWS, REALS, TRAIN, SIDE, WIDTH = 40, 36, 44, 32, 6
COPIED, COPIES = 5, 3  # captions with several pictures, and how many


def judging(subject: Subject) -> None:
    """It gives finite numbers, that which it decides by among them, of what it declares and nothing else."""
    numbers = _numbers(subject)
    decides = subject.component.decides
    subject.expect(decides in numbers, f"decides by `{decides}`, but gives only {', '.join(numbers)}")
    odd = [name for name, value in numbers.items() if not math.isfinite(value)]
    subject.expect(
        not odd,
        f"gives numbers that are not finite ({', '.join(odd)}); does it read what it does not declare?",
    )
    subject.expect(_numbers(subject) == numbers, "gives other numbers for the same samples; it must not draw")


def ratios(subject: Subject) -> None:
    """Where its numbers are ratios of sums over rows, these are its numbers."""
    samples = _samples(subject)
    found = subject.attempt("fails in ratios()", lambda: subject.component.ratios(samples))
    if found is None:
        return
    numbers = _numbers(subject)
    subject.expect(subject.component.decides in found, f"has no ratio for `{subject.component.decides}`")
    for name, ratio in found.items():
        same = name in numbers and math.isclose(ratio.value, numbers[name], rel_tol=1e-6, abs_tol=1e-9)
        subject.expect(same, f"has the ratio {ratio.value} for `{name}`, but the number {numbers.get(name)}")


def _numbers(subject: Subject) -> Mapping[str, float]:
    samples = _samples(subject)
    found = subject.attempt("fails on samples with all it declares", lambda: subject.component(samples))
    return {str(name): float(value) for name, value in found.items()}


def _samples(subject: Subject) -> Samples:
    """Drawn shapes with what the metric needs; what it does not declare is not a number, or not there."""
    needs, draws = subject.declared, torch.Generator().manual_seed(0)
    examples = Shapes(count=ROWS + REALS).examples("train", None, SIDE)
    pixels = torch.stack([_pixels(examples.image(row)) for row in range(ROWS + REALS)])

    def text(n: int) -> TextFeatures:
        return TextFeatures(torch.randn(n, WIDTH, generator=draws))

    def seen(n: int) -> FeatureSet:
        return FeatureSet(*torch.randn(2, n, WIDTH, generator=draws).double().numpy())

    encodes, looks = bool(needs & {"image_encoder", "encoders"}), "backbone" in needs
    rows = {"fakes": ROWS, "reals": REALS, "train": TRAIN}
    return Samples(
        pixels[:ROWS] if "fakes" in needs else torch.full_like(pixels[:ROWS], math.nan),
        pixels[ROWS:] if "reals" in needs else torch.full_like(pixels[ROWS:], math.nan),
        tuple(own[0] for own in examples.captions[:ROWS]) if "captions" in needs else (),
        text=text(ROWS) if encodes else None,
        image_features=ImageFeatures(torch.randn(ROWS, WIDTH, generator=draws)) if encodes else None,
        real_text=text(REALS) if "encoders" in needs and "reals" in needs else None,
        features={side: seen(n) for side, n in rows.items() if looks and side in needs},
        copies=pixels[: COPIED * COPIES].reshape(COPIED, COPIES, *pixels.shape[1:])
        if "copies" in needs
        else None,
        maps=(lambda images: [images, images.mean((2, 3), keepdim=True)]) if looks else None,
    )


def _pixels(picture: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 127.5 - 1
