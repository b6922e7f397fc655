"""How far GAWWN draws from where it is told, on drawn shapes; figures for gawwn.md.

    python docs/results/gawwn.py RUN TWIN CHECKPOINT POINTS

RUN is of gawwn-bbox-shapes, TWIN of a model that is told no box. Both draw the test captions, each with the
box of its picture; what was drawn where is read from the pixels (ganzoo/metrics/shapes_reader.py). POINTS is
of gawwn-keypoint-generator-shapes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import torch

from ganzoo import placing, sample
from ganzoo.api import load
from ganzoo.flow import Layout
from ganzoo.metrics.samples import Samples
from ganzoo.metrics.shapes_agreement import ShapesAgreement
from ganzoo.metrics.shapes_reader import look
from ganzoo.run import Run

HERE = Path(__file__).parent
CAPTIONS = ("a large red circle", "a small green square", "a large blue star")
DRAWS = 2000  # resamples of the interval
SIDES = {
    "above": (1, 1),
    "below": (1, -1),
    "left of": (0, 1),
    "right of": (0, -1),
}  # axis, sign of the second


def distances(images: torch.Tensor, centres: np.ndarray) -> np.ndarray:
    """For each picture the distance, in sides of it, from its largest figure's middle to `centres` [n, 2].

    NaN where no figure is read in it.
    """
    sight = look(images.numpy())
    away = np.hypot(*(sight.centres[:, 0] - centres).T)
    return np.where(sight.count > 0, away, np.nan)


def summary(values: np.ndarray) -> dict[str, object]:
    """Median and mean with a 95% bootstrap interval, over pictures in which a figure was read."""
    seen = values[~np.isnan(values)]
    resampled = np.random.default_rng(0).choice(seen, (DRAWS, len(seen)))
    interval = [round(float(q), 4) for q in np.quantile(np.median(resampled, 1), (0.025, 0.975))]
    return {
        "pictures": len(values),
        "with_a_figure": len(seen),
        "median": round(float(np.median(seen)), 4),
        "median_95": interval,
        "mean": round(float(seen.mean()), 4),
        "within_a_tenth": round(float((seen <= 0.1).mean()), 4),
    }


def sided(points: torch.Tensor, captions: list[str]) -> dict[str, object]:
    """How often both keypoints of [n, 2, 3] are there and lie as captions of two shapes say."""
    held = []
    for caption, (first, second) in zip(captions, points.tolist(), strict=True):
        axis, sign = next(side for words, side in SIDES.items() if f" {words} " in caption)
        held.append(first[2] > 0 and second[2] > 0 and sign * (second[axis] - first[axis]) > 0)
    return {"captions": len(captions), "as_said": round(float(np.mean(held)), 4)}


def keypoints(run: Path) -> dict[str, dict[str, object]]:
    """The keypoint generator on test captions of two shapes: all drawn, and the second to a given first."""
    model = load(run)
    examples = model.plan.data.examples("test", None, 32)
    two = examples.keypoints[:, 1, 2] > 0
    captions = [own[0] for own, both in zip(examples.captions, two, strict=True) if both]
    true, seeds = torch.from_numpy(examples.keypoints[two]), range(len(captions))
    half = true * torch.tensor([1.0, 0.0])[:, None]
    drawn = {
        "true keypoints": true,
        "both drawn": model.place(captions, seeds).keypoints,
        "the second drawn": model.place(captions, seeds, layout=Layout(keypoints=half)).keypoints,
        "both drawn, of the next caption": model.place(captions, seeds).keypoints.roll(-1, 0),
    }
    return {name: sided(points, captions) for name, points in drawn.items()}


def main() -> None:
    """Measure, draw, write."""
    told, twin, which = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
    model, other = load(told, which), load(twin, which)
    examples = model.plan.data.examples("test", None, 32)
    captions, boxes = [own[0] for own in examples.captions], torch.from_numpy(examples.boxes)
    centres = (boxes[:, :2] + boxes[:, 2:] / 2).numpy()
    real = np.stack([np.asarray(examples.image(i).convert("RGB")) for i in range(len(examples))])
    reals = torch.from_numpy(real).permute(0, 3, 1, 2) / 127.5 - 1
    seeds = range(len(captions))
    drawn = {
        "real pictures": reals,
        "told the box": model.generate(captions, seeds, layout=Layout(boxes)),
        "told another row's box": model.generate(captions, seeds, layout=Layout(boxes.roll(1, 0))),
        "not told": other.generate(captions, seeds),
    }
    asked = {name: centres for name in drawn} | {"told another row's box": np.roll(centres, 1, 0)}
    found = {name: summary(distances(images, asked[name])) for name, images in drawn.items()}
    for name, images in drawn.items():
        said = ShapesAgreement()(Samples(images, reals, tuple(captions)))
        found[name] |= {kind: round(float(share), 4) for kind, share in said.items()}
    for name, path, drawer in (("told the box", told, model), ("not told", twin, other)):
        found[name]["recipe"], found[name]["checkpoint"] = Run.open(path).recipe.name, which
        found[name]["weights"] = sum(p.numel() for p in drawer.parameters())
    found |= {f"keypoints: {name}": value for name, value in keypoints(Path(sys.argv[4])).items()}
    (HERE / "gawwn.json").write_text(json.dumps(found, indent=1) + "\n")
    for number, caption in enumerate(CAPTIONS, 1):
        size = 0.4 if "large" in caption else 0.22
        where = placing.Places(Layout(torch.tensor([[0.0, 0.0, size, size]])), None, marked=True)
        sample.save_moving(model, caption, 1, where, HERE / f"gawwn-moving-{number}.png")
    shown = placing.Places(Layout(boxes[:8]), None, marked=True)
    sample.save_grid(
        sample.sample(model, captions[:8], range(6), places=shown),
        captions[:8],
        range(6),
        HERE / "gawwn-boxes.png",
    )
    print(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
