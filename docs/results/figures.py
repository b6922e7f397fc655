"""Pictures and curves that several pages of results show."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np

from ganzoo import checkpoint, pictures
from ganzoo.data.cache import decode
from ganzoo.model import Model
from ganzoo.run import Run

HERE = Path(__file__).parent
SEEDS = (0, 1, 2, 3)


def load(model: Model, path: Path) -> Model:
    """The averaged weights of one checkpoint."""
    saved = checkpoint.load(path, optimizers=False)
    checkpoint.load_model_state(model, saved.weights, path)
    if saved.averages is not None:
        model.generator.load_state_dict(dict(saved.averages))
    return model.eval()


def held_out_grid(run: Run, count: int, out: Path, scale: int) -> None:
    """Held-out captions, one real picture each, and four samples."""
    model = run.load()
    side = model.plan.resolutions[-1]
    examples = model.plan.data.examples("test", None, side)
    rows = np.linspace(0, len(examples) - 1, count).round().astype(int)
    captions = [examples.captions[row][0] for row in rows]
    real = np.stack([decode(examples.image(int(row)), side).transpose(1, 2, 0) for row in rows])
    columns = [pictures.to_array(model.generate(captions, seed)) for seed in SEEDS]
    sheet = pictures.grid(
        np.stack([real, *columns], axis=1),
        captions,
        ["real", *(f"seed {seed}" for seed in SEEDS)],
        scale=scale,
    )
    pictures.save(sheet, out)


def logged(run: Run, phase: str | None = None) -> list[dict[str, Any]]:
    """What was logged of losses and speed."""
    lines = [line for line in run.metrics if "images_per_second" in line]
    return [line for line in lines if phase in (None, line["phase"])]


def loss_curves(run: Run, title: str, out: Path, phase: str | None = None) -> None:
    """Every loss over steps, of all phases or of one, and images a second."""
    lines = logged(run, phase)
    steps = [line["step"] for line in lines]
    losses = [key for key in lines[0] if "/" in key]
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.4), layout="constrained")
    for key in losses:
        values = np.array([line[key] for line in lines])
        (drawn,) = left.plot(steps, values, alpha=0.25)
        width = max(1, len(values) // 40)
        smooth = np.convolve(values, np.ones(width) / width, "valid")
        left.plot(steps[width - 1 :], smooth, color=drawn.get_color(), label=key)
    left.set(xlabel="step", ylabel="loss", title=title)
    left.legend(frameon=False)
    right.plot(steps, [line["images_per_second"] for line in lines])
    right.set(
        xlabel="step", ylabel="images a second", title="speed, a machine shared with other work", ylim=0
    )
    figure.savefig(out, dpi=110)
