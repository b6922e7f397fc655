"""R-precision: is each picture's own caption the nearest of a hundred? Xu et al. 2018, arXiv:1711.10485.

Section 4, "Evaluation": a picture's caption and 99 mismatched ones, drawn at random, are ranked by the cosine
of their sentence features with the picture's vector; R = 1.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from ganzoo.errors import GanzooError
from ganzoo.metrics.samples import Samples

RIVALS = 99
AT_ONCE = 2**24  # cosines in memory


def statistics(
    pictures: Float[Tensor, "n d"],
    captions: Float[Tensor, "n d"],
    alike: Sequence[Int64[Tensor, " n"]] = (),
    rivals: int = RIVALS,
) -> Float[Tensor, "n 2"]:
    """For each picture the chance that its own caption is nearer than all rivals, and that of a blind guess.

    The first is exact, over all draws of `rivals` mismatched captions, fewer where there are fewer; a rival
    as near as the picture's own caption beats it, and so does what is not finite. `alike`: numbers of the
    rows by class, by wording; rows with one number in common are no rivals. NaN where a row has no rival.
    Rows of several sets may be put together afterwards. Raises GanzooError for features of unequal shapes.
    """
    if pictures.ndim != 2 or pictures.shape != captions.shape or not len(pictures):
        raise GanzooError(
            f"R-precision was given features {list(pictures.shape)} of pictures and {list(captions.shape)} "
            "of captions; expected [n, d] of both with n > 0"
        )
    seen, said = (torch.nn.functional.normalize(side.double(), dim=1) for side in (pictures, captions))
    numbers = [torch.arange(len(seen), device=seen.device), *(own.to(seen.device) for own in alike)]
    own = (seen * said).sum(1)
    at_once = max(1, AT_ONCE // len(seen))
    others, better = [], []
    for start in range(0, len(seen), at_once):
        part = slice(start, start + at_once)
        rival = torch.stack([number[part, None] != number for number in numbers]).all(0)  # [part, n]
        beats = ~(seen[part] @ said.mT < own[part, None])
        others.append(rival.sum(1))
        better.append((rival & beats).sum(1))
    return _chances(torch.cat(others).double(), torch.cat(better).double(), rivals)


def rows_of(samples: Samples, rivals: int = RIVALS) -> Float[Tensor, "n 2"]:
    """`statistics` of samples with `text` and `image_features`: equal captions and classes are no rivals."""
    assert samples.image_features is not None and samples.text is not None
    wordings = {caption: number for number, caption in enumerate(samples.captions)}
    alike = [torch.tensor([wordings[caption] for caption in samples.captions])]
    alike += [] if samples.class_id is None else [samples.class_id]
    return statistics(samples.image_features.vector, samples.text.sentence, alike, rivals)


def _chances(others: Tensor, better: Tensor, rivals: int) -> Tensor:
    """That a draw of `rivals` of `others` holds none of the `better` ones; that a guess is right."""
    drawn = others.clamp_max(rivals)
    worse = others - better
    log = _log_draws(worse.maximum(drawn), drawn) - _log_draws(others, drawn)
    found = torch.where(worse < drawn, 0.0, log.exp())
    both = torch.stack([found, 1 / (1 + drawn)], 1)
    return both.masked_fill((others == 0).unsqueeze(1), torch.nan)


def _log_draws(of: Tensor, drawn: Tensor) -> Tensor:
    """The logarithm of how many ordered draws there are."""
    return torch.lgamma(of + 1) - torch.lgamma(of - drawn + 1)


def value(statistics: Float[Tensor, "n 2"]) -> tuple[float, float]:
    """R-precision in 0..1 and that of blind guesses, over the rows that have a rival.

    Raises GanzooError where no row has one.
    """
    counted = statistics[~statistics.isnan().any(1)]
    if not len(counted):
        raise GanzooError("R-precision needs captions that differ, of pictures of different classes")
    found, guessed = counted.mean(0).tolist()
    return found, guessed
