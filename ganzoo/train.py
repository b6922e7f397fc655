"""Training, top to bottom: a recipe and data in, a run folder out."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from ganzoo import checkpoint
from ganzoo.assemble import assemble
from ganzoo.catalogue import recipe as find_recipe
from ganzoo.checkpoint import Checkpoint
from ganzoo.data.feed import Feed
from ganzoo.errors import GanzooError
from ganzoo.model import Model
from ganzoo.plan import PhasePlan, Plan
from ganzoo.plugins import load as load_plugins
from ganzoo.preview import Preview
from ganzoo.processes import failing_together, staying_connected
from ganzoo.progress import TrainingProgress
from ganzoo.randomness import StepDraws
from ganzoo.recipe import Recipe
from ganzoo.run import Run, run_folder
from ganzoo.runtime import accelerator, explaining_memory, keep_large_blocks, weights_dtype
from ganzoo.settings import Settings
from ganzoo.updates import PhaseTrainer, first_unhealthy

log = logging.getLogger("ganzoo")

MEMORY_ADVICE = (
    "lower the batch (`--set data.batch=16`), split it (`--set training.PHASE.accumulate=4`), "
    "or use `--precision bf16`"
)


def train(
    recipe: Recipe | str,
    data: str | Path | None = None,
    run_dir: str | Path | None = None,
    *,
    resume: bool = False,
    **settings: Any,
) -> Run:
    """Train `recipe` (a Recipe, or a name in the catalogue) on the data folder `data`, into `run_dir`.

    `settings` are the fields of `Settings`. With `resume` the run goes on from its newest checkpoint, with
    the settings it was started with where no others are given. Returns the run. Raises GanzooError
    (MismatchError for a recipe that cannot be assembled) before any work is lost.
    """
    asked, recipe = recipe, find_recipe(recipe) if isinstance(recipe, str) else recipe
    folder = run_folder(asked, recipe, run_dir)
    settings["data"] = str(Path(data).expanduser().absolute()) if data else None
    chosen = Run.open(folder).settings_to_go_on(recipe, settings) if resume else Settings.of(settings)
    plan = assemble(recipe, load_plugins())
    if chosen.keep_large_blocks:
        keep_large_blocks()
    compute = accelerator(chosen.device, chosen.precision, chosen.trackers, folder)
    run, about = Run(folder), {**asdict(chosen), "on": str(compute.device)}
    with ExitStack() as under_way, staying_connected(), explaining_memory(MEMORY_ADVICE):
        with failing_together(compute):
            done = checkpoint.load(run.newest) if resume else None
            if compute.is_main_process:
                under_way.enter_context(run.under_way(recipe, about, done.total if done else None))
        log.info("%s on %s, into %s", recipe.name, compute.device, folder)
        compute.init_trackers(recipe.name) if chosen.trackers else None
        _train(plan, run, chosen, compute, done)
        for tracker in compute.trackers:
            tracker.finish()
    return run


def _train(plan: Plan, run: Run, settings: Settings, compute: Accelerator, done: Checkpoint | None) -> None:
    torch.manual_seed(settings.seed)
    with failing_together(compute):
        model = plan.build().to(compute.device, weights_dtype(settings.precision))
        if settings.channels_last or (settings.channels_last is None and compute.device.type == "cuda"):
            model = model.to(memory_format=torch.channels_last)
        if settings.compile:
            model.compile_stages()
        names = [phase.name for phase in plan.phases]
        if done:
            checkpoint.load_model_state(model, done.weights, run.newest)
            if done.phase not in names:
                raise GanzooError(
                    f"{run.newest} belongs to phase {done.phase}; the recipe has {', '.join(names)}"
                )
        data = Path(settings.data) if settings.data else None
        feed = Feed(
            plan, data, compute, seed=settings.seed, dtype=model.dtype, skip_broken=settings.skip_broken
        )
        preview = Preview(feed, model, run)
    total = 0
    for phase in plan.phases:
        if done and names.index(phase.name) < names.index(done.phase):
            total += feed.steps_of(phase)
            continue
        resumed = done if done and done.phase == phase.name else None
        total = train_phase(model, phase, feed, preview, run, settings, compute, total, resumed)


def train_phase(
    model: Model,
    phase: PhasePlan,
    feed: Feed,
    preview: Preview,
    run: Run,
    settings: Settings,
    compute: Accelerator,
    total: int,
    resumed: Checkpoint | None,
) -> int:
    """Run one phase to its end; `total` steps were taken before it. Returns how many are taken after it."""
    trainer = PhaseTrainer(model, phase, compute)
    start = resumed.step if resumed else 0
    with failing_together(compute):
        if resumed:
            _go_on(trainer, resumed, run.newest)
        steps, base = feed.steps_of(phase), total
        loader = feed.loader(model, phase)
        if not steps:
            raise GanzooError(
                f"phase {phase.name} has no step to take; give it more epochs, or lower `accumulate`"
            )
    batches = loader.iterate(start * phase.accumulate)
    trainer.train_mode()
    with TrainingProgress(
        phase.name, start, steps, feed.batch_of(phase) * phase.accumulate, shown=compute.is_main_process
    ) as bar:
        for number in range(start, steps):
            trainer.set_epoch(number * phase.accumulate // loader.steps_per_epoch)
            parts = [next(batches) for _ in range(phase.accumulate)]
            draws = [
                StepDraws(
                    settings.seed, (base + number) * phase.accumulate + part, compute.device, model.dtype,
                    compute.process_index, compute.num_processes,
                )
                for part in range(phase.accumulate)
            ]  # fmt: skip
            values = trainer.take_step(number, parts, draws)
            done, last = number + 1, number + 1 == steps
            bar.advance(done)
            logs, draw, save = (
                _due(done, every, last)
                for every in (settings.log_every, settings.sample_every, settings.save_every)
            )
            if logs:
                _report(values, done, base + done, phase.name, bar, run, compute)
            if not (draw or save):
                continue
            with failing_together(compute):  # all processes have the same weights: one looks, the others wait
                if draw and compute.is_main_process and phase.updates[-1].name != "encoders":
                    preview.draw(model, trainer.ema, base + done)
                    trainer.train_mode()
                if save and compute.is_main_process:
                    _save(model, trainer, run, done, base + done, settings.keep)
    if trainer.ema:
        trainer.ema.hand_on()
    return base + steps


def _go_on(trainer: PhaseTrainer, resumed: Checkpoint, where: Path) -> None:
    try:
        trainer.load_optimizer_states(resumed.optimizers)
    except (KeyError, ValueError, TypeError) as error:
        raise GanzooError(f"the optimizers saved in {where} do not fit this recipe: {error}") from error
    if trainer.ema and resumed.averages is not None:
        checkpoint.check_fit(trainer.ema.state, resumed.averages, where)
        trainer.ema.load(resumed.averages)


def _due(done: int, every: int, last: bool) -> bool:
    return bool(every) and (last or done % every == 0)


def _report(
    values: dict[str, torch.Tensor],
    step: int,
    total: int,
    phase: str,
    bar: TrainingProgress,
    run: Run,
    compute: Accelerator,
) -> None:
    """Log the newest losses, their mean over processes; stop at the first that is not finite."""
    nothing = torch.empty(0, device=compute.device)
    stacked = torch.stack([value.double() for value in values.values()]) if values else nothing
    numbers = dict(zip(values, compute.reduce(stacked, "mean").tolist(), strict=True))
    with failing_together(compute):
        broken = first_unhealthy(numbers)
        if broken:
            keep = f"the last save is {run.saved[-1]}" if run.saved else "nothing was saved yet"
            raise GanzooError(
                f"loss {broken} is {numbers[broken]} at step {step} of phase {phase}; {keep}. "
                "Try a smaller learning rate, a gradient clip, or `--precision fp32`"
            )
        rates = bar.rates(step)
        if compute.is_main_process:
            bar.say(step, numbers, rates)
            run.log({"phase": phase, "step": total, **numbers, **rates})
    compute.log({**numbers, **rates}, step=total)


def _save(model: Model, trainer: PhaseTrainer, run: Run, step: int, total: int, keep: int) -> None:
    state, averages = checkpoint.model_state(model), trainer.ema.state if trainer.ema else None
    saved = Checkpoint(trainer.phase.name, step, total, state, averages, trainer.optimizer_states())
    checkpoint.save(run.checkpoints, saved, keep)
