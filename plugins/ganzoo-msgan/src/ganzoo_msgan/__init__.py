"""MSGAN: mode seeking GANs (Mao et al. 2019, arXiv:1903.05628)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ganzoo.hookspecs import hookimpl

if TYPE_CHECKING:
    from ganzoo.components import Loss


@hookimpl
def ganzoo_losses() -> Mapping[str, type[Loss]]:
    """The mode seeking term."""
    from ganzoo_msgan.mode_seeking import ModeSeeking

    return {"mode_seeking": ModeSeeking}
