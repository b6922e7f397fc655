"""What a metric is given: pictures of captions."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True, eq=False)
class Samples:
    """Drawn pictures `fakes` [n, 3, r, r] in [-1, 1] of n `captions`, and the real ones, `reals`, alike."""

    fakes: Tensor
    reals: Tensor
    captions: tuple[str, ...]
