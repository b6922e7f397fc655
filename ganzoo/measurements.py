"""Metrics of a checkpoint while training: on the same held-out captions, with the same draws each time."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from ganzoo.checkpoint import Measured
from ganzoo.components import Metric
from ganzoo.ema import Ema
from ganzoo.errors import GanzooError
from ganzoo.flow import ImageFeatures, Tokens
from ganzoo.metrics.samples import Samples
from ganzoo.model import Model

if TYPE_CHECKING:
    from ganzoo.data.feed import Feed, HeldOut
    from ganzoo.plan import PhasePlan

AT_ONCE = 64  # pictures that an image encoder is given


class Measurements:
    """The metrics of one phase.

    Each is tried on the real pictures first, so that one which cannot judge this data is found before
    anything is trained. Raises GanzooError for such a one, for metrics that call two numbers the same, and
    for one without the number it decides by.
    """

    def __init__(self, phase: PhasePlan, feed: Feed, model: Model) -> None:
        self._metrics: list[tuple[Metric, HeldOut, Samples]] = []
        self._draws = any(update.name == "generator" for update in phase.updates)
        said: dict[str, str] = {}
        for name, metric in phase.measures:
            held_out = feed.held_out(model, metric.samples)
            reals = torch.from_numpy(held_out.real).permute(0, 3, 1, 2).to(model.dtype) / 127.5 - 1
            samples = Samples(reals, reals, tuple(held_out.captions), held_out.class_id)
            numbers = metric(_encoded(model, metric, held_out.tokens, samples))
            if metric.decides not in numbers:
                raise GanzooError(
                    f"metric {name} decides by `{metric.decides}`, but gives only {', '.join(numbers)}"
                )
            for number in numbers:
                if number in said:
                    raise GanzooError(
                        f"metrics {said[number]} and {name} both give `{number}`; measure one of them"
                    )
                said[number] = name
            self._metrics.append((metric, held_out, samples))

    def of(self, model: Model, ema: Ema | None) -> Measured | None:
        """What the metrics say of pictures drawn with the averaged weights, or the live ones.

        Sample i is drawn with seed i; in a phase of encoders alone real pictures stand in for the drawn.
        None where the phase has no metric.
        """
        values: dict[str, float] = {}
        with ema.applied() if ema and self._metrics else nullcontext():
            for metric, held_out, samples in self._metrics:
                if self._draws:
                    seeds = range(len(samples.captions))
                    drawn = model.generate(held_out.tokens, seeds, layout=held_out.layout)
                    samples = replace(samples, fakes=drawn.to(samples.reals.device))
                values |= metric(_encoded(model, metric, held_out.tokens, samples))
        if not self._metrics:
            return None
        first = self._metrics[0][0]
        return Measured(first.decides, first.lower_is_better, {k: float(v) for k, v in values.items()})


@torch.no_grad()
def _encoded(model: Model, metric: Metric, tokens: Tokens, samples: Samples) -> Samples:
    """With features by the model's encoders, where the metric reads them."""
    if "image_encoder" not in metric.requires() or model.image_encoder is None:
        return samples
    with model.evaluating():
        parts = [model.image_encoder(part.to(model.device)) for part in torch.split(samples.fakes, AT_ONCE)]
        text = model.encode(tokens)
    regions = None if parts[0].regions is None else torch.cat([part.regions for part in parts])
    seen = ImageFeatures(torch.cat([part.vector for part in parts]), regions)
    return replace(samples, text=text.to("cpu"), image_features=seen.to("cpu"))
