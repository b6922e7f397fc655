"""Draws the pictures and numbers of stackgan.md from two run folders.

python docs/results/stackgan.py V1_RUN PP_RUN
"""

from __future__ import annotations

import json
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from figures import HERE, SEEDS, logged, loss_curves

from ganzoo import pictures
from ganzoo.data.cache import decode
from ganzoo.run import Run


def stages_grid(run: Run, count: int, out: Path) -> None:
    """Held-out captions: a real picture, then every stage's picture of each seed side by side."""
    model = run.load()
    side, *_ = sizes = model.plan.resolutions[::-1]
    examples = model.plan.data.examples("test", None, side)
    rows = np.linspace(0, len(examples) - 1, count).round().astype(int)
    captions = [examples.captions[row][0] for row in rows]
    real = np.stack([decode(examples.image(int(row)), side).transpose(1, 2, 0) for row in rows])
    columns, labels = [real], ["real"]
    for seed in SEEDS[:3]:
        columns += [pictures.enlarged(images, side) for images in model.generate_stages(captions, seed)]
        labels += [f"{seed}: {size} px" for size in sizes[::-1]]
    pictures.save(pictures.grid(np.stack(columns, axis=1), captions, labels, scale=1), out)


def facts(run: Run) -> dict[str, object]:
    """How long each phase ran, and how fast."""
    found: dict[str, object] = {}
    for phase in run.recipe.phases:
        lines = logged(run, phase)
        rates = [line["images_per_second"] for line in lines]
        spent = sum(
            (line["step"] - before["step"]) / line["steps_per_second"] for before, line in pairwise(lines)
        )
        found[phase] = {
            "steps": lines[-1]["step"] - lines[0]["step"],
            "minutes": spent / 60,
            "images_per_second": {"median": float(np.median(rates)), "best": max(rates)},
            "losses": {key: value for key, value in lines[-1].items() if "/" in key},
        }
    return found


def main() -> None:
    """Everything that the page shows."""
    v1, pp = Run.open(sys.argv[1]), Run.open(sys.argv[2])
    stages_grid(v1, 14, HERE / "stackgan-v1-emoji.png")
    stages_grid(pp, 14, HERE / "stackgan-pp-emoji.png")
    for phase in v1.recipe.phases:
        loss_curves(v1, f"stackgan-v1-emoji, {phase}", HERE / f"stackgan-v1-emoji-{phase}.png", phase)
    loss_curves(pp, "stackgan-pp-emoji", HERE / "stackgan-pp-emoji-losses.png")
    numbers = {"stackgan-v1-emoji": facts(v1), "stackgan-pp-emoji": facts(pp)}
    (HERE / "stackgan.json").write_text(json.dumps(numbers, indent=1) + "\n")


main()
