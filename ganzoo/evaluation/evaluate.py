"""A trained model's scores: its pictures of held-out captions, looked at once by each network, graded."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scipy.stats import norm
from torch import Tensor

from ganzoo.components import Metric
from ganzoo.errors import GanzooError
from ganzoo.evaluation import asked as names
from ganzoo.evaluation import gallery as galleries
from ganzoo.evaluation.asked import Asked
from ganzoo.evaluation.given import Pictures, drawn_by, real, samples_of
from ganzoo.evaluation.leaks import leak
from ganzoo.evaluation.protocol import protocol_of
from ganzoo.evaluation.reference import Reference
from ganzoo.evaluation.scores import Score, id_of
from ganzoo.metrics.bootstrap import CONFIDENCE, errors_over_samples
from ganzoo.metrics.samples import Samples
from ganzoo.model import Model
from ganzoo.plugins import load as load_plugins
from ganzoo.run import Run
from ganzoo.runtime import explaining_memory

HOW = "bootstrap over samples"
SURE = float(norm.isf((1 - CONFIDENCE) / 2))  # standard errors on either side of an interval
MEMORY_ADVICE = "ask for fewer pictures (`--samples`)"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The scores of one model, and the pictures that were graded: `drawn` [n, 3, r, r] uint8."""

    scores: list[Score]
    drawn: Tensor


def evaluate(
    run: Run | str | Path,
    metrics: Iterable[str | Mapping[str, Any]] | None = None,
    data: str | Path | None = None,
    *,
    samples: int | None = None,
    seed: int = 0,
    which: str = "newest",
    device: str = "auto",
    floors: bool = True,
    gallery: str | Path | None = None,
) -> Evaluation:
    """Measure a trained run on held-out captions of its data.

    `metrics`: names such as "fd", "kid@inception", "clip_score", or mappings with options; by default what
    fits its data and model. `data`: the data folder, if it is not where it was in training. `samples`: how
    many pictures; the same number, the same captions and draws. `seed`: another seed, other draws. `which`:
    the checkpoint. `floors`: also measure real pictures in the place of drawn ones. `gallery`: a picture file
    for the drawn pictures that are nearest to a training one, beside that.

    Raises GanzooError for unknown metrics and those that do not fit, networks whose weights cannot be had, a
    gallery that cannot be written, and data that is not there, before anything is drawn.
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    registry = load_plugins()
    wanted = None if metrics is None else names.asked(metrics, registry)
    if gallery is not None:
        galleries.check(Path(gallery))
    model = opened.load(which)
    plan = model.plan
    wanted = names.usual([plan], registry) if wanted is None else wanted
    check(wanted, model)
    assert plan.recipe.data is not None, "a plan has data"
    given = data or opened.settings.get("data")
    reference = Reference(
        plan.data, plan.recipe.data.use, Path(given).expanduser() if given else None,
        side=max(plan.resolutions), samples=samples, seed=seed, device=device,
    )  # fmt: skip
    found, pictures = _measured(model, wanted, reference, floors=floors)
    if gallery is not None:
        galleries.save(pictures, wanted, reference, Path(gallery))
    return found


def check(metrics: Sequence[Asked], model: Model) -> None:
    """Raises GanzooError for the first metric that cannot measure such a model."""
    for asked in metrics:
        if problem := asked.misfit(model.plan):
            raise GanzooError(problem)


def prepare(metrics: Iterable[Asked], reference: Reference, *, floors: bool = True) -> None:
    """Load what metrics grade with, and with `floors` try them on real pictures, before any work is done.

    Raises GanzooError where something cannot be had, or a metric cannot judge this data.
    """
    for asked in metrics:
        needs = asked.metric.requires()
        if "backbone" in needs:
            reference.backbone(asked.metric)
        if "encoders" in needs:
            reference.encoders(asked.metric)
        if floors and "image_encoder" not in needs:
            _floor(asked.metric, reference, None)


def measure(
    model: Model, metrics: Sequence[Asked], reference: Reference, *, floors: bool = True, errors: bool = True
) -> Evaluation:
    """The scores of a model beside a reference; see `evaluate`. `errors`: with intervals."""
    check(metrics, model)
    return _measured(model, metrics, reference, floors=floors, errors=errors)[0]


def _measured(
    model: Model, metrics: Sequence[Asked], reference: Reference, *, floors: bool, errors: bool = True
) -> tuple[Evaluation, Pictures]:
    with explaining_memory(MEMORY_ADVICE):
        prepare(metrics, reference, floors=floors)
        model = model.to(reference.device).eval()
        drawn = drawn_by(model, reference)
        scores = [
            score for asked in metrics for score in _scores(asked, drawn, model, reference, floors, errors)
        ]
    return Evaluation(scores, drawn.images), drawn


def _scores(
    asked: Asked, drawn: Pictures, model: Model, reference: Reference, floors: bool, sure: bool
) -> list[Score]:
    metric = asked.metric
    samples = samples_of(metric, drawn, reference, model)
    values = metric(samples)
    if metric.decides not in values:
        given = ", ".join(values) or "nothing"
        raise GanzooError(f"metric {asked.use} decides by `{metric.decides}`, but gives only {given}")
    errors = _errors(metric, samples) if sure else {}
    floor = _floor(metric, reference, model) if floors else {}
    protocol = protocol_of(asked, reference, model.plan)
    why = leak(model.plan, asked)
    return [
        Score(
            name=asked.called(name),
            value=float(value),
            low=float(value) - SURE * errors[name] if name in errors else None,
            high=float(value) + SURE * errors[name] if name in errors else None,
            interval=HOW if name in errors else "",
            floor=float(floor[name]) if name in floor else None,
            lower_is_better=metric.lower_is_better,
            decides=name == metric.decides,
            id=id_of(protocol),
            protocol=protocol,
            leaks=why,
        )
        for name, value in values.items()
    ]


def _floor(metric: Metric, reference: Reference, model: Model | None) -> Mapping[str, float]:
    """What a metric says of real pictures; nothing where there are none but those it compares with."""
    if reference.held_out.name == "train":
        return {}
    return reference.floor(
        metric, lambda: metric(samples_of(metric, real(metric, reference), reference, model))
    )


def _errors(metric: Metric, samples: Samples) -> dict[str, float]:
    """Standard errors of a metric's numbers over the drawn pictures, where they can be had."""
    ratios = metric.ratios(samples)
    if ratios is not None:
        found = {name: ratio.error() for name, ratio in ratios.items()}
        return {name: error for name, error in found.items() if math.isfinite(error)}
    if "copies" in metric.requires():  # what is drawn again by rows is not what it reads
        return {}
    return errors_over_samples(len(samples.captions), lambda rows: metric(samples.rows(rows)))
