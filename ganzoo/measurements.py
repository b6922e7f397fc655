"""Metrics of a checkpoint while training: on the same held-out captions, with the same draws each time."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING

import torch

from ganzoo.checkpoint import Measured
from ganzoo.components import Metric
from ganzoo.ema import Ema
from ganzoo.errors import GanzooError
from ganzoo.flow import Tokens
from ganzoo.metrics.samples import Samples
from ganzoo.model import Model

if TYPE_CHECKING:
    from ganzoo.data.feed import Feed
    from ganzoo.plan import PhasePlan


class Measurements:
    """The metrics of one phase.

    Each is tried on the real pictures first, so that one which cannot judge this data is found before
    anything is trained. Raises GanzooError for such a one, for metrics that call two numbers the same, and
    for one without the number it decides by.
    """

    def __init__(self, phase: PhasePlan, feed: Feed, model: Model) -> None:
        self._metrics: list[tuple[Metric, Tokens, Samples]] = []
        said: dict[str, str] = {}
        for name, metric in phase.measures:
            captions, tokens, real = feed.held_out(model, metric.samples)
            reals = torch.from_numpy(real).permute(0, 3, 1, 2).to(model.dtype) / 127.5 - 1
            samples = Samples(reals, reals, tuple(captions))
            numbers = metric(samples)
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
            self._metrics.append((metric, tokens, samples))

    def of(self, model: Model, ema: Ema | None) -> Measured | None:
        """What the metrics say of pictures drawn with the averaged weights, or the live ones.

        Sample i is drawn with seed i. None where the phase has no metric.
        """
        values: dict[str, float] = {}
        with ema.applied() if ema and self._metrics else nullcontext():
            for metric, tokens, real in self._metrics:
                fakes = model.generate(tokens, range(len(real.captions))).to(real.reals.device)
                values |= metric(Samples(fakes, real.reals, real.captions))
        if not self._metrics:
            return None
        first = self._metrics[0][0]
        return Measured(first.decides, first.lower_is_better, {k: float(v) for k, v in values.items()})
