"""Draws the pictures and numbers of gan-int-cls.md from two run folders, trained with `--keep 0`.

python docs/results/gan_int_cls.py EMOJI_RUN SHAPES_RUN
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import torch

from ganzoo import checkpoint, pictures
from ganzoo.data.cache import decode
from ganzoo.metrics.shapes_agreement import chance, statistics, value
from ganzoo.model import Model
from ganzoo.run import Run
from ganzoo.runtime import keep_large_blocks

HERE = Path(__file__).parent
SEEDS = (0, 1, 2, 3)
KINDS = (
    "agreement",
    "agreement/colour",
    "agreement/shape",
    "agreement/size",
    "agreement/relation",
    "agreement/all",
)


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


def loss_curves(run: Run, title: str, out: Path) -> None:
    """Every loss over steps, and images a second."""
    lines = run.metrics
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


def agreement_over_training(run: Run, out: Path) -> dict[str, object]:
    """Agreement of held-out captions at every checkpoint, beside chance and real drawings."""
    model = run.load()
    side = model.plan.resolutions[-1]
    examples = model.plan.data.examples("test", None, side)
    captions = [own[0] for own in examples.captions]
    real = np.stack([decode(examples.image(i), side) for i in range(len(examples))])
    drawings = torch.from_numpy(real).float() / 127.5 - 1
    ceiling = value(statistics(drawings, captions))
    shuffled = value(statistics(drawings, captions[1:] + captions[:1]))
    floor = chance(captions)
    curve = {}
    for path in checkpoint.all_in(run.checkpoints):
        images = load(model, path).generate(captions, seed=list(range(len(captions))))
        curve[int(path.name.removeprefix("step-"))] = value(statistics(images, captions))
    figure, axis = plt.subplots(figsize=(8, 4), layout="constrained")
    for kind in KINDS:
        (drawn,) = axis.plot(list(curve), [point[kind] for point in curve.values()], label=kind)
        axis.axhline(floor[kind], color=drawn.get_color(), linestyle=":", linewidth=1)
    axis.axhline(ceiling["agreement"], color="black", linewidth=1, label="real drawings, agreement")
    axis.set(xlabel="step", ylabel="share of statements that hold", ylim=(0, 1.02))
    axis.set_title(f"agreement with {len(captions)} held-out captions (dotted: chance)")
    axis.legend(frameon=False, ncols=2, fontsize=8)
    figure.savefig(out, dpi=110)
    return {"real": ceiling, "real_shuffled": shuffled, "chance": floor, "over_training": curve}


def main() -> None:
    """Everything that the page shows."""
    keep_large_blocks()
    emoji, shapes = Run.open(sys.argv[1]), Run.open(sys.argv[2])
    held_out_grid(emoji, 16, HERE / "gan-int-cls-emoji.png", scale=1)
    loss_curves(emoji, "gan-int-cls-emoji", HERE / "gan-int-cls-emoji-losses.png")
    held_out_grid(shapes, 12, HERE / "gan-int-cls-shapes.png", scale=2)
    loss_curves(shapes, "gan-int-cls-shapes", HERE / "gan-int-cls-shapes-losses.png")
    numbers = agreement_over_training(shapes, HERE / "gan-int-cls-shapes-agreement.png")
    for name, run in (("emoji", emoji), ("shapes", shapes)):
        rates = [line["images_per_second"] for line in run.metrics]
        numbers[f"{name}_images_per_second"] = {"median": float(np.median(rates)), "best": max(rates)}
    (HERE / "gan-int-cls.json").write_text(json.dumps(numbers, indent=1) + "\n")


main()
