"""Does a model copy what it was trained on? Its pictures are nearer to training ones than other real ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int64
from scipy.stats import mannwhitneyu
from torch import Tensor

from ganzoo.errors import GanzooError
from ganzoo.metrics.features import Features
from ganzoo.metrics.neighbours import nearest


@dataclass(frozen=True, eq=False)
class Origins:
    """The training picture nearest to each of n pictures: its row `index` [n], at `distance` [n]."""

    index: Int64[Tensor, n]
    distance: Float[Tensor, n]

    def closest(self, count: int) -> Int64[Tensor, " c"]:
        """Rows of the `count` pictures that are nearest to a training one, nearest first: for a gallery."""
        return self.distance.argsort(stable=True)[:count]


def statistics(features: Features, training: Features) -> Origins:
    """The nearest of `training` [m, d] to each of `features` [n, d]; a copy is exactly 0 away.

    Raises GanzooError for features that are not finite or have other widths.
    """
    return Origins(*nearest(features, training, "memorisation"))


def value(drawn: Origins, held_out: Origins) -> float:
    """C_T: the Mann-Whitney z of distances to training pictures, of drawn ones and of held-out real ones.

    z = (U - n m / 2) / sqrt(n m (n + m + 1) / 12), where U counts the pairs in which the drawn picture is the
    farther one, and equal ones by half. Far below 0 = copies; around 0 = as far as real pictures; far above =
    nowhere near the data. Taken over the whole space, as one cell of the paper's. The authors' code adds 1/2
    to U. Raises GanzooError where a side is empty.

    Source: Meehan, Chaudhuri & Dasgupta 2020, arXiv:2004.05675, section 3.
    """
    n, m = len(drawn.distance), len(held_out.distance)
    if not n or not m:
        raise GanzooError(f"C_T was given {n} drawn and {m} held-out pictures; expected one a side or more")
    u = mannwhitneyu(drawn.distance.cpu().numpy(), held_out.distance.cpu().numpy()).statistic
    return float((u - n * m / 2) / np.sqrt(n * m * (n + m + 1) / 12))
