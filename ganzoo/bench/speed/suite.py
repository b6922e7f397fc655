"""The benchmarks: every recipe samples, trains, encodes captions and loads; every metric judges.

New recipes and metrics, of plugins too, appear by themselves. Training comes last: it changes weights.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

import ganzoo.plugins
from ganzoo.bench.speed.drawn import Drawn
from ganzoo.bench.speed.harness import JOB, Timed
from ganzoo.bench.speed.subject import PICTURES, Round, Subject, Unfit
from ganzoo.catalogue import recipe as find_recipe
from ganzoo.components import Metric
from ganzoo.errors import GanzooError
from ganzoo.flow import ImageFeatures, TextFeatures
from ganzoo.metrics.samples import FeatureSet, Samples
from ganzoo.specs import DataSpec

BATCHES = (1, 16)
SIDE, WIDTH = 64, 256  # pixels of the pictures that metrics judge, and of features that stand in
SETS = {"fakes": PICTURES, "reals": PICTURES, "train": 4 * PICTURES}
COPIES = 4

GROUPS = {
    "test_sampling": "sampling, batch {batch}",
    "test_text_encoder": "text encoder",
    "test_loader": "loader",
    "test_training_step": "training step",
    "test_metric": "metric",
}


@contextmanager
def _skipping() -> Iterator[None]:
    try:
        yield
    except Unfit as reason:
        pytest.skip(str(reason))


def called(function: str, params: Mapping[str, Any]) -> tuple[str, str]:
    """The group of a benchmark, and its name in there."""
    name = params.get("metric") or params["subject"]
    phase = f":{params['phase']}" if "phase" in params else ""
    return GROUPS[function].format(**params), f"{name}{phase}"


def _called(request: pytest.FixtureRequest) -> tuple[str, str]:
    return called(request.node.originalname, request.node.callspec.params)


def _recipe(request: pytest.FixtureRequest) -> str:
    label: str = request.node.callspec.params["subject"]
    return label


def _text_encoder(subject: Subject) -> str:
    assert subject.plan.recipe.text is not None
    return subject.plan.recipe.text.use


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A benchmark for every recipe, every phase, every metric."""
    models = metafunc.config.stash[JOB].models
    if "phase" in metafunc.fixturenames:
        both = [(label, phase) for label, source in models.items() for phase in find_recipe(source).phases]
        ids = [f"{label}-{phase}" for label, phase in both]
        metafunc.parametrize(("subject", "phase"), both, indirect=["subject"], ids=ids, scope="session")
    elif "subject" in metafunc.fixturenames:
        metafunc.parametrize("subject", list(models), indirect=True, ids=list(models), scope="session")
    if "batch" in metafunc.fixturenames:
        metafunc.parametrize("batch", BATCHES)
    if "metric" in metafunc.fixturenames:
        metafunc.parametrize("metric", sorted(ganzoo.plugins.load().components("metrics")))


def test_sampling(subject: Subject, batch: int, request: pytest.FixtureRequest, timed: Timed) -> None:
    """Pictures from tokens on."""
    with _skipping():
        round = subject.sampling(batch)
    timed(*_called(request), round, "images", {"recipe": _recipe(request), "batch": batch})


def test_text_encoder(subject: Subject, request: pytest.FixtureRequest, timed: Timed) -> None:
    """Captions to features."""
    with _skipping():
        round = subject.text_encoder()
    info = {"recipe": _recipe(request), "batch": round.makes, "text_encoder": _text_encoder(subject)}
    timed(*_called(request), round, "captions", info)


def test_loader(subject: Subject, request: pytest.FixtureRequest, timed: Timed) -> None:
    """Packed pictures to batches."""
    batch = subject.feed.batch_of(subject.plan.phases[-1])
    with subject.loading() as round:
        timed(*_called(request), round, "images", {"recipe": _recipe(request), "batch": batch})


def test_training_step(subject: Subject, phase: str, request: pytest.FixtureRequest, timed: Timed) -> None:
    """A step of each phase."""
    round = subject.training_step(phase)
    info = {"recipe": _recipe(request), "phase": phase, "batch": round.makes}
    timed(*_called(request), round, "images", {**info, "precision": subject.compute.mixed_precision})


def test_metric(metric: str, timed: Timed) -> None:
    """A metric of the registry with its default options, on drawn pictures."""
    kind: Any = ganzoo.plugins.load().get("metrics", metric)
    try:
        judge: Metric = kind()
    except TypeError as error:
        pytest.skip(f"it has options without a default: {error}")
    samples = _samples(judge)
    try:
        judge(samples)
    except GanzooError as error:
        pytest.skip(str(error).splitlines()[0])
    every = np.arange(PICTURES)
    round = Round(lambda: judge(samples.rows(every)), PICTURES)  # what is kept of drawn ones is made anew
    timed("metric", metric, round, "images", {"recipe": "", "batch": PICTURES})


def _samples(metric: Metric) -> Samples:
    """Pictures beside those of other captions; numbers that stand in for what networks see in them."""
    examples = Drawn(spec=DataSpec(class_id=True), count=PICTURES).examples("train", None, SIDE)
    pixels = torch.stack([_tensor(examples.image(row)) for row in range(PICTURES)])
    captions = tuple(own[0] for own in examples.captions)
    assert examples.class_id is not None
    samples = Samples(pixels.roll(1, 0), pixels, captions, torch.from_numpy(examples.class_id))
    needs, draws = metric.requires(), torch.Generator().manual_seed(0)
    if needs & {"image_encoder", "encoders"}:
        text, vector = torch.randn(2, PICTURES, WIDTH, generator=draws)
        seen = ImageFeatures(vector)
        samples = replace(samples, text=TextFeatures(text), real_text=TextFeatures(text), image_features=seen)
    if "backbone" in needs:
        sets = {
            name: torch.randn(count, WIDTH, generator=draws).double().numpy() for name, count in SETS.items()
        }
        samples = replace(samples, features={name: FeatureSet(x, x) for name, x in sets.items()})
    if "copies" in needs:
        copies = pixels.reshape(-1, COPIES, *pixels.shape[1:])
        samples = replace(samples, copies=copies, maps=lambda images: [F.avg_pool2d(images, 4)])
    return samples


def _tensor(picture: Image.Image) -> torch.Tensor:
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1) / 127.5 - 1
