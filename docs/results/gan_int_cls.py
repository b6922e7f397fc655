"""Draws the pictures and numbers of gan-int-cls.md from two run folders, trained with `--keep 0`.

python docs/results/gan_int_cls.py EMOJI_RUN SHAPES_RUN
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
from figures import HERE, held_out_grid, load, logged, loss_curves

from ganzoo import checkpoint
from ganzoo.data.cache import decode
from ganzoo.metrics.shapes_agreement import chance, statistics, value
from ganzoo.run import Run
from ganzoo.runtime import keep_large_blocks

KINDS = (
    "agreement",
    "agreement/colour",
    "agreement/shape",
    "agreement/size",
    "agreement/relation",
    "agreement/all",
)


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
        rates = [line["images_per_second"] for line in logged(run)]
        numbers[f"{name}_images_per_second"] = {"median": float(np.median(rates)), "best": max(rates)}
    (HERE / "gan-int-cls.json").write_text(json.dumps(numbers, indent=1) + "\n")


main()
