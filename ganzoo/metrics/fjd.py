"""Frechet joint distance: that of pictures together with what they were drawn for."""

from __future__ import annotations

import torch

from ganzoo.errors import GanzooError
from ganzoo.metrics import frechet
from ganzoo.metrics.features import Features, rows


def scale(pictures: Features, conditions: Features) -> float:
    """The mean |f(x)| over the mean |h(y)|: with it, conditions are as long as pictures on average.

    Take it of the reference, and use it for both sides. Raises GanzooError where no condition has a length.

    Source: DeVries et al. 2019, arXiv:1907.08175; the authors' code.
    """
    seen, asked = rows(pictures, "FJD"), rows(conditions, "FJD")
    if not asked.any():
        raise GanzooError("FJD was given embeddings of conditions that are all 0; expected some length")
    return float(seen.norm(dim=1).mean() / asked.norm(dim=1).mean())


def statistics(pictures: Features, conditions: Features, alpha: float) -> frechet.Gaussian:
    """The Gaussian of [f(x), alpha h(y)]: picture features [n, d] and their conditions' embeddings [n, e].

    With alpha = 0 conditions count for nothing. Raises GanzooError where there are not as many of both.

    Source: DeVries et al. 2019, arXiv:1907.08175; the authors' code.
    """
    seen, asked = rows(pictures, "FJD"), rows(conditions, "FJD")
    if len(seen) != len(asked):
        raise GanzooError(f"FJD was given {len(seen)} pictures and {len(asked)} conditions; expected as many")
    return frechet.statistics(torch.cat([seen, alpha * asked.to(seen.device)], 1))


def value(one: frechet.Gaussian, other: frechet.Gaussian) -> float:
    """The Frechet distance of the two; 0 = the same Gaussian. See `frechet.value`."""
    return frechet.value(one, other)
