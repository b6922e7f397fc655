"""Drawn pictures that are nearest to a training picture, beside that one: does the model copy?"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from ganzoo import pictures
from ganzoo.evaluation.asked import Asked
from ganzoo.evaluation.given import Pictures
from ganzoo.evaluation.reference import Reference
from ganzoo.metrics import backbones, memorisation
from ganzoo.metrics.backbones import Backbone
from ganzoo.sample import check_out

COUNT = 20


def check(out: Path) -> None:
    """Raise GanzooError where `out` cannot be written, or is no picture's name."""
    check_out(out, False, COUNT, 2)


def save(drawn: Pictures, metrics: Sequence[Asked], reference: Reference, out: Path) -> None:
    """Write the 20 drawn pictures nearest to a training one, nearest first, each beside it.

    Near is what the network of the first metric that compares with the training pictures sees; else that of
    any metric, else of the default one.
    """
    network = _network(metrics, reference)
    training = reference.training
    origins = memorisation.statistics(drawn.seen(network).vector, reference.seen(training, network).vector)
    rows = origins.closest(COUNT)
    nearest = training.images[origins.index[rows].numpy()]
    both = np.stack([drawn.images[rows].numpy(), nearest], 1).transpose(0, 1, 3, 4, 2)
    labels = [f"{drawn.asked.captions[row]} ({float(origins.distance[row]):.3g})" for row in rows.tolist()]
    pictures.save(pictures.grid(both, labels, ["drawn", "nearest in training"]), out)


def _network(metrics: Sequence[Asked], reference: Reference) -> Backbone:
    looking = sorted(
        (asked.metric for asked in metrics if asked.backbone),
        key=lambda metric: "train" not in metric.requires(),
    )
    return reference.backbone(looking[0]) if looking else backbones.named(backbones.DEFAULT, reference.device)
