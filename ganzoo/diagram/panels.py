"""Phases as panels: their updates, one below the other, with the losses that each minimises."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ganzoo.diagram.shapes import GAP, LINE, PAD, Box, Panel
from ganzoo.parts import length, optimizer_of, weighted

if TYPE_CHECKING:
    from ganzoo.plan import PhasePlan, Plan, UpdatePlan

UPDATES = 2.1  # the names of updates and optimizers stand left of the losses


def panel_of(plan: Plan, phase: PhasePlan, number: int) -> Panel:
    """The panel of a phase, at (0, 0); `number` from 0."""
    said = [length(phase), f"batch {phase.batch or plan.data.batch}"]
    said += [f"averages {phase.ema:g}"] if phase.ema else []
    said += [f"{phase.samples_per_caption} samples a caption"] if phase.samples_per_caption > 1 else []
    head = f"phase {phase.name}" if len(plan.phases) == 1 else f"{number + 1}  phase {phase.name}"
    updates = [
        (update.name, f"{optimizer_of(plan, phase, update)}, lr {update.optimizer.lr:g}", _losses(update))
        for update in phase.updates
    ]
    panel = Panel(f"{head}: {', '.join(said)}", updates)
    y = PAD
    for _, _, boxes in reversed(updates):
        x = UPDATES
        for box in boxes:
            box.x, box.y = x, y
            x += box.w + GAP / 2
        panel.w = max(panel.w, x)
        y += max(box.h for box in boxes) + PAD
    panel.h = y + LINE + PAD
    return panel


def _losses(update: UpdatePlan) -> list[Box]:
    return [
        Box(
            [weighted(name, loss), f"reads {', '.join(sorted(loss.requires())).replace('_', ' ')}"],
            update.name,
        )
        for name, loss in update.losses
    ]
