"""Trains every text encoder with GAN-INT-CLS and with AttnGAN's stages, alike and briefly, and measures them.

python docs/results/text_encoders.py RUNS [GAN-INT-CLS|AttnGAN] [SEED]

Each run leaves NAME.json in the folder RUNS and is not repeated; text-encoders.json, the page's numbers, has
all of them.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import ganzoo
from ganzoo import durable
from ganzoo.data.cache import decode
from ganzoo.data.shapes import Shapes
from ganzoo.metrics.shapes_agreement import agreement, chance
from ganzoo.recipe import Recipe
from ganzoo.run import Run

OUT = Path(__file__).with_name("text-encoders.json")
GAN_STEPS, ENCODER_STEPS = 1500, 300
BATCH, RATE = 16, 2e-4

TRUNK = {"backbone": "test_resnet", "side": 32, "train_trunk": True}
JOINT = {"use": "char_cnn_rnn/image", "size": 128, "project": True, **TRUNK}
# By name: the text encoder, and where it is trained first the image encoder and the loss that do it.
ENCODERS = {
    "core/ngrams": ({"use": "core/ngrams", "size": 128}, None, None),
    "minilm/text": ({"use": "minilm/text", "scale": 19.6}, None, None),
    "attngan/rnn, trained": (
        {"use": "attngan/rnn", "size": 64, "embedding": 64},
        {"use": "attngan/cnn", "size": 64, "level": -3, **TRUNK},
        "attngan/damsm",
    ),
    "char_cnn_rnn/text, trained": (
        {"use": "char_cnn_rnn/text", "size": 128, "channels": [64, 64], "recurrent": 64, "characters": 66},
        JOINT,
        "char_cnn_rnn/joint_embedding",
    ),
    "core/words, trained": ({"use": "core/words", "size": 128}, JOINT, "char_cnn_rnn/joint_embedding"),
    "clip/text, random weights": ({"use": "clip/text", "model": "random"}, None, None),
}
GAN_INT_CLS = {
    "stages.0.stage.resolution": 16,
    "stages.0.stage.channels": 16,
    "stages.0.discriminator.channels": 16,
    "stages.0.discriminator.text": 32,
    "conditioning.size": 64,
}
ATTNGAN = {
    "stages.0.stage.resolution": 8,
    "stages.0.stage.channels": 16,
    "stages.0.discriminator.channels": 16,
    "stages.1.discriminator.channels": 12,
    "conditioning.size": 32,
    "training.damsm": None,
    "training.gan.updates.generator.losses": [{"use": "core/nonsaturating"}, {"use": "stackgan/kl"}],
}
MODELS = {"GAN-INT-CLS": ("gan-int-cls-shapes", GAN_INT_CLS), "AttnGAN": ("attngan-shapes", ATTNGAN)}


def recipe_of(model: str, encoder: str) -> Recipe:
    """The model's small recipe, made smaller, on the encoder; a phase that trains the encoder comes first."""
    base, changes = MODELS[model]
    text, image, loss = ENCODERS[encoder]
    recipe = ganzoo.recipe(base)
    adam = {"use": "adam", "lr": RATE, "betas": [0.5, 0.999]}
    for path, value in {
        "data": {"use": "core/shapes", "objects": 1, "count": 8192, "batch": BATCH},
        "text": text,
        "image": image,
        **changes,
        "training.gan.steps": GAN_STEPS,
        "training.gan.measure": [],
        "training.gan.updates.discriminator.optimizer": adam,
        "training.gan.updates.generator.optimizer": adam,
    }.items():
        recipe = recipe.set(path, value)
    tree = recipe.to_dict()
    if loss:
        update = {"optimizer": {**adam, "lr": 1e-3, "clip": {"text": 0.25}}, "losses": [{"use": loss}]}
        first = {"steps": ENCODER_STEPS, "batch": 32, "updates": {"encoders": update}}
        first["measure"] = [{"use": "core/damsm_r_precision", "samples": 256}]
        tree["training"] = {"encoders": first, **tree["training"]}
    return Recipe.from_yaml(json.dumps({"recipes": {"encoder": tree}}))


def measured(run: Run) -> dict[str, object]:
    """What pictures of held-out captions show, and how well the trained encoders tell captions apart."""
    model = run.load()
    examples = model.plan.data.examples("test", None, model.plan.resolutions[-1])
    captions = [own[0] for own in examples.captions]
    pictures = model.generate(captions, seed=list(range(len(captions))))
    precision = [
        line["metric/damsm_r_precision"] for line in run.metrics if "metric/damsm_r_precision" in line
    ]
    return {**shares(pictures, captions), "r_precision": precision[-1] if precision else None}


def shares(pictures: torch.Tensor, captions: list[str]) -> dict[str, object]:
    """Of all statements, of each kind, of whole captions; two with a 95% bootstrap interval over pictures."""
    found = agreement(pictures, captions)
    rows = np.random.default_rng(0).integers(0, len(captions), (2000, len(captions)))
    kinds = {
        name: found.holds[:, column]
        for column, name in ((0, "size"), (1, "colour"), (2, "shape"), (7, "count"))
    }
    held = {"agreement": found.holds.sum(1) / found.stated.sum(1), **kinds, "whole": found.all}
    said: dict[str, object] = {name: float(values.mean()) for name, values in held.items()}
    for name in ("agreement", "colour"):
        low, high = np.quantile(held[name][rows].mean(1), [0.025, 0.975])
        said[f"{name}_interval"] = [float(low), float(high)]
    return said


def train_all(runs: Path, models: list[str], seed: int = 0) -> None:
    """Those that are not there yet."""
    for model in models:
        for encoder in ENCODERS:
            name = f"{model} on {encoder}" + (f", seed {seed}" if seed else "")
            plain = name.replace("/", "-").replace(",", "").replace(" ", "-")
            if (runs / f"{plain}.json").exists():
                continue
            started, used = time.time(), time.process_time()
            run = ganzoo.train(
                recipe_of(model, encoder),
                run_dir=runs / plain,
                device="cpu",
                seed=seed,
                log_every=50,
                sample_every=0,
                save_every=10**6,
            )
            seconds = {"wall": time.time() - started, "processor": time.process_time() - used}
            row = {"name": name, **measured(run), "seconds": seconds}
            durable.replace(runs / f"{plain}.json", json.dumps(row) + "\n")


def collect(runs: Path) -> None:
    """All rows, and what they are to be held against."""
    side = 16
    examples = Shapes(objects=1).examples("test", None, side)
    captions = [own[0] for own in examples.captions]
    real = np.stack([decode(examples.image(index), side) for index in range(len(examples))])
    rows = [json.loads(path.read_text()) for path in sorted(runs.glob("*.json"))]
    said = {
        "steps": {"gan": GAN_STEPS, "encoders": ENCODER_STEPS, "batch": BATCH, "rate": RATE},
        "held_out": {"pictures": len(captions), "captions": sorted(set(captions))},
        "chance": chance(captions),
        "real": shares(torch.from_numpy(real).float() / 127.5 - 1, captions),
        "rows": {row.pop("name"): row for row in rows},
    }
    durable.replace(OUT, json.dumps(said, indent=1) + "\n")
    print(table(said))


def table(said: dict[str, Any]) -> str:
    """The page's rows: seed 0 by kind of statement, then the agreement of other seeds."""
    kinds = ("agreement", "colour", "size", "count", "shape")
    lines = []
    for name, row in {"real pictures": said["real"], **said["rows"]}.items():
        if ", seed" in name:
            continue
        cells = [name]
        for kind in kinds:
            low, high = row.get(f"{kind}_interval", (None, None))
            cells.append(f"{row[kind]:.3f}" + ("" if low is None else f" ({low:.3f} to {high:.3f})"))
        again = [other["agreement"] for key, other in said["rows"].items() if key.startswith(f"{name}, seed")]
        cells += [", ".join(f"{value:.3f}" for value in again)]
        cells += [f"{row['r_precision']:.3f}" if row.get("r_precision") else ""]
        lines.append("| " + " | ".join(cells) + " |")
    names = ["agreement", *(f"agreement/{kind}" for kind in kinds[1:])]
    lines.append("| chance | " + " | ".join(f"{said['chance'][name]:.3f}" for name in names) + " | | |")
    return "\n".join(lines)


def main() -> None:
    """Train, then collect."""
    torch.set_num_threads(1)
    runs = Path(sys.argv[1])
    train_all(runs, sys.argv[2:3] or list(MODELS), int(sys.argv[3]) if sys.argv[3:] else 0)
    collect(runs)


if __name__ == "__main__":
    main()
