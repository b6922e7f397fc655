"""Sentence and word vectors of all-MiniLM-L6-v2: Reimers and Gurevych 2019, arXiv:1908.10084."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ganzoo.hookspecs import hookimpl

if TYPE_CHECKING:
    from ganzoo.components import TextEncoder


@hookimpl
def ganzoo_text_encoders() -> Mapping[str, type[TextEncoder]]:
    """The text encoder `minilm/text`."""
    from ganzoo_minilm.encoder import MiniLM

    return {"text": MiniLM}
