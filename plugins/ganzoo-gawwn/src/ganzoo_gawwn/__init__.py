"""GAWWN: Reed et al. 2016, Learning What and Where to Draw, arXiv:1610.02454."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ganzoo.hookspecs import hookimpl

if TYPE_CHECKING:
    from ganzoo.components import Conditioning, Discriminator, Importer, Loss, Stage


@hookimpl
def ganzoo_conditionings() -> Mapping[str, type[Conditioning]]:
    """The generators' projection of the sentence."""
    from ganzoo_gawwn.conditionings import Project

    return {"project": Project}


@hookimpl
def ganzoo_stages() -> Mapping[str, type[Stage]]:
    """The two picture generators and the generator of keypoints."""
    from ganzoo_gawwn.box_stage import BoxStage
    from ganzoo_gawwn.keypoint_generator import KeypointGenerator
    from ganzoo_gawwn.keypoint_stage import KeypointStage

    return {"box_stage": BoxStage, "keypoint_stage": KeypointStage, "keypoint_generator": KeypointGenerator}


@hookimpl
def ganzoo_discriminators() -> Mapping[str, type[Discriminator]]:
    """One for each generator."""
    from ganzoo_gawwn.discriminators import BoxDiscriminator, KeypointDiscriminator
    from ganzoo_gawwn.keypoint_generator import PointsDiscriminator

    return {
        "box_discriminator": BoxDiscriminator,
        "keypoint_discriminator": KeypointDiscriminator,
        "points_discriminator": PointsDiscriminator,
    }


@hookimpl
def ganzoo_losses() -> Mapping[str, type[Loss]]:
    """The discriminators' objective, with shuffled captions."""
    from ganzoo_gawwn.losses import Matching

    return {"matching": Matching}


@hookimpl
def ganzoo_importers() -> Mapping[str, type[Importer]]:
    """The authors' Torch7 networks of the three models."""
    from ganzoo_gawwn.weights import BoxModel, KeypointModel, PointsModel

    return {
        "gawwn-bbox": BoxModel,
        "gawwn-keypoints": KeypointModel,
        "gawwn-keypoint-generator": PointsModel,
    }
