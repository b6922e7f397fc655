"""The components for everyone, prefix `core/`: hooks and nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from ganzoo.hookspecs import hookimpl

if TYPE_CHECKING:
    from ganzoo.components import Dataset, Loss, Metric, TextEncoder


@hookimpl
def ganzoo_text_encoders() -> Mapping[str, type[TextEncoder]]:
    """Text encoders with nothing to download."""
    from ganzoo.core.text import NGrams, Precomputed
    from ganzoo.core.words import Words

    return {"precomputed": Precomputed, "ngrams": NGrams, "words": Words}


@hookimpl
def ganzoo_losses() -> Mapping[str, type[Loss]]:
    """Adversarial losses and gradient penalties."""
    from ganzoo.core.adversarial import Hinge, LeastSquares, NonSaturating, Wasserstein
    from ganzoo.core.penalties import R1, GradientPenalty

    return {
        "nonsaturating": NonSaturating,
        "hinge": Hinge,
        "least_squares": LeastSquares,
        "wasserstein": Wasserstein,
        "r1": R1,
        "gradient_penalty": GradientPenalty,
    }


@hookimpl
def ganzoo_datasets() -> Mapping[str, type[Dataset]]:
    """Drawn shapes; your own pictures in a folder or in shards; the data sets of the papers."""
    from ganzoo.data.birds import Birds
    from ganzoo.data.coco import Coco
    from ganzoo.data.flowers import Flowers
    from ganzoo.data.folder import Folder
    from ganzoo.data.huggingface import HuggingFace
    from ganzoo.data.mpii import Mpii
    from ganzoo.data.shapes import Shapes
    from ganzoo.data.webdataset import WebDataset

    return {
        "shapes": Shapes,
        "folder": Folder,
        "webdataset": WebDataset,
        "hf": HuggingFace,
        "birds": Birds,
        "flowers": Flowers,
        "coco": Coco,
        "mpii": Mpii,
    }


@hookimpl
def ganzoo_metrics() -> Mapping[str, type[Metric]]:
    """What the field measures: quality, variety, the fit of pictures and captions."""
    from ganzoo.core.fit import ClipRPrecision, ClipScore
    from ganzoo.core.quality import (
        Cmmd,
        DensityCoverage,
        FrechetDistance,
        FrechetInfinite,
        FrechetJoint,
        InceptionScore,
        KernelDistance,
        PrecisionRecall,
    )
    from ganzoo.core.variety import DifferentBins, Diversity, Memorisation
    from ganzoo.metrics.damsm_r_precision import DamsmRPrecision
    from ganzoo.metrics.shapes_agreement import ShapesAgreement

    return {
        "shapes_agreement": ShapesAgreement,
        "damsm_r_precision": DamsmRPrecision,
        "clip_score": ClipScore,
        "clip_r_precision": ClipRPrecision,
        "fd": FrechetDistance,
        "fd_infinity": FrechetInfinite,
        "kid": KernelDistance,
        "inception_score": InceptionScore,
        "precision_recall": PrecisionRecall,
        "density_coverage": DensityCoverage,
        "cmmd": Cmmd,
        "fjd": FrechetJoint,
        "diversity": Diversity,
        "ndb": DifferentBins,
        "memorisation": Memorisation,
    }
