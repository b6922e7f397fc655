"""char-CNN-RNN (Reed et al. 2016, arXiv:1605.05395): captions by their characters, with pictures."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ganzoo.hookspecs import hookimpl

if TYPE_CHECKING:
    from ganzoo.components import ImageEncoder, Importer, Loss, TextEncoder


@hookimpl
def ganzoo_text_encoders() -> Mapping[str, type[TextEncoder]]:
    """The encoder of characters."""
    from ganzoo_char_cnn_rnn.text_encoder import CharCnnRnn

    return {"text": CharCnnRnn}


@hookimpl
def ganzoo_image_encoders() -> Mapping[str, type[ImageEncoder]]:
    """The pictures' side of the joint embedding."""
    from ganzoo_char_cnn_rnn.image_encoder import Pooled

    return {"image": Pooled}


@hookimpl
def ganzoo_losses() -> Mapping[str, type[Loss]]:
    """The structured loss that embeds captions and pictures jointly."""
    from ganzoo_char_cnn_rnn.joint_embedding import JointEmbedding

    return {"joint_embedding": JointEmbedding}


@hookimpl
def ganzoo_importers() -> Mapping[str, type[Importer]]:
    """The authors' text encoders."""
    from ganzoo_char_cnn_rnn.weights import Authors

    return {"char-cnn-rnn": Authors}
