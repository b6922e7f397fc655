"""How sure a number is: over the pictures that were drawn, and over seeds of training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import t

from ganzoo.errors import GanzooError

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """`value` with its standard `error`, and the interval `low`..`high` around it."""

    value: float
    error: float
    low: float
    high: float


def errors_over_samples(
    n: int, numbers: Callable[[NDArray[np.int64]], Mapping[str, float]], count: int = 30, seed: int = 0
) -> dict[str, float]:
    """Standard errors of several numbers of n samples: their deviations over resamples with replacement.

    `numbers` gets the rows [n] of the samples to use. Of the `count` resamples only the spread can be used,
    around the value of all samples, and not the quantiles: with rows drawn twice a resample is less varied
    than the samples, which moves distances of sets (Frechet's and those of kernels) up, by about as much
    again as they already are above those of infinitely many. A number that some resample does not have, or
    whose error is not finite, has none.

    Source: Efron & Tibshirani 1993, chapters 6 and 10.
    """
    generator = np.random.default_rng(seed)
    found = [numbers(generator.integers(n, size=n)) for _ in range(count)]
    names = [name for name in found[0] if all(name in one for one in found)]
    values = {name: np.array([one[name] for one in found]) for name in names}
    return {name: float(v.std(ddof=1)) for name, v in values.items() if np.isfinite(v).all()}


def over_seeds(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """The mean over trainings that differ by their seed, with Student's interval: mean +- t s / sqrt(n).

    Raises GanzooError for fewer than two values, and for what is not finite.
    """
    found = np.asarray(values, np.float64)
    if found.ndim != 1 or len(found) < 2 or not np.isfinite(found).all():
        raise GanzooError(
            f"an interval over seeds was given {list(values)}; expected two finite numbers or more, "
            "one for each training"
        )
    if not 0 < confidence < 1:
        raise GanzooError(f"an interval was given the confidence {confidence}; expected one in 0..1, as 0.95")
    error = float(found.std(ddof=1) / np.sqrt(len(found)))
    value, width = float(found.mean()), float(t.isf((1 - confidence) / 2, len(found) - 1))
    return Interval(value, error, value - width * error, value + width * error)
