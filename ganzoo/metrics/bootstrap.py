"""How sure a number is: over the pictures that were drawn, and over seeds of training."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm, t

from ganzoo.errors import GanzooError

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """`value` with its standard `error`, and the interval `low`..`high` around it."""

    value: float
    error: float
    low: float
    high: float


def over_samples(
    n: int,
    statistic: Callable[[NDArray[np.int64]], float],
    count: int = 100,
    seed: int = 0,
    confidence: float = CONFIDENCE,
) -> Interval:
    """The interval of a statistic of n samples, from `count` resamples of them with replacement.

    `statistic` gets the numbers [n] of the samples to use. The interval is value +- z error: the error is the
    standard deviation of the resamples, and in the middle stands the value of all samples, each once. Not the
    quantiles of the resamples: with rows drawn twice a resample is less varied than the samples, which moves
    distances of sets (Frechet's and those of kernels) up, by about as much again as they already are above
    those of infinitely many. Only the spread can be used.

    Raises GanzooError for fewer than two samples or resamples, and where the statistic of a resample is not
    finite.

    Source: Efron & Tibshirani 1993, chapters 6 and 10.
    """
    if n < 2 or count < 2:
        raise GanzooError(f"a bootstrap was given {n} samples and {count} resamples; both must be 2 or more")
    _check(confidence)
    generator = np.random.default_rng(seed)
    found = np.array([statistic(generator.integers(n, size=n)) for _ in range(count)])
    whole = float(statistic(np.arange(n)))
    if not np.isfinite(found).all() or not np.isfinite(whole):
        raise GanzooError(
            f"a bootstrap over {n} samples met a statistic that is not finite, of all samples or in "
            f"{int((~np.isfinite(found)).sum())} of {count} resamples; it must have a value for repeated rows"
        )
    return _around(whole, float(found.std(ddof=1)), float(norm.isf((1 - confidence) / 2)))


def errors_over_samples(
    n: int, numbers: Callable[[NDArray[np.int64]], Mapping[str, float]], count: int = 30, seed: int = 0
) -> dict[str, float]:
    """Standard errors of several numbers of n samples at once, as `over_samples` takes that of one.

    A number that some resample does not have, or whose error is not finite, has none.
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
    _check(confidence)
    error = float(found.std(ddof=1) / np.sqrt(len(found)))
    return _around(float(found.mean()), error, float(t.isf((1 - confidence) / 2, len(found) - 1)))


def _check(confidence: float) -> None:
    if not 0 < confidence < 1:
        raise GanzooError(f"an interval was given the confidence {confidence}; expected one in 0..1, as 0.95")


def _around(value: float, error: float, width: float) -> Interval:
    return Interval(value, error, value - width * error, value + width * error)
