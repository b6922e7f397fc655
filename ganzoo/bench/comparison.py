"""`ganzoo bench`: train each model for the same budget, measure all alike, keep every finished row."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from ganzoo import pictures
from ganzoo.bench import machine, results, sampling
from ganzoo.bench.budget import Budget
from ganzoo.bench.contestants import Contestant, contestants, differences, made_otherwise
from ganzoo.bench.results import Ablation, Curve, Results, Row
from ganzoo.bench.speed.earlier import read_report
from ganzoo.bench.terms import Terms
from ganzoo.bench.trained import clock, on_the_way, steps_of, told, trained
from ganzoo.checkpoint import step_of
from ganzoo.errors import GanzooError
from ganzoo.evaluation import asked as names
from ganzoo.evaluation.asked import Asked
from ganzoo.evaluation.evaluate import measure, prepare
from ganzoo.evaluation.reference import Reference
from ganzoo.evaluation.scores import Score
from ganzoo.metrics.bootstrap import over_seeds
from ganzoo.plan import Plan
from ganzoo.plugins import load as load_plugins
from ganzoo.recipe import Recipe
from ganzoo.run import Run

log = logging.getLogger("ganzoo")

SHOWN = 6  # captions in the report's grids
SIDE = 128  # pixels of pictures in the report, at least


def bench(
    models: Sequence[str | Path] = (), out: str | Path = "bench", terms: Terms | None = None, **given: Any
) -> Results:
    """Compare models: train those that are no run folders yet, measure all on the same captions and draws.

    `models`: names in the catalogue or their beginnings, recipe files, run folders; none = all of the
    catalogue on the data. `terms`, or its fields by name: see `Terms`. Rows that are finished in `out` are
    kept; an interrupted training goes on. A row that fails is reported and the others go on; one that cannot
    be compared is refused with the reason. Writes `out`/results.json after each row, trainings into
    `out`/runs.

    Raises GanzooError before any training for names that nothing fits, unreadable budgets, metrics that
    cannot judge this data, an `out` that cannot be written or holds a comparison on other terms.
    """
    terms = replace(terms or Terms(), **given)
    return Comparison([str(model) for model in models], Path(out).expanduser(), terms).run()


class Comparison:
    """A comparison under way."""

    def __init__(self, models: Sequence[str], out: Path, terms: Terms) -> None:
        self.out = out
        self.registry = load_plugins()
        self.budget = Budget.of(terms.budget)
        self.speed = read_report(Path(terms.speed)) if terms.speed else None
        asked = None if terms.metrics is None else names.asked(terms.metrics, self.registry)
        self.rows = contestants(models, terms.data, self.registry)
        folders = [row.runs[0].settings.get("data") for row in self.rows if row.runs and row.plan]
        self.terms = replace(terms, folder=terms.folder or next(filter(None, folders), None))
        plans = _plans(self.rows)
        results.check_writable(out)
        self.metrics: list[Asked] = names.usual(plans, self.registry) if asked is None else asked
        if unfit := [one for one in self.metrics if all(one.misfit(plan) for plan in plans)]:
            raise GanzooError(unfit[0].misfit(plans[0]))
        self.reference = self._reference(plans)
        self.rows = [self._checked(row) for row in self.rows]
        _plans(self.rows)
        self.found = self._before()
        prepare(self.metrics, self.reference)
        results.save(self.found, out)  # these terms hold from now on, though nothing may be finished

    def _reference(self, plans: Sequence[Plan]) -> Reference:
        """By the data of the first model, or the first that also asks for embeddings, boxes or keypoints."""

        def known(plan: Plan) -> int:
            spec = plan.data_spec
            return bool(spec.embedding) + bool(spec.boxes) + bool(spec.keypoints)

        plan = max(plans, key=known)
        assert plan.recipe.data is not None, "a plan has data"
        return Reference(
            plan.data, plan.recipe.data.use, self.terms.path,
            side=max(max(plan.resolutions) for plan in plans), samples=self.terms.samples,
            device=self.terms.device,
        )  # fmt: skip

    def _checked(self, row: Contestant) -> Contestant:
        """The row; refused where its options of the data set make other held-out pictures."""
        if row.plan is None or self.reference.holds(row.plan.data):
            return row
        reason = "its data's options make other held-out pictures than those of the comparison"
        return replace(row, plan=None, reason=reason)

    def _settings(self) -> dict[str, Any]:
        return {
            "data": self.reference.use,
            "budget": self.budget.said,
            "seeds": list(self.terms.seeds),
            "samples": self.reference.samples,
            "side": self.reference.side,
            "metrics": [asked.called(asked.metric.decides) for asked in self.metrics],
            "points": self.terms.points,
        }

    def _before(self) -> Results:
        """What `out` holds already, or nothing yet, and what all rows share: captions and real pictures."""
        settings, here = self._settings(), machine.described(self.terms.device)
        if not (self.out / results.NAME).exists():
            index, requests = self._shown(), self.reference.requests
            real = self.reference.held_out.images[requests.rows[index]].transpose(0, 2, 3, 1)
            return Results(
                made=machine.now(), settings=settings, machine=here, metrics=settings["metrics"],
                captions=[requests.captions[i] for i in index], real=self._save("real", "picture", real),
            )  # fmt: skip
        before = results.load(self.out)
        other = [name for name in settings if before.settings.get(name) != settings[name]]
        if other:
            said = ", ".join(f"{n} {before.settings.get(n)} there and {settings[n]} here" for n in other)
            raise GanzooError(f"{self.out} holds a comparison on other terms ({said}); name another folder")
        for row in self.rows:
            self._check_same(row, before.row(row.name))
        if before.machine.get("device") != here["device"]:
            log.warning(
                "%s was begun on %s, this is %s: times of the rows cannot be compared",
                self.out, before.machine.get("device"), here["device"],
            )  # fmt: skip
        return before

    def _check_same(self, row: Contestant, before: Row | None) -> None:
        if before is None or before.state != "done":
            return
        where = str(self.out / results.NAME)
        places = made_otherwise(Recipe.from_yaml(before.recipe, where=where), row.recipe)
        if places:
            raise GanzooError(
                f"{self.out} holds a row {row.name} of another recipe; it differs in {', '.join(places)}; "
                "name another folder"
            )

    def run(self) -> Results:
        """Every row, one after the other."""
        began, took = time.monotonic(), 0
        for number, row in enumerate(self.rows, 1):
            before = self.found.row(row.name)
            if before and before.state == "done" and _as_measured(row, before):
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
        if row.plan is None:
            return Row.of(row.recipe, "refused", name=row.name, reason=row.reason)
        try:
            return self._measured(row)
        except GanzooError as error:
            reason = str(error)
        except Exception as error:  # a fault in one model's plugin must not end the others
            reason = f"{type(error).__name__}: {error}"
        log.error("%s: %s", row.name, reason)
        return Row.of(row.recipe, "broken", name=row.name, reason=reason)

    def _measured(self, row: Contestant) -> Row:
        assert row.plan is not None, "it can be compared"
        runs = row.runs or trained(row, self.out / "runs", self.budget, self.terms)
        fitting = [asked for asked in self.metrics if not asked.misfit(row.plan)]
        trainings, curves = [], []
        shown: list[str] = []
        for run in runs:
            model = run.load()
            found = measure(model, fitting, self.reference)
            trainings.append(told(run, found.scores))
            curves += self._curves(run, fitting)
            index = torch.from_numpy(self._shown())
            drawn = found.drawn[index].permute(0, 2, 3, 1).numpy()
            shown = shown or self._save("pictures", row.name, drawn)
        requests = self.reference.requests
        tokens, layout = requests.tokens(model), requests.layout
        return Row.of(
            row.recipe, "done", name=row.name,
            resolution=model.plan.resolutions[-1],
            scores=_together([training.scores for training in trainings]),
            trainings=trainings,
            curves=curves,
            pictures=shown,
            parameters=sampling.parameters(model),
            flops=sampling.flops(model, tokens, layout),
            sampling=sampling.sampling(model, tokens, layout),
        )  # fmt: skip

    def _curves(self, run: Run, fitting: Sequence[Asked]) -> list[Curve]:
        """The first metric over checkpoints on the way, and what was measured while it trained."""
        seconds, found = clock(run), dict[str, list[tuple[float, float, float]]]()
        for line in run.metrics:
            for name, value in line.items():
                short = name.removeprefix("metric/")
                if name.startswith("metric/") and "/" not in short:
                    point = (float(line["step"]), seconds(line["step"]), float(value))
                    found.setdefault(short, []).append(point)
        for path in on_the_way(run, self.terms.points) if fitting else ():
            model, step = run.load(path.name), step_of(path)
            scores = measure(model, fitting[:1], self.reference, floors=False, errors=False).scores
            for score in scores:
                if score.decides:
                    found.setdefault(score.name, []).append((float(step), seconds(step), score.value))
        seed = int(run.settings.get("seed", 0))
        return [Curve(name=name, seed=seed, points=points) for name, points in found.items()]

    def _shown(self) -> NDArray[np.int64]:
        count = len(self.reference.requests.captions)
        return np.unique(np.linspace(0, count - 1, SHOWN).round().astype(np.int64))

    def _save(self, folder: str, name: str, drawn: NDArray[np.uint8]) -> list[str]:
        """Pictures [n, r, r, 3] as files below `out`, small ones enlarged; their names."""
        files = []
        for number, picture in enumerate(drawn):
            image = Image.fromarray(np.ascontiguousarray(picture))
            side = image.width * max(1, SIDE // image.width)
            files.append(f"{folder}/{name}-{number}.png")
            pictures.save(image.resize((side, side), Image.Resampling.NEAREST), self.out / files[-1])
        return files

    def _keep(self, row: Row) -> None:
        rows = [row if one.name == row.name else one for one in self.found.rows]
        rows += [] if self.found.row(row.name) else [row]
        self.found = self.found.model_copy(update={"rows": rows})
        results.save(self.found, self.out)

    def _finish(self) -> None:
        """Pairs of finished rows that differ in one place; those of rows not asked for now stay."""
        done = {row.name for row in self.found.rows if row.state == "done"}
        here = {row.name for row in self.rows}
        pairs = [one for one in self.found.ablations if not {one.one, one.other} <= here]
        pairs += [
            Ablation(one=one.name, other=other.name, path=path, values=values)
            for one, other, path, values in differences(self.rows)
            if {one.name, other.name} <= done
        ]
        speed = self.speed or self.found.speed
        change = {"ablations": pairs, "speed": speed, "made": machine.now()}
        self.found = self.found.model_copy(update=change)
        results.save(self.found, self.out)


def _plans(rows: Sequence[Contestant]) -> list[Plan]:
    """Of those that can be compared. Raises GanzooError where there is none."""
    found = [row.plan for row in rows if row.plan]
    if not found:
        reasons = [f"{row.name}: {row.reason}" for row in rows]
        raise GanzooError("\n  ".join(["nothing can be compared:", *reasons]))
    return found


def _as_measured(row: Contestant, before: Row) -> bool:
    """Whether runs that were named stand where they stood when they were measured."""
    stood = {(training.run, training.steps) for training in before.trainings}
    return not row.runs or {(run.path.name, steps_of(run)) for run in row.runs} == stood


def _together(trainings: Sequence[Sequence[Score]]) -> list[Score]:
    """Means over trainings with Student's interval; of one training, what it has."""
    if len(trainings) == 1:
        return list(trainings[0])
    found = []
    for same in zip(*trainings, strict=True):
        values = [score.value for score in same]
        change: dict[str, Any] = {"value": float(np.mean(values)), "low": None, "high": None, "interval": ""}
        if np.isfinite(values).all():
            sure = over_seeds(values)
            how = f"Student's t over {len(same)} seeds"
            change = {"value": sure.value, "low": sure.low, "high": sure.high, "interval": how}
        found.append(same[0].model_copy(update=change))
    return found
