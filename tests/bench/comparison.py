"""Small results of a comparison with everything a report can show, and their pictures."""

import numpy as np
from PIL import Image

from ganzoo.bench.results import Ablation, Curve, Results, Row, Sampling, Score, Training

CAPTIONS = ["a small red circle", "a large blue square above a green star"]
NAMES = ["gan-int-cls-shapes", "stackgan-shapes", "attngan-shapes-minilm"]
PROTOCOL = {"metric": "core/kid", "samples": 2000, "data": {"use": "core/shapes", "split": "test"}}


def score(name="kid", value=0.05, half=0.004, **changes):
    """A score with an interval of `half` to both sides."""
    defaults = {
        "low": value - half,
        "high": value + half,
        "interval": "t over 2 seeds",
        "floor": 0.001,
        "lower_is_better": name == "kid",
        "decides": name == "kid",
        "id": f"{name}-1",
        "protocol": PROTOCOL | {"metric": f"core/{name}"},
    }
    return Score(name=name, value=value, **{**defaults, **changes})


def row(number, kid, agreement, **changes):
    """A finished model: two seeds, a curve each, a picture a caption."""
    name = NAMES[number]
    trainings = [
        Training(
            run=f"runs/{name}-{seed}",
            seed=seed,
            steps=2000,
            images=64000,
            seconds=410.0 + 200 * number + seed,
            images_per_second=156.0 / (1 + number),
            scores=[score(value=kid + seed / 1000, low=None, high=None, interval="")],
        )
        for seed in (0, 1)
    ]
    curves = [
        Curve(
            name=what,
            seed=seed,
            points=[
                (step, step / (5 - number), top / (1 + step / 300) + kid + seed / 100)
                for step in range(0, 2001, 250)
            ],
        )
        for seed in (0, 1)
        for what, top in (("kid", 0.3), ("generator/nonsaturating", 2.0))
    ]
    defaults = {
        "state": "done",
        "title": f"Model {number} on drawn shapes",
        "paper": "Somebody et al. 2016, arXiv:1605.05396",
        "recipe": f"{name}:\n  noise: 100\n  data: {{use: core/shapes}}\n",
        "resolution": 16,
        "parameters": {"generator": 1_234_567 * (number + 1), "all": 3_456_789},
        "flops": 123_456_789,
        "scores": [score(value=kid), score("agreement", agreement, 0.02, floor=0.97)],
        "sampling": Sampling(
            latency=0.012 * (1 + number), throughput=900 / (1 + number), peak_memory=12_000_000
        ),
        "trainings": trainings,
        "curves": curves,
        "pictures": [f"pictures/{number}-{caption}.png" for caption in range(len(CAPTIONS))],
        "reported": {"inception_score": 2.88 + number, "fid": "not reported"},
    }
    return Row(name=name, **{**defaults, **changes})


def results(**changes):
    """Three finished models, the best two of them not told apart; one broken, one refused."""
    leaky = score("agreement", 0.8, 0.02, floor=0.97, leaks="its text encoder is the one that grades")
    rows = [
        row(0, 0.081, 0.55),
        row(1, 0.052, 0.71),
        row(2, 0.049, 0.8, scores=[score(value=0.049), leaky]),
        Row(name="gawwn-shapes", state="broken", reason="step 120: generator/nonsaturating is not finite"),
        Row(name="attngan-birds", state="refused", reason="it was trained on core/birds, not core/shapes"),
    ]
    speed = {
        "machine_info": {"node": "here"},
        "benchmarks": [
            {
                "name": f"test_step[{name}]",
                "group": "training step",
                "stats": {"mean": 0.21, "stddev": 0.01, "median": 0.2, "rounds": 12, "iqr": 0.1},
                "extra_info": {"batch": 16},
            }
            for name in NAMES
        ],
    }
    values = {
        "made": "2026-11-30T17:00:00+00:00",
        "settings": {"data": {"use": "core/shapes", "count": 4000}, "seeds": [0, 1], "samples": 2000},
        "machine": {"device": "cpu", "torch": "2.15.0", "ganzoo": "0.1.0"},
        "metrics": ["kid", "agreement"],
        "captions": CAPTIONS,
        "real": [f"pictures/real-{caption}.png" for caption in range(len(CAPTIONS))],
        "rows": rows,
        "ablations": [
            Ablation(one=NAMES[1], other=NAMES[2], path="text", values=("core/ngrams", "minilm/text")),
        ],
        "speed": speed,
    }
    return Results(**{**values, **changes})


def draw_pictures(found, folder):
    """Every picture that `found` names, 16 pixels wide."""
    draws = np.random.default_rng(0)
    names = [*found.real, *(name for line in found.rows for name in line.pictures)]
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(draws.integers(0, 256, (16, 16, 3), dtype=np.uint8)).save(folder / name)
