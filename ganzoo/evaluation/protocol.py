"""All that the numbers of a metric depend on, but the model."""

from __future__ import annotations

import hashlib
from dataclasses import asdict
from typing import Any

from pydantic_core import to_jsonable_python

from ganzoo.evaluation import given
from ganzoo.evaluation.asked import Asked
from ganzoo.evaluation.reference import Reference
from ganzoo.metrics.backbones import RESIZE
from ganzoo.plan import Plan


def protocol_of(asked: Asked, reference: Reference, plan: Plan) -> dict[str, Any]:
    """The terms by name, plain values: metric, data, captions, draws, networks by the checksum of weights.

    Encoders that were trained with the model differ from model to model, as in the papers: of them it says
    only which they are.
    """
    metric, needs, requests = asked.metric, asked.metric.requires(), reference.requests
    options = {k: v for k, v in asdict(metric).items() if k not in ("samples", "weights")}
    said: dict[str, Any] = {
        "metric": asked.use,
        "options": to_jsonable_python(options),
        "data": reference.use,
        "split": reference.held_out.name,
        "real pictures": reference.held_out.content[:12],
        "side": reference.side,
        "samples": len(requests.captions),
        "captions": _digest("\n".join(requests.captions)),
        "seeds": f"{requests.seeds[0]}-{requests.seeds[-1]}",
        "averaged weights": "where the recipe averages",
        "truncation": "none",
    }
    if "backbone" in needs:
        network = reference.backbone(metric)
        said |= {"weights": network.checksum, "resize": f"{network.side or 'own'}: {RESIZE}"}
    if "train" in needs:
        said["training pictures"] = reference.training.content[:12]
    if "copies" in needs:
        said["copies"] = f"{given.COPIES} of {given.VARIED} captions"
    if "encoders" in needs:
        said["encoders"] = reference.encoders(metric).checksum
    if "image_encoder" in needs:
        text, image = plan.recipe.text, plan.recipe.image
        said["encoders"] = f"each model's own: {text.use if text else ''}, {image.use if image else ''}"
    return said


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
