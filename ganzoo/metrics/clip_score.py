"""How well pictures fit their captions, by the cosine of their embeddings in one space."""

from __future__ import annotations

import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from ganzoo.errors import GanzooError
from ganzoo.metrics.features import Features, pair

WEIGHT = 2.5


def statistics(pictures: Features, captions: Features) -> Float[Tensor, " n"]:
    """Cosines of the embeddings [n, d] of pictures and of their captions; 0 where one has no length.

    Raises GanzooError where there are not as many of both.
    """
    seen, said = _units(pictures, captions)
    return (seen * said).sum(1)


def value(cosines: Float[Tensor, " n"]) -> dict[str, float]:
    """Means over pictures, under the names of the three scales that are in use; higher = a better fit.

    `clip_cosine`: cos, in -1..1. `clip_score`: 2.5 max(cos, 0), of Hessel et al., who let captions begin with
    "A photo depicts". `clip_score_percent`: max(100 mean cos, 0), as torchmetrics gives it.

    Source: Hessel et al. 2021, arXiv:2104.08718, section 3.
    """
    mean = float(cosines.mean())
    return {
        "clip_cosine": mean,
        "clip_score": WEIGHT * float(cosines.clamp_min(0).mean()),
        "clip_score_percent": max(100 * mean, 0.0),
    }


def mismatched(pictures: Features, captions: Features) -> float:
    """The mean cosine of every picture with every caption but its own: what a blind guess of captions has.

    sum over i != j of p_i . c_j = (sum p) . (sum c) - sum p_i . c_i: exact, without a matrix of pairs. Raises
    GanzooError for fewer than two pictures.
    """
    seen, said = _units(pictures, captions, least=2)
    n = len(seen)
    return float((seen.sum(0) @ said.sum(0) - (seen * said).sum()) / (n * (n - 1)))


def _units(pictures: Features, captions: Features, least: int = 1) -> tuple[Tensor, Tensor]:
    seen, said = pair(pictures, captions, "a CLIP score", least)
    if len(seen) != len(said):
        raise GanzooError(
            f"a CLIP score was given {len(seen)} pictures and {len(said)} captions; expected as many"
        )
    return F.normalize(seen, dim=1), F.normalize(said, dim=1)
