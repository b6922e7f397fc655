"""StackGAN (Zhang et al. 2017, arXiv:1612.03242) and StackGAN++ (Zhang et al. 2018, arXiv:1710.10916)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ganzoo.hookspecs import hookimpl

if TYPE_CHECKING:
    from ganzoo.components import Conditioning, Discriminator, Importer, Loss, Stage


@hookimpl
def ganzoo_conditionings() -> Mapping[str, type[Conditioning]]:
    """Conditioning augmentation."""
    from ganzoo_stackgan.conditioning import ConditioningAugmentation

    return {"ca": ConditioningAugmentation}


@hookimpl
def ganzoo_stages() -> Mapping[str, type[Stage]]:
    """StackGAN's two stages."""
    from ganzoo_stackgan.stages_v1 import Stage1, Stage2

    return {"stage1": Stage1, "stage2": Stage2}


@hookimpl
def ganzoo_discriminators() -> Mapping[str, type[Discriminator]]:
    """StackGAN's discriminators, of pairs and of pictures alone."""
    from ganzoo_stackgan.discriminators_v1 import Stage1Discriminator, Stage2Discriminator

    return {"stage1_discriminator": Stage1Discriminator, "stage2_discriminator": Stage2Discriminator}


@hookimpl
def ganzoo_losses() -> Mapping[str, type[Loss]]:
    """The divergence of the code and StackGAN's matching loss."""
    from ganzoo_stackgan.losses_v1 import KL, Matching

    return {"kl": KL, "matching": Matching}


@hookimpl
def ganzoo_importers() -> Mapping[str, type[Importer]]:
    """The authors' checkpoints."""
    from ganzoo_stackgan.weights_v1 import StackGanV1

    return {"stackgan-v1": StackGanV1}
