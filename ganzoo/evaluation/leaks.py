"""Whether a metric's network also trained the model, so that the model may have learnt to please it."""

from __future__ import annotations

from ganzoo.evaluation.asked import Asked
from ganzoo.metrics.backbones import DEFAULT, LITE, TIMM
from ganzoo.plan import Plan

READS = frozenset({"image_vector", "image_regions"})  # what losses need of an image encoder


def leak(plan: Plan, asked: Asked) -> str:
    """Why the metric may favour the model; "" = its networks had no part in the training.

    A text encoder has a part where it brings weights of its own: one that learns with the model has others.
    """
    recipe, needs = plan.recipe, asked.metric.requires()
    image = recipe.image.use if recipe.image and _taught(plan) else ""
    if "image_encoder" in needs:
        return f"its image encoder {image} also trained the generator" if image else ""
    if asked.backbone and image and _network(asked.backbone) in (image, _network(_trunk(plan))):
        return f"its network is also the image encoder {image} that trained the generator"
    text = recipe.text.use if recipe.text and plan.text.pretrained else ""
    told, seen = (asked.metric.encoders() if "encoders" in needs else None) or ({}, {})
    graders = [str(part["use"]) for part in (told, seen)] if seen else []  # captions alone grade nothing
    own = [use for use in graders if use in (text, image)]
    return f"the model was trained with {' and '.join(own)}" if own else ""


def _taught(plan: Plan) -> bool:
    """Whether a loss of the generator reads what the image encoder sees."""
    return any(
        loss.requires() & READS
        for phase in plan.phases
        for update in phase.updates
        if update.name == "generator"
        for _, loss in update.losses
    )


def _trunk(plan: Plan) -> str:
    """The network of timm's that the image encoder is built upon, "" = none."""
    return str(getattr(plan.image, "backbone", ""))


def _network(name: str) -> str:
    """One name for one network: that of timm, whatever its weights."""
    return LITE if name == DEFAULT else name.removeprefix(TIMM).split(".")[0]
