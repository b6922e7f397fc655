"""AttnGAN (Xu et al. 2018, arXiv:1711.10485): word attention, the DAMSM and its encoders."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ganzoo.hookspecs import hookimpl

if TYPE_CHECKING:
    from ganzoo.components import Discriminator, ImageEncoder, Importer, Loss, Stage, TextEncoder


@hookimpl
def ganzoo_text_encoders() -> Mapping[str, type[TextEncoder]]:
    """The recurrent encoder of words and sentence."""
    from ganzoo_attngan.text_encoder import Rnn

    return {"rnn": Rnn}


@hookimpl
def ganzoo_image_encoders() -> Mapping[str, type[ImageEncoder]]:
    """The encoder of regions and picture."""
    from ganzoo_attngan.image_encoder import Cnn

    return {"cnn": Cnn}


@hookimpl
def ganzoo_stages() -> Mapping[str, type[Stage]]:
    """The stage whose pixels look at the words."""
    from ganzoo_attngan.stages import Attend

    return {"attend": Attend}


@hookimpl
def ganzoo_discriminators() -> Mapping[str, type[Discriminator]]:
    """The discriminator of each stage, and that of the DCGAN variant."""
    from ganzoo_attngan.discriminators import DcganDiscriminator, TwoHeadedDiscriminator

    return {"discriminator": TwoHeadedDiscriminator, "dcgan_discriminator": DcganDiscriminator}


@hookimpl
def ganzoo_losses() -> Mapping[str, type[Loss]]:
    """The discriminators' matching loss; words with regions, sentences with pictures."""
    from ganzoo_attngan.damsm import Damsm
    from ganzoo_attngan.matching import Matching

    return {"matching": Matching, "damsm": Damsm}


@hookimpl
def ganzoo_importers() -> Mapping[str, type[Importer]]:
    """The authors' checkpoints."""
    from ganzoo_attngan.weights import AttnGan

    return {"attngan": AttnGan}
