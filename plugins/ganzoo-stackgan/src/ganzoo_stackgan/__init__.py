"""StackGAN (Zhang et al. 2017, arXiv:1612.03242) and StackGAN++ (Zhang et al. 2018, arXiv:1710.10916)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ganzoo.hookspecs import hookimpl

if TYPE_CHECKING:
    from ganzoo.components import Conditioning


@hookimpl
def ganzoo_conditionings() -> Mapping[str, type[Conditioning]]:
    """Conditioning augmentation."""
    from ganzoo_stackgan.conditioning import ConditioningAugmentation

    return {"ca": ConditioningAugmentation}
