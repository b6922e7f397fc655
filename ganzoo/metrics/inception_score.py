"""Inception score: how sure a classifier is of each picture, and how varied it finds them all."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch

from ganzoo.errors import GanzooError
from ganzoo.metrics.features import Features, Floats, rows

SPLITS = 10


def statistics(logits: Features, splits: int = SPLITS) -> Floats:
    """The score of each split [s] of logits [n, c], in 1..c.

    score = exp(mean over x of KL(p(y | x) | p(y))), where p(y) is the mean of p(y | x) over the split. Split
    i of s holds rows floor(i n / s) up to floor((i + 1) n / s), in the order given: nothing is shuffled, so
    rows sorted by class must be shuffled first. Raises GanzooError for fewer rows than splits.

    Source: Salimans et al. 2016, arXiv:1606.03498, section 4; splits as in its authors' code.
    """
    given = rows(logits, "an Inception score")
    if not 1 <= splits <= len(given):
        raise GanzooError(
            f"an Inception score was given {splits} splits of {len(given)} logits; expected 1 to {len(given)}"
        )
    log = given.log_softmax(1)  # [n, c]
    edges = [i * len(log) // splits for i in range(splits + 1)]
    return np.array([_score(log[start:end]) for start, end in pairwise(edges)])


def _score(log: torch.Tensor) -> float:
    marginal = log.logsumexp(0) - np.log(len(log))
    return float((log.exp() * (log - marginal)).sum(1).mean().exp())


def value(scores: Floats) -> tuple[float, float]:
    """Mean and standard deviation (over s) of the splits' scores; higher = surer and more varied.

    The deviation is between splits of n / s pictures, no error of the mean. A score rises with n and belongs
    to one classifier: never compare those of different ones.
    """
    return float(scores.mean()), float(scores.std())
