"""GAN-INT-CLS: Reed et al. 2016, Generative Adversarial Text to Image Synthesis, arXiv:1605.05396."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ganzoo.hookspecs import hookimpl

if TYPE_CHECKING:
    from ganzoo.components import Conditioning, Discriminator, Importer, Loss, Stage


@hookimpl
def ganzoo_conditionings() -> Mapping[str, type[Conditioning]]:
    """The generator's projection of the sentence."""
    from ganzoo_gan_int_cls.conditionings import Project

    return {"project": Project}


@hookimpl
def ganzoo_stages() -> Mapping[str, type[Stage]]:
    """The generator."""
    from ganzoo_gan_int_cls.stages import Generator

    return {"generator": Generator}


@hookimpl
def ganzoo_discriminators() -> Mapping[str, type[Discriminator]]:
    """The authors' two discriminators."""
    from ganzoo_gan_int_cls.discriminators import BirdsFlowers, Coco

    return {"discriminator": BirdsFlowers, "discriminator_coco": Coco}


@hookimpl
def ganzoo_losses() -> Mapping[str, type[Loss]]:
    """GAN-CLS and GAN-INT."""
    from ganzoo_gan_int_cls.losses import Interpolation, Matching

    return {"matching": Matching, "interpolation": Interpolation}


@hookimpl
def ganzoo_importers() -> Mapping[str, type[Importer]]:
    """The authors' Torch7 networks."""
    from ganzoo_gan_int_cls.weights import GanIntCls

    return {"gan-int-cls": GanIntCls}
