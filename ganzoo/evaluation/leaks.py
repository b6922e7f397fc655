"""Whether a metric's network also trained the model, so that the model may have learnt to please it."""

from __future__ import annotations

from ganzoo.evaluation.asked import Asked
from ganzoo.metrics.backbones import DEFAULT, LITE
from ganzoo.plan import Plan
from ganzoo.plugins import Registry


def leak(plan: Plan, asked: Asked, registry: Registry) -> str:
    """Why the metric may favour the model; "" = its networks had no part in the training."""
    recipe = plan.recipe
    text = recipe.text.use if recipe.text else ""
    image = recipe.image.use if recipe.image else ""
    teaches = (
        image
        if any(
            loss.requires() & {"image_vector", "image_regions"}
            for phase in plan.phases
            for update in phase.updates
            if update.name == "generator"
            for _, loss in update.losses
        )
        else ""
    )
    if "image_encoder" in asked.metric.requires():
        return f"its image encoder {image} also trained the generator" if teaches else ""
    named = asked.metric.encoders() if "encoders" in asked.metric.requires() else None
    if named:
        own = [use for use in (str(part.get("use", "")) for part in named) if use and use in (text, teaches)]
        return f"the model was trained with {' and '.join(own)}" if own else ""
    if asked.backbone:
        own_backbone = getattr(plan.image, "backbone", "") if teaches else ""
        own_names = {teaches, own_backbone, DEFAULT if str(own_backbone).split(".")[0] == LITE else ""} - {""}
        if asked.backbone.removeprefix("timm/") in own_names:
            return f"its network is also the image encoder {image} that trained the generator"
    return ""
