"""What metrics take for features: rows of finite numbers, from numpy or torch, in double precision."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.errors import GanzooError

Floats = NDArray[np.float64]
Features = NDArray[Any] | Tensor
AT_ONCE = 2**24  # numbers of a matrix between two sets that are in memory at a time


def rows(given: Features, who: str, least: int = 1) -> Tensor:
    """`given` [n, d] as float64, on the device it is on.

    `who` begins the message. Raises GanzooError for another shape, for fewer than `least` rows or no column,
    and for what is not finite.
    """
    found = given.detach() if isinstance(given, Tensor) else torch.from_numpy(np.asarray(given))
    if found.ndim != 2 or len(found) < least or not found.shape[1]:
        raise GanzooError(
            f"{who} was given features {list(found.shape)}; expected [n, d] with n from {least} and d from 1"
        )
    found = found.double()
    bad = ~found.isfinite().all(1)
    if bad.any():
        raise GanzooError(
            f"{who} was given {int(bad.sum())} of {len(found)} rows with numbers that are not finite, "
            f"the first of them row {int(bad.nonzero()[0])}; look at what made these features"
        )
    return found


def pair(one: Features, other: Features, who: str, least: int = 1) -> tuple[Tensor, Tensor]:
    """Two sets [n, d] and [m, d] as `rows` gives them. Raises GanzooError also where widths differ."""
    x, y = rows(one, who, least), rows(other, who, least)
    same_width(x.shape[1], y.shape[1], who)
    return x, y


def same_width(one: int, other: int, who: str) -> None:
    """Raises GanzooError where two sets of features have not as many dimensions."""
    if one != other:
        raise GanzooError(
            f"{who} was given features of {one} and of {other} dimensions; both must come from one network"
        )


def products(x: Tensor, y: Tensor) -> Tensor:
    """The products x y^T [n, m]. On a CPU by numpy, of doubles twice as fast as torch on AMD's."""
    if x.device.type != "cpu":
        return x @ y.mT
    return torch.from_numpy(x.numpy() @ y.numpy().T)


def tiles(n: int, m: int) -> list[slice]:
    """The n rows of a matrix [n, m] in parts of about AT_ONCE numbers."""
    step = max(1, AT_ONCE // max(1, m))
    return [slice(start, min(start + step, n)) for start in range(0, n, step)]
