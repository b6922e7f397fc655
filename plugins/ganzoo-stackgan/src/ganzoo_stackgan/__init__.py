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
    """StackGAN's two stages; StackGAN++'s first and its refining ones."""
    from ganzoo_stackgan.stages_pp import Initial, Refine
    from ganzoo_stackgan.stages_v1 import Stage1, Stage2

    return {"stage1": Stage1, "stage2": Stage2, "initial": Initial, "refine": Refine}


@hookimpl
def ganzoo_discriminators() -> Mapping[str, type[Discriminator]]:
    """StackGAN's two discriminators, and StackGAN++'s."""
    from ganzoo_stackgan.discriminators_pp import DiscriminatorPP
    from ganzoo_stackgan.discriminators_v1 import Stage1Discriminator, Stage2Discriminator

    return {
        "stage1_discriminator": Stage1Discriminator,
        "stage2_discriminator": Stage2Discriminator,
        "discriminator_pp": DiscriminatorPP,
    }


@hookimpl
def ganzoo_losses() -> Mapping[str, type[Loss]]:
    """The divergence of the code, the matching losses of both, StackGAN++'s colour consistency."""
    from ganzoo_stackgan.losses_pp import ColourConsistency, MatchingPP
    from ganzoo_stackgan.losses_v1 import KL, Matching

    return {
        "kl": KL,
        "matching": Matching,
        "matching_pp": MatchingPP,
        "colour_consistency": ColourConsistency,
    }


@hookimpl
def ganzoo_importers() -> Mapping[str, type[Importer]]:
    """The authors' checkpoints."""
    from ganzoo_stackgan.weights_pp import StackGanPP
    from ganzoo_stackgan.weights_v1 import StackGanV1

    return {"stackgan-v1": StackGanV1, "stackgan-pp": StackGanPP}
