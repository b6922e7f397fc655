"""`ganzoo bench`: train each model for the same budget, measure all alike, keep every finished row."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from ganzoo import pictures
from ganzoo.bench import machine, results, sampling
from ganzoo.bench.budget import Budget, within
from ganzoo.bench.contestants import Contestant, contestants, differences
from ganzoo.bench.results import Ablation, Curve, Results, Row, Training
from ganzoo.bench.speed.earlier import read_report
from ganzoo.data.feed import Feed
from ganzoo.errors import GanzooError
from ganzoo.evaluation import asked as names
from ganzoo.evaluation.asked import Asked
from ganzoo.evaluation.evaluate import Evaluation, measure, misfit
from ganzoo.evaluation.reference import Reference
from ganzoo.evaluation.scores import Score
from ganzoo.metrics.bootstrap import over_seeds
from ganzoo.model import Model
from ganzoo.plugins import load as load_plugins
from ganzoo.recipe import Recipe
from ganzoo.run import RECIPE, Run
from ganzoo.runtime import accelerator
from ganzoo.train import train

log = logging.getLogger("ganzoo")

SHOWN = 6  # captions in the report's grids
SIDE = 128  # pixels of pictures in the report, at least


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What is the same for every row.

    `data`: a data set's component; None = the first model's. `folder`: where its files are. `budget`: as in
    20m, 2000steps, 100000images. `seeds`: of trainings. `metrics`: names; None = what fits the first model.
    `samples`: pictures a model; None = as many as there are held-out captions, from 1,000. `points`: so many
    checkpoints on the way are measured by the first metric, for curves. `speed`: a report of `ganzoo bench
    speed` to show beside.
    """

    data: str | None = None
    folder: Path | None = None
    budget: str = "20m"
    seeds: tuple[int, ...] = (0,)
    metrics: tuple[str, ...] | None = None
    samples: int | None = None
    points: int = 0
    device: str = "auto"
    speed: Path | None = None


def bench(models: Sequence[str], out: str | Path, terms: Terms | None = None, **given: Any) -> Results:
    """Compare models: train those that are no run folders yet, measure all on the same captions and draws.

    `terms`, or its fields by name. Rows that are finished in `out` are kept; an interrupted training goes on.
    A row that fails is reported and the others go on; one that cannot be compared is refused with the
    reason. Writes `out`/results.json after each row, trainings into `out`/runs. Raises GanzooError for names
    that nothing fits, unreadable budgets, and an `out` that holds a comparison on other terms.
    """
    return Comparison(models, Path(out).expanduser(), replace(terms or Terms(), **given)).run()


class Comparison:
    """A comparison under way."""

    def __init__(self, models: Sequence[str], out: Path, terms: Terms) -> None:
        self.out, self.terms = out, terms
        results.check_writable(out)
        self.registry = load_plugins()
        self.budget = Budget.of(terms.budget)
        self.speed = read_report(terms.speed) if terms.speed else None
        self.rows = contestants(models, terms.data, self.registry)
        able = [row for row in self.rows if row.plan]
        if not able:
            raise GanzooError(
                "\n  ".join(["nothing can be compared:", *(f"{r.name}: {r.reason}" for r in self.rows)])
            )
        first = able[0].plan
        assert first is not None and first.recipe.data is not None
        self.metrics: list[Asked] = (
            names.asked(terms.metrics, self.registry)
            if terms.metrics
            else names.usual([row.plan for row in able if row.plan], self.registry)
        )
        self.side = max(max(row.plan.resolutions) for row in able if row.plan)
        self.reference = Reference(
            first.data, first.recipe.data.use, self._folder(able[0]), side=self.side,
            samples=terms.samples, device=terms.device,
        )  # fmt: skip
        self.found = self._before()

    def _folder(self, row: Contestant) -> Path | None:
        if self.terms.folder:
            return self.terms.folder
        given = row.runs[0].settings.get("data") if row.runs else None
        return Path(given) if given else None

    def _settings(self) -> dict[str, Any]:
        return {
            "data": self.reference.use,
            "budget": self.budget.said,
            "seeds": list(self.terms.seeds),
            "samples": self.reference.samples,
            "side": self.side,
            "metrics": [asked.called(asked.metric.decides) for asked in self.metrics],
            "points": self.terms.points,
        }

    def _before(self) -> Results:
        """What `out` holds already, or nothing yet."""
        settings = self._settings()
        if (self.out / results.NAME).exists():
            before = results.load(self.out)
            other = [name for name in settings if before.settings.get(name) != settings[name]]
            if other:
                said = ", ".join(f"{n} {before.settings.get(n)} there and {settings[n]} here" for n in other)
                raise GanzooError(
                    f"{self.out} holds a comparison on other terms ({said}); name another folder"
                )
            return before
        return Results(
            made=machine.now(),
            settings=settings,
            machine=machine.described(self.terms.device),
            metrics=settings["metrics"],
        )

    def run(self) -> Results:
        """Every row, one after the other."""
        began, took = time.monotonic(), 0
        for number, row in enumerate(self.rows, 1):
            before = self.found.row(row.name)
            if before and before.state == "done":
                log.info("%s (%d of %d): finished before", row.name, number, len(self.rows))
                continue
            left = (time.monotonic() - began) / took * (len(self.rows) - number + 1) if took else 0.0
            more = f", about {timedelta(seconds=round(left))} left" if took else ""
            log.info("%s (%d of %d)%s", row.name, number, len(self.rows), more)
            self._keep(self._row(row))
            took += row.plan is not None
        self._finish()
        return self.found

    def _row(self, row: Contestant) -> Row:
        about = Row(
            name=row.name, state="refused", reason=row.reason, title=row.recipe.title, paper=row.recipe.paper,
            recipe=row.recipe.to_yaml(), reported=dict(row.recipe.reported),
        )  # fmt: skip
        if row.plan is None:
            return about
        try:
            return self._measured(row, about)
        except GanzooError as error:
            log.error("%s: %s", row.name, error)
            return about.model_copy(update={"state": "broken", "reason": str(error)})
        except Exception as error:  # a fault in one model's plugin must not end the others
            log.exception("%s: %s", row.name, error)
            return about.model_copy(update={"state": "broken", "reason": f"{type(error).__name__}: {error}"})

    def _measured(self, row: Contestant, about: Row) -> Row:
        runs = row.runs or self._train(row)
        trainings, curves, shown = [], [], None
        model: Model | None = None
        for run in runs:
            model = run.load()
            fitting = [asked for asked in self.metrics if not misfit(model.plan, asked)]
            found = measure(model, fitting, self.reference)
            trainings.append(_training(run, found))
            curves += self._curves(run)
            shown = shown if shown is not None else self._pictures(row, model)
        assert model is not None and shown is not None
        requests = self.reference.requests
        tokens, layout = requests.tokens(model), requests.layout
        return about.model_copy(
            update={
                "state": "done",
                "reason": "",
                "resolution": model.plan.resolutions[-1],
                "scores": _together([training.scores for training in trainings]),
                "trainings": trainings,
                "curves": curves,
                "pictures": shown,
                "parameters": sampling.parameters(model),
                "flops": sampling.flops(model, tokens, layout),
                "sampling": sampling.sampling(model, tokens, layout),
            }
        )

    def _train(self, row: Contestant) -> list[Run]:
        """One finished run for each seed; those that are not finished go on."""
        assert row.plan is not None
        data = str(self.terms.folder) if self.terms.folder else None
        recipe: Recipe | None = None
        runs = []
        for seed in self.terms.seeds:
            path = self.out / "runs" / f"{row.name}-seed-{seed}"
            if (path / RECIPE).exists():
                recipe = Run.open(path).recipe
            elif recipe is None:
                recipe = self._paid(row, data)
            total = sum(phase.steps or 0 for phase in recipe.phases.values())
            run = Run(path)
            if not (path / RECIPE).exists() or _steps(run) < total:
                every = max(
                    1, max(phase.steps or 1 for phase in recipe.phases.values()) // (self.terms.points + 1)
                )
                run = train(
                    recipe, data, path, resume=bool(run.saved), seed=seed, device=self.terms.device,
                    sample_every=0, save_every=every, keep=0, log_every=max(1, min(50, total // 20)),
                )  # fmt: skip
            runs.append(run)
        return runs

    def _paid(self, row: Contestant, data: str | None) -> Recipe:
        """The recipe with the steps that the budget pays for."""
        plan = row.plan
        assert plan is not None
        compute = accelerator(self.terms.device)
        feed = Feed(plan, self.terms.folder, compute)
        lengths = {phase.name: feed.steps_of(phase) for phase in plan.phases}
        batches = {phase.name: feed.batch_of(phase) * phase.accumulate for phase in plan.phases}
        return within(self.budget, row.recipe, lengths, batches, data, self.terms.device)

    def _curves(self, run: Run) -> list[Curve]:
        """The first metric over checkpoints on the way, and what was measured while it trained."""
        seconds = _clock(run)
        seed = int(run.settings.get("seed", 0))
        found: dict[str, list[tuple[float, float, float]]] = {}
        for line in run.metrics:
            for name, value in line.items():
                if name.startswith("metric/") and "/" not in name.removeprefix("metric/"):
                    point = (float(line["step"]), seconds(line["step"]), float(value))
                    found.setdefault(name.removeprefix("metric/"), []).append(point)
        first = self.metrics[0]
        for path in run.saved[-self.terms.points - 1 :] if self.terms.points else ():
            scores = measure(run.load(path.name), [first], self.reference, floors=False, errors=False).scores
            step = int(path.name.rsplit("-", 1)[1])
            for score in scores:
                if score.decides:
                    found.setdefault(score.name, []).append((float(step), seconds(step), score.value))
        return [Curve(name=name, seed=seed, points=points) for name, points in found.items()]

    def _pictures(self, row: Contestant, model: Model) -> list[str]:
        """The model's pictures of the report's captions, drawn with the seeds that all models get."""
        index = self._shown()
        requests = self.reference.requests
        layout = requests.layout.rows(torch.from_numpy(index)) if requests.layout else None
        seeds = [requests.seeds[i] for i in index]
        drawn = pictures.to_array(model.generate(requests.tokens(model, index), seeds, layout=layout))
        return self._save(row.name, drawn)

    def _shown(self) -> Any:
        count = len(self.reference.requests.captions)
        return np.unique(np.linspace(0, count - 1, SHOWN).round().astype(np.int64))

    def _save(self, name: str, drawn: Any) -> list[str]:
        files = []
        for number, picture in enumerate(drawn):
            image = Image.fromarray(picture)
            scale = max(1, SIDE // image.width)
            large = image.resize((image.width * scale,) * 2, Image.Resampling.NEAREST)
            file = f"pictures/{name}-{number}.png"
            pictures.save(large, self.out / file)
            files.append(file)
        return files

    def _keep(self, row: Row) -> None:
        rows = [row if one.name == row.name else one for one in self.found.rows]
        rows += [] if self.found.row(row.name) else [row]
        self.found = self.found.model_copy(update={"rows": rows})
        results.save(self.found, self.out)

    def _finish(self) -> None:
        """What all rows share: captions, real pictures, pairs that differ in one place."""
        index, requests = self._shown(), self.reference.requests
        real = self.reference.held_out.images[requests.rows[index]].transpose(0, 2, 3, 1)
        done = {row.name for row in self.found.rows if row.state == "done"}
        pairs = [
            Ablation(one=one.name, other=other.name, path=path, values=values)
            for one, other, path, values in differences(self.rows)
            if {one.name, other.name} <= done
        ]
        self.found = self.found.model_copy(
            update={
                "captions": [requests.captions[i] for i in index],
                "real": self._save("real", real),
                "ablations": pairs,
                "speed": self.speed or self.found.speed,
                "made": machine.now(),
            }
        )
        results.save(self.found, self.out)


def _steps(run: Run) -> int:
    from ganzoo.checkpoint import step_of

    return step_of(run.saved[-1]) if run.saved else 0


def _training(run: Run, found: Evaluation) -> Training:
    lines = [line for line in run.metrics if "steps_per_second" in line]
    batch = [line["images_per_second"] / line["steps_per_second"] for line in lines]
    steps = [int(line["step"]) for line in lines]
    took = [step - before for step, before in zip(steps, [0, *steps[:-1]], strict=True)]
    images = sum(n * b for n, b in zip(took, batch, strict=True))
    seconds = _clock(run)(steps[-1]) if steps else 0.0
    return Training(
        run=run.path.name,
        seed=int(run.settings.get("seed", 0)),
        steps=steps[-1] if steps else 0,
        images=round(images),
        seconds=seconds,
        images_per_second=images / seconds if seconds else 0.0,
        scores=found.scores,
    )


def _clock(run: Run) -> Any:
    """Seconds of training up to a step, by the speeds that were logged; saving and measuring do not count."""
    steps, seconds = [0.0], [0.0]
    for line in run.metrics:
        if "steps_per_second" in line:
            seconds.append(seconds[-1] + (line["step"] - steps[-1]) / line["steps_per_second"])
            steps.append(float(line["step"]))
    return lambda step: float(np.interp(step, steps, seconds))


def _together(trainings: Sequence[Sequence[Score]]) -> list[Score]:
    """Means over trainings with Student's interval; of one training, what it has."""
    if len(trainings) == 1:
        return list(trainings[0])
    found = []
    for same in zip(*trainings, strict=True):
        sure = over_seeds([score.value for score in same])
        change: Mapping[str, Any] = {
            "value": sure.value,
            "low": sure.low,
            "high": sure.high,
            "interval": f"Student's t over {len(same)} seeds",
        }
        found.append(same[0].model_copy(update=change))
    return found


def parse_seeds(text: str) -> tuple[int, ...]:
    """`0-2` or `1,5`. Raises GanzooError for anything else."""
    from ganzoo.sample import parse_seeds as parse

    return tuple(parse(text))


def names_of(metrics: str | None) -> tuple[str, ...] | None:
    """`fd,kid@inception` as names; None for none."""
    return tuple(name.strip() for name in metrics.split(",") if name.strip()) if metrics else None


def show(found: Results) -> Iterable[tuple[str, ...]]:
    """The table's rows: name, each metric with its interval, training and drawing speed, weights."""
    for row in found.ranked():
        if row.state != "done":
            yield (row.name, f"{row.state}: {row.reason.splitlines()[0]}", *[""] * (len(found.metrics) + 1))
            continue
        cells = []
        for name in found.metrics:
            score = row.score(name)
            half = f" ± {(score.high - score.value):.2g}" if score and score.high is not None else ""
            cells.append(f"{score.value:.4g}{half}{' leaks' if score.leaks else ''}" if score else "")
        training = row.trainings[0] if row.trainings else None
        speed = f"{training.images_per_second:.0f}" if training else ""
        drawing = f"{row.sampling.throughput:.0f}" if row.sampling else ""
        yield (row.name, *cells, speed, drawing)
