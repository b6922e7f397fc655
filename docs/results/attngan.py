"""Draws the pictures and numbers of attngan.md from two run folders, trained with `--keep 0`.

python docs/results/attngan.py SHAPES_RUN EMOJI_RUN
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F
from figures import HERE, held_out_grid, load, logged, loss_curves
from ganzoo_attngan.damsm import Damsm, word_maps
from numpy.typing import NDArray

from ganzoo import attention_maps, checkpoint, pictures
from ganzoo.data.cache import decode
from ganzoo.data.scenes import COLOURS, Box, parse
from ganzoo.data.shapes import Shapes
from ganzoo.metrics.shapes_agreement import chance, statistics, value
from ganzoo.model import Model
from ganzoo.run import Run
from ganzoo.runtime import keep_large_blocks

Floats = NDArray[np.floating[Any]]

FINE = 64  # boxes and colours are compared with attention at this many pixels
SHAPES_CAPTIONS = [
    "a large yellow star",
    "a small red circle above a large blue square",
    "a small green cross left of a large purple triangle",
    "a large black circle right of a small yellow square",
]


def word_places(caption: str) -> list[tuple[int, str, int]]:
    """Where a caption names a figure's colour and shape: word number, "colour" or "shape", figure."""
    found, words = [], caption.split(" ")
    starts = [0, len(words) - 4][: len(parse(caption).figures)]
    for figure, start in enumerate(starts):
        found += [(start + 2, "colour", figure), (start + 3, "shape", figure)]
    return found


def covered(boxes: Iterable[Box]) -> Floats:
    """How much of each of FINE x FINE pixels each box covers: [boxes, FINE, FINE]."""
    edges = np.arange(FINE + 1) / FINE

    def along(start: float, length: float) -> Floats:
        inside = np.minimum(edges[1:], start + length) - np.maximum(edges[:-1], start)
        return np.clip(inside, 0, None) * FINE

    return np.stack([np.outer(along(y, h), along(x, w)) for x, y, w, h in boxes])


def share(attention: Floats, region: Floats) -> float:
    """The share of a map [q, q] that falls inside a region [FINE, FINE] of 0..1."""
    coarse = F.adaptive_avg_pool2d(torch.from_numpy(region)[None], attention.shape[0])[0].numpy()
    return float((attention * coarse).sum() / attention.sum())


def summed(rows: list[tuple[str, float, float, float | None]]) -> dict[str, dict[str, float]]:
    """Means by kind of word: in its own figure, of uniform attention, in the other figure."""
    said = {}
    for kind in sorted({row[0] for row in rows}):
        own = [row[1:] for row in rows if row[0] == kind]
        other = [row[2] for row in own if row[2] is not None]
        said[kind] = {
            "inside": float(np.mean([row[0] for row in own])),
            "uniform": float(np.mean([row[1] for row in own])),
            "other_figure": float(np.mean(other)),
            "more_inside_than_uniform": float(np.mean([row[0] > row[1] for row in own])),
            "words": len(own),
        }
    return said


@torch.no_grad()
def damsm_maps(model: Model, drawings: torch.Tensor, captions: list[str]) -> list[Floats]:
    """Where each word of its own caption looks in each real picture: [t, q, q] a picture."""
    assert model.image_encoder is not None
    found = []
    for start in range(0, len(captions), 64):
        part = captions[start : start + 64]
        text, seen = model.encode(part), model.image_encoder(drawings[start : start + 64])
        assert text.words is not None and text.mask is not None and seen.regions is not None
        side = int(seen.regions.shape[1] ** 0.5)
        for row in range(len(part)):
            own = slice(row, row + 1)
            maps = word_maps(seen.regions[own], text.words[own], text.mask[own], Damsm().gamma1)
            found.append(maps[0].T.unflatten(1, (side, side)).numpy())
    return found


def damsm_in_boxes(model: Model, examples: Any, scenes: tuple[Any, ...], drawings: torch.Tensor) -> Any:
    """The DAMSM's attention on real pictures against the boxes of what their captions name."""
    captions = [own[0] for own in examples.captions]
    rows: list[tuple[str, float, float, float | None]] = []
    for caption, scene, maps in zip(captions, scenes, damsm_maps(model, drawings, captions), strict=True):
        regions = covered(scene.boxes)
        for word, kind, figure in word_places(caption):
            others = [share(maps[word], region) for i, region in enumerate(regions) if i != figure]
            own = regions[figure]
            rows.append((kind, share(maps[word], own), float(own.mean()), others[0] if others else None))
    return summed(rows)


def coloured(image: NDArray[np.uint8]) -> dict[str, Floats]:
    """For each colour the pixels of a picture that are nearer to it than to any other and to white."""
    palette = np.array([*COLOURS.values(), (244, 244, 244)], np.float32)
    near = np.square(image[:, :, None].astype(np.float32) - palette).sum(3).argmin(2)
    scaled = np.kron(near, np.ones((FINE // image.shape[0],) * 2, np.int64))
    return {name: (scaled == number).astype(np.float64) for number, name in enumerate(COLOURS)}


def generator_on_colours(model: Model, captions: list[str]) -> Any:
    """The generator's attention to colour words against the pixels it draws in that colour.

    Only captions whose figures differ in colour, and colours that are there to be seen.
    """
    rows: list[tuple[str, float, float, float | None]] = []
    for caption, seen in zip(captions, attention_maps.sample(model, captions, [0]), strict=True):
        figures = parse(caption).figures
        colours = [figure.colour for figure in figures]
        regions = coloured(seen.images[-1])
        maps = seen.maps[-1]
        if maps is None or len(set(colours)) < len(colours):
            continue
        for word, kind, figure in word_places(caption):
            own, others = regions[colours[figure]], [regions[c] for c in colours if c != colours[figure]]
            if own.mean() < 0.005:
                continue
            other = share(maps[word], others[0]) if others and others[0].mean() >= 0.005 else None
            rows.append((kind, share(maps[word], own), float(own.mean()), other))
    return summed(rows)


def over_training(run: Run, measured: Callable[[Model], Any], phase: str) -> dict[int, Any]:
    """What is measured at every checkpoint of a phase."""
    model = run.load()
    found = {}
    for path in checkpoint.all_in(run.checkpoints):
        if checkpoint.load(path, optimizers=False).phase == phase:
            found[checkpoint.step_of(path)] = measured(load(model, path))
    return found


def metric_curves(run: Run, title: str, out: Path) -> dict[str, list[list[float]]]:
    """R-precision as it was logged, on real pictures and then on drawn ones, beside chance."""
    lines = [line for line in run.metrics if "metric/damsm_r_precision" in line]
    curves = {
        phase: [[line["step"], line["metric/damsm_r_precision"]] for line in lines if line["phase"] == phase]
        for phase in ("damsm", "gan")
    }
    figure, axis = plt.subplots(figsize=(6, 3.2), layout="constrained")
    for phase, label in (("damsm", "real pictures (damsm)"), ("gan", "drawn pictures (gan)")):
        if curves[phase]:
            axis.plot(*zip(*curves[phase], strict=True), marker=".", label=label)
    axis.axhline(lines[-1]["metric/damsm_r_precision/chance"], color="black", ls=":", label="chance")
    axis.set(xlabel="step", ylabel="R-precision", title=title, ylim=(0, 1))
    axis.legend(frameon=False)
    figure.savefig(out, dpi=110)
    plt.close(figure)
    return curves


def damsm_sheet(model: Model, examples: Any, drawings: torch.Tensor, rows: list[int], out: Path) -> None:
    """Where the words look in real pictures."""
    captions = [examples.captions[row][0] for row in rows]
    images = pictures.to_array(drawings[rows])
    spelt = attention_maps.spelt(model, captions)
    seen = [
        attention_maps.Seen(caption, words, (image,), (maps[: len(words)].astype(np.float32),))
        for caption, words, image, maps in zip(
            captions, spelt, images, damsm_maps(model, drawings[rows], captions), strict=True
        )
    ]
    pictures.save(attention_maps.sheet(seen, shares=False), out)


def real(examples: Any, side: int) -> torch.Tensor:
    """The examples' pictures [n, 3, side, side] in [-1, 1]."""
    drawn = np.stack([decode(examples.image(i), side) for i in range(len(examples))])
    return torch.from_numpy(drawn).float() / 127.5 - 1


def of_shapes(run: Run) -> dict[str, Any]:
    """Everything about drawn shapes."""
    model = run.load()
    data = model.plan.data
    assert isinstance(data, Shapes)
    side = model.plan.resolutions[-1]
    examples = data.examples("test", None, side)
    scenes, drawings = data._scenes("test"), real(examples, side)
    captions = [own[0] for own in examples.captions]
    held_out_grid(run, 12, HERE / "attngan-shapes.png", scale=2)
    attention_maps.draw(model, SHAPES_CAPTIONS, [0, 1], HERE / "attngan-shapes-attention.png")
    two = [row for row, caption in enumerate(captions) if len(parse(caption).figures) == 2][:5]
    damsm_sheet(model, examples, drawings, two, HERE / "attngan-shapes-damsm.png")
    loss_curves(run, "attngan-shapes, gan", HERE / "attngan-shapes-losses.png", "gan")
    loss_curves(run, "attngan-shapes, damsm", HERE / "attngan-shapes-damsm-losses.png", "damsm")
    return {
        "agreement": {
            "chance": chance(captions),
            "real": value(statistics(drawings, captions)),
            "over_training": over_training(
                run,
                lambda m: value(statistics(m.generate(captions, list(range(len(captions)))), captions)),
                "gan",
            ),
        },
        "r_precision": metric_curves(run, "attngan-shapes", HERE / "attngan-shapes-r-precision.png"),
        "damsm_attention_in_boxes": over_training(
            run, lambda m: damsm_in_boxes(m, examples, scenes, drawings), "damsm"
        ),
        "generator_attention_on_colours": over_training(
            run, lambda m: generator_on_colours(m, captions), "gan"
        ),
    }


def of_emoji(run: Run) -> dict[str, Any]:
    """Everything about emoji."""
    model = run.load()
    held_out_grid(run, 12, HERE / "attngan-emoji.png", scale=1)
    examples = model.plan.data.examples("test", None, model.plan.resolutions[-1])
    captions = list(dict.fromkeys(own[0] for own in examples.captions))
    chosen = [captions[i] for i in np.linspace(0, len(captions) - 1, 6).round().astype(int)]
    attention_maps.draw(model, chosen, [0], HERE / "attngan-emoji-attention.png")
    loss_curves(run, "attngan-emoji, gan", HERE / "attngan-emoji-losses.png", "gan")
    loss_curves(run, "attngan-emoji, damsm", HERE / "attngan-emoji-damsm-losses.png", "damsm")
    return {"r_precision": metric_curves(run, "attngan-emoji", HERE / "attngan-emoji-r-precision.png")}


def main() -> None:
    """Everything that the page shows."""
    keep_large_blocks()
    numbers: dict[str, Any] = {}
    for name, path, measured in zip(("shapes", "emoji"), sys.argv[1:], (of_shapes, of_emoji), strict=True):
        run = Run.open(path)
        rates = [line["images_per_second"] for line in logged(run, "gan")]
        speed = {"median": float(np.median(rates)), "best": max(rates)}
        numbers[name] = {**measured(run), "gan_images_per_second": speed}
    (HERE / "attngan.json").write_text(json.dumps(numbers, indent=1) + "\n")


if __name__ == "__main__":
    main()
