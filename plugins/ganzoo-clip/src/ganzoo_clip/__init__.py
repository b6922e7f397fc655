"""OpenAI's CLIP: Radford et al. 2021, arXiv:2103.00020."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ganzoo.hookspecs import hookimpl

if TYPE_CHECKING:
    from ganzoo.components import ImageEncoder, TextEncoder


@hookimpl
def ganzoo_text_encoders() -> Mapping[str, type[TextEncoder]]:
    """The text encoder `clip/text`."""
    from ganzoo_clip.encoders import ClipText

    return {"text": ClipText}


@hookimpl
def ganzoo_image_encoders() -> Mapping[str, type[ImageEncoder]]:
    """The image encoder `clip/image`."""
    from ganzoo_clip.encoders import ClipImage

    return {"image": ClipImage}
