"""The trainings of one row: made within the budget, gone on with, and what they took."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ganzoo.bench.budget import Budget, within
from ganzoo.bench.contestants import Contestant, made_otherwise
from ganzoo.bench.results import Training
from ganzoo.bench.terms import Terms
from ganzoo.checkpoint import step_of
from ganzoo.data.feed import Feed
from ganzoo.errors import GanzooError
from ganzoo.evaluation.scores import Score
from ganzoo.plan import Plan
from ganzoo.recipe import Recipe
from ganzoo.run import RECIPE, Run
from ganzoo.runtime import accelerator
from ganzoo.train import train

log = logging.getLogger("ganzoo")

SAVES = 4  # of a training, at least, so that one which is interrupted need not begin anew


def trained(row: Contestant, folder: Path, budget: Budget, terms: Terms) -> list[Run]:
    """A finished run in `folder` for each seed. Those that are not finished go on; others begin.

    All seeds take as many steps as the first that was begun. Raises GanzooError where a run in `folder` is of
    another recipe.
    """
    assert row.plan is not None, "it can be compared"
    paths = [folder / f"{row.name}-seed-{seed}" for seed in terms.seeds]
    begun = [Run.open(path) for path in paths if (path / RECIPE).exists()]
    for run in begun:
        if places := made_otherwise(run.recipe, row.recipe):
            raise GanzooError(
                f"{run.path} was begun with another recipe; it differs in {', '.join(places)}; name another "
                "folder with `--out`"
            )
    recipe = begun[0].recipe if begun else _paid(row.plan, row.recipe, budget, terms)
    return [_finished(recipe, path, seed, terms) for seed, path in zip(terms.seeds, paths, strict=True)]


def _finished(recipe: Recipe, path: Path, seed: int, terms: Terms) -> Run:
    run, lengths = Run(path), [phase.steps or 0 for phase in recipe.phases.values()]
    if steps_of(run) >= sum(lengths):
        return run
    if (path / RECIPE).exists() and not run.saved:
        log.info("%s was interrupted before anything was saved: it begins anew", path)
        shutil.rmtree(path)
    saves = terms.points + 1 if terms.points else SAVES
    return train(
        recipe, terms.path, path, resume=bool(run.saved), seed=seed, device=terms.device, sample_every=0,
        save_every=max(1, -(-max(lengths) // saves)), keep=0 if terms.points else 2,
        log_every=max(1, min(50, sum(lengths) // 20)),
    )  # fmt: skip


def _paid(plan: Plan, recipe: Recipe, budget: Budget, terms: Terms) -> Recipe:
    """The recipe with the steps that the budget pays for."""
    feed = Feed(plan, terms.path, accelerator(terms.device))
    lengths = {phase.name: feed.steps_of(phase) for phase in plan.phases}
    batches = {phase.name: feed.batch_of(phase) * phase.accumulate for phase in plan.phases}
    return within(budget, recipe, lengths, batches, terms.path, terms.device)


def steps_of(run: Run) -> int:
    """Steps up to its newest checkpoint."""
    return step_of(run.saved[-1]) if run.saved else 0


def on_the_way(run: Run, points: int) -> list[Path]:
    """So many checkpoints spread evenly over those it has, and the newest; [] for no points."""
    saved = run.saved
    if not points or not saved:
        return []
    index = np.unique(np.linspace(0, len(saved) - 1, points + 1).round().astype(int))
    return [saved[i] for i in index]


def told(run: Run, scores: list[Score]) -> Training:
    """What a training took, by its log, with its scores."""
    lines = [line for line in run.metrics if "steps_per_second" in line]
    steps = [int(line["step"]) for line in lines]
    batches = [line["images_per_second"] / line["steps_per_second"] for line in lines]
    images = float(np.dot(np.diff([0, *steps]), batches)) if lines else 0.0
    seconds = clock(run)(steps[-1]) if steps else 0.0
    return Training(
        run=run.path.name,
        seed=int(run.settings.get("seed", 0)),
        steps=steps_of(run),
        images=round(images),
        seconds=seconds,
        images_per_second=images / seconds if seconds else 0.0,
        scores=scores,
    )


def clock(run: Run) -> Callable[[float], float]:
    """Seconds of training up to a step, by the speeds that were logged; saving and measuring do not count."""
    steps, seconds = [0.0], [0.0]
    for line in run.metrics:
        if "steps_per_second" in line:
            seconds.append(seconds[-1] + (line["step"] - steps[-1]) / line["steps_per_second"])
            steps.append(float(line["step"]))
    return lambda step: float(np.interp(step, steps, seconds))
