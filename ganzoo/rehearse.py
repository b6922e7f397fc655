"""A rehearsal: a recipe's tiny form takes one training step of each phase on a toy batch, on the CPU."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from ganzoo.assemble import assemble
from ganzoo.errors import GanzooError
from ganzoo.flow import Batch, Layout, Tokens
from ganzoo.health import first_unhealthy
from ganzoo.plan import Plan
from ganzoo.plugins import Registry
from ganzoo.plugins import load as load_plugins
from ganzoo.randomness import StepDraws
from ganzoo.recipe import Recipe
from ganzoo.runtime import accelerator
from ganzoo.updates import PhaseTrainer

ROWS = 4
CAPTIONS = ["a small red circle", "a large blue square", "a red star above a blue circle", "a green cross"]


def tiny(recipe: Recipe, registry: Registry) -> Recipe:
    """`recipe` with every component's own small sizes, and a narrow noise."""
    places = {"text": "text_encoders", "image": "image_encoders", "conditioning": "conditionings"}
    for level, entry in enumerate(recipe.stages):
        places[f"stages.{level}.stage"] = "stages"
        places |= {f"stages.{level}.discriminator": "discriminators"} if entry.discriminator else {}
        places |= {f"stages.{level}.conditioning": "conditionings"} if entry.conditioning else {}
    for path, kind in places.items():
        node = recipe.node(path) if "." in path else getattr(recipe, path)
        if node is None:
            continue
        for option, value in registry.get(kind, node.use).tiny.items():
            recipe = recipe.set(f"{path}.{option}", value)
    return recipe.set("noise", min(recipe.noise, 8)) if recipe.noise else recipe


def toy_batch(plan: Plan, text_encoder: Any) -> Batch:
    """Random pictures of every resolution; captions, embeddings and layout as the plan's data gives them."""
    generator = torch.Generator().manual_seed(0)

    def pictures() -> tuple[torch.Tensor, ...]:
        return tuple(torch.rand(ROWS, 3, r, r, generator=generator) * 2 - 1 for r in plan.resolutions)

    tokens: Tokens = text_encoder.tokenize(CAPTIONS)
    data = plan.data_spec
    if data.embedding:
        embedding = torch.randn(ROWS, plan.text_spec.sentence, generator=generator)
        tokens = Tokens(tokens.ids, tokens.length, embedding)
    boxes = torch.tensor([[0.1, 0.2, 0.5, 0.4]] * ROWS) if data.boxes else None
    keypoints = torch.rand(ROWS, data.keypoints, 3, generator=generator).round() if data.keypoints else None
    layout = Layout(boxes, keypoints) if data.boxes or data.keypoints else None
    elsewhere = layout.map(lambda x: x.roll(1, 0)) if layout else None
    return Batch(
        pictures(),
        tokens,
        pictures(),
        class_id=torch.arange(ROWS),
        layout=layout,
        mismatched_layout=elsewhere,
    )


def rehearse(recipe: Recipe, registry: Registry | None = None) -> Mapping[str, float]:
    """One step of every phase in tiny form; every loss by `phase/update/loss`.

    Raises MismatchError for a recipe that cannot be assembled, GanzooError for a loss that is not finite.
    """
    registry = load_plugins() if registry is None else registry
    assemble(recipe, registry)
    plan = assemble(tiny(recipe, registry), registry)
    model = plan.build()
    compute = accelerator("cpu", "fp32")
    batch = toy_batch(plan, model.text_encoder)
    said: dict[str, float] = {}
    for phase in plan.phases:
        trainer = PhaseTrainer(model, phase, compute)
        trainer.train_mode()
        draws = StepDraws(0, 0, torch.device("cpu"), torch.float32)
        values = trainer.take_step(phase.all_due, [batch], [draws])
        said |= {f"{phase.name}/{name}": float(value) for name, value in values.items()}
    broken = first_unhealthy(said)
    if broken:
        raise GanzooError(
            f"{recipe.name} assembles, but its rehearsal gives {said[broken]} for loss {broken}"
        )
    return said
