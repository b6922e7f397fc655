"""Emoji drawn by several vendors, with captions from their names and keywords."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ganzoo.hookspecs import hookimpl

if TYPE_CHECKING:
    from ganzoo.components import Dataset


@hookimpl
def ganzoo_datasets() -> Mapping[str, type[Dataset]]:
    """The data set `emoji/emoji`."""
    from ganzoo_emoji.dataset import Emoji

    return {"emoji": Emoji}
