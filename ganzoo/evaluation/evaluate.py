"""A trained model's scores: its pictures of held-out captions, looked at once by each network, graded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganzoo.components import Metric
from ganzoo.errors import GanzooError
from ganzoo.evaluation import asked as names
from ganzoo.evaluation.asked import Asked
from ganzoo.evaluation.drawing import draw, draw_copies, requests
from ganzoo.evaluation.encoding import Encoders
from ganzoo.evaluation.leaks import leak
from ganzoo.evaluation.reference import Reference
from ganzoo.evaluation.scores import Score, id_of
from ganzoo.evaluation.splits import look
from ganzoo.metrics import backbones
from ganzoo.metrics.backbones import RESIZE, Backbone
from ganzoo.metrics.samples import FeatureSet, Samples
from ganzoo.model import Model
from ganzoo.plan import Plan
from ganzoo.plugins import load as load_plugins
from ganzoo.run import Run
from ganzoo.runtime import explaining_memory

COPIES, VARIED = 8, 64  # pictures of one caption, and captions that get so many
RESAMPLES = 30
HOW = "bootstrap over samples"
SURE = 1.959964  # standard errors on either side of a 95 % interval
MEMORY_ADVICE = "ask for fewer pictures (`--samples`)"


@dataclass(frozen=True, eq=False)
class Evaluation:
    """The scores of one model, and some of its pictures: `shown` [k, 3, r, r] uint8 of `captions` [k]."""

    scores: list[Score]
    captions: tuple[str, ...]
    shown: Tensor


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
) -> Evaluation:
    """Measure a trained run on held-out captions of its data.

    `metrics`: names such as "fd", "kid@inception", "clip_score", or mappings with options; by default what
    fits its data and model. `data`: the data folder, if it is not where it was in training. `samples`: how
    many pictures; the same number, the same captions and draws. `seed`: another seed, other draws.
    `floors`: also measure real pictures in the place of drawn ones. Raises GanzooError for unknown metrics,
    networks whose weights cannot be had, and data that is not there, before anything is drawn.
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    model = opened.load(which)
    plan = model.plan
    folder = Path(data or opened.settings["data"]) if data or opened.settings.get("data") else None
    registry = load_plugins()
    wanted = names.asked(metrics, registry) if metrics is not None else names.usual([plan], registry)
    assert plan.recipe.data is not None, "a plan has data"
    reference = Reference(
        plan.data,
        plan.recipe.data.use,
        folder,
        side=max(plan.resolutions),
        samples=samples,
        seed=seed,
        device=device,
    )
    return measure(model, wanted, reference, floors=floors)


def measure(
    model: Model,
    metrics: Sequence[Asked],
    reference: Reference,
    *,
    floors: bool = True,
    errors: bool = True,
) -> Evaluation:
    """The scores of a model beside a reference; see `evaluate`. `errors`: with intervals."""
    for asked in metrics:  # whatever cannot be had is found before anything is drawn
        if problem := misfit(model.plan, asked):
            raise GanzooError(problem)
        if asked.backbone:
            reference.backbone(asked.metric)
        if "encoders" in asked.metric.requires():
            reference.encoders(asked.metric)
    with explaining_memory(MEMORY_ADVICE):
        model = model.to(reference.device)
        return _Grading(model, reference).grade(metrics, floors, errors)


def misfit(plan: Plan, asked: Asked) -> str:
    """What a metric needs that the model has not; "" = it can be measured."""
    encoders = plan.image is not None and plan.image.yields().vector == plan.text_spec.sentence
    if "image_encoder" in asked.metric.requires() and not encoders:
        return (
            f"metric {asked.use} grades with the model's own text and image encoder, but {plan.recipe.name} "
            "has none that see in one space; leave it out, or take clip_score"
        )
    return ""


class _Grading:
    """One model's pictures, and what every metric says of them."""

    def __init__(self, model: Model, reference: Reference) -> None:
        self.model, self.reference = model, reference
        self.drawn = draw(model, reference.requests, f"{model.plan.recipe.name}: drawing")
        self._seen: dict[str, FeatureSet] = {}

    def grade(self, metrics: Sequence[Asked], floors: bool, errors: bool) -> Evaluation:
        scores = [score for asked in metrics for score in self._scores(asked, floors, errors)]
        asked = self.reference.requests
        shown = np.unique(np.linspace(0, len(asked.captions) - 1, 8).round().astype(int))
        return Evaluation(
            scores, tuple(asked.captions[i] for i in shown), self.drawn[torch.from_numpy(shown)]
        )

    def _scores(self, asked: Asked, floors: bool, sure: bool) -> list[Score]:
        metric, reference = asked.metric, self.reference
        samples = self._samples(metric)
        values = metric(samples)
        errors = self._errors(metric, samples) if sure else {}
        real = self._floor(asked) if floors else {}
        protocol = self._protocol(asked)
        why = leak(self.model.plan, asked, reference.registry)
        found = []
        for name, value in values.items():
            error = errors.get(name)
            found.append(
                Score(
                    name=asked.called(name),
                    value=float(value),
                    low=None if error is None else float(value) - SURE * error,
                    high=None if error is None else float(value) + SURE * error,
                    interval=HOW if error is not None else "",
                    floor=float(real[name]) if name in real else None,
                    lower_is_better=metric.lower_is_better,
                    decides=name == metric.decides,
                    id=id_of(protocol),
                    protocol=protocol,
                    leaks=why,
                )
            )
        return found

    def _samples(self, metric: Metric) -> Samples:
        """All that a metric needs, of the drawn pictures."""
        asked, needs = self.reference.requests, metric.requires()
        samples = Samples(
            _floats(self.drawn) if "fakes" in needs and "backbone" not in needs else self.drawn,
            torch.from_numpy(self.reference.held_out.images),
            asked.captions,
            asked.class_id,
        )
        if "backbone" in needs:
            network = self.reference.backbone(metric)
            key = f"{network.name} {network.checksum}"
            if key not in self._seen and "fakes" in needs:
                self._seen[key] = look(network, self.drawn, f"{network.name}: drawn pictures")
            samples = replace(
                samples, features=self._features(metric, network, self._seen.get(key)), maps=_maps(network)
            )
        if "copies" in needs:
            index = np.unique(np.linspace(0, len(asked.captions) - 1, VARIED).round().astype(np.int64))
            first = asked.seeds[-1] + 1
            samples = replace(
                samples, copies=draw_copies(self.model, asked, index, range(first, first + COPIES))
            )
        return self._encoded(metric, samples, self.drawn, self.reference.requests.tokens(self.model))

    def _floor(self, asked: Asked) -> Mapping[str, float]:
        """What real pictures get; the same for every model, unless its own encoders grade."""
        if "image_encoder" in asked.metric.requires():
            return asked.metric(self._stand_in(asked.metric))
        return self.reference.floor(asked, lambda: asked.metric(self._stand_in(asked.metric)))

    def _stand_in(self, metric: Metric) -> Samples:
        """The same with real pictures in the place of drawn ones."""
        reference, needs = self.reference, metric.requires()
        split = reference.stand_in(metric)
        pictures = torch.from_numpy(split.images)
        asked = requests(split.examples, len(split), 0)
        samples = Samples(
            _floats(pictures) if "fakes" in needs and "backbone" not in needs else pictures,
            torch.from_numpy(reference.held_out.images),
            asked.captions,
            asked.class_id,
        )
        if "backbone" in needs:
            network = reference.backbone(metric)
            seen = reference.seen(split, network) if "fakes" in needs else None
            samples = replace(samples, features=self._features(metric, network, seen), maps=_maps(network))
        if "copies" in needs:
            index = np.linspace(0, len(split) - 1, VARIED * COPIES).round().astype(np.int64)
            mixed = split.images[np.random.default_rng(0).permutation(index)]
            shape = (VARIED, COPIES, *split.images.shape[1:])
            samples = replace(samples, copies=torch.from_numpy(mixed).reshape(shape))
        return self._encoded(metric, samples, pictures, asked.tokens(self.model))

    def _features(self, metric: Metric, network: Backbone, drawn: FeatureSet | None) -> dict[str, FeatureSet]:
        needs, found = metric.requires(), {}
        if drawn is not None:
            found["fakes"] = drawn
        if "reals" in needs:
            found["reals"] = self.reference.seen(self.reference.held_out, network)
        if "train" in needs:
            found["train"] = self.reference.seen(self.reference.training, network)
        return found

    def _encoded(self, metric: Metric, samples: Samples, drawn: Tensor, tokens: Any) -> Samples:
        if "image_encoder" in metric.requires():
            own = Encoders.of(self.model)
            return replace(samples, image_features=own.see(drawn), text=own.read_tokens(tokens))
        if "encoders" in metric.requires():
            named = self.reference.encoders(metric)
            held_out = self.reference.held_out.examples.captions
            return replace(
                samples,
                image_features=named.see(drawn) if named.image is not None else None,
                text=named.read(samples.captions),
                real_text=named.read([own[0] for own in held_out]) if "reals" in metric.requires() else None,
            )
        return samples

    def _errors(self, metric: Metric, samples: Samples) -> dict[str, float]:
        """Standard errors of a metric's numbers over the drawn pictures."""
        ratios = metric.ratios(samples)
        if ratios is not None:
            return {name: ratio.error() for name, ratio in ratios.items()}
        generator = np.random.default_rng(0)
        found: dict[str, list[float]] = {}
        for _ in range(RESAMPLES):
            rows = generator.integers(0, len(samples.captions), len(samples.captions))
            for name, value in metric(samples.rows(rows)).items():
                found.setdefault(name, []).append(float(value))
        return {name: float(np.std(values, ddof=1)) for name, values in found.items()}

    def _protocol(self, asked: Asked) -> dict[str, Any]:
        """All that the numbers depend on, but the model."""
        metric, reference, needs = asked.metric, self.reference, asked.metric.requires()
        requests = reference.requests
        said: dict[str, Any] = {
            "metric": asked.use,
            "options": {k: v for k, v in asdict(metric).items() if k != "samples"},
            "data": reference.use,
            "split": reference.held_out.name,
            "real pictures": reference.held_out.content[:12],
            "side": reference.side,
            "samples": len(requests.captions),
            "captions": _digest("\n".join(requests.captions)),
            "seeds": f"{requests.seeds[0]}-{requests.seeds[-1]}",
            "averaged weights": "where the recipe averages",
            "truncation": "none",
        }
        if "backbone" in needs:
            network = reference.backbone(metric)
            said |= {"weights": network.checksum, "resize": f"{network.side or 'own'}: {RESIZE}"}
        if "train" in needs:
            said["training pictures"] = reference.training.content[:12]
        if "copies" in needs:
            said["copies"] = f"{COPIES} of {VARIED} captions"
        if "encoders" in needs:
            said["weights"] = reference.encoders(metric).checksum
        return said


def _floats(images: Tensor) -> Tensor:
    """Pictures in 8 bits as floats in [-1, 1]."""
    return images.float() / 127.5 - 1


def _maps(network: Backbone) -> Any:
    def maps(images: Tensor) -> list[Tensor]:
        found = network(images, maps=True).maps
        if not found:
            raise GanzooError(
                f"backbone {network.name} shows no maps; use {backbones.DEFAULT} or one of timm's"
            )
        return list(found)

    return maps


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
