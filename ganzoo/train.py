"""Training, top to bottom: a recipe and data in, a run folder out."""

from __future__ import annotations

import logging
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator

from ganzoo import checkpoint, vocabulary
from ganzoo.assemble import assemble
from ganzoo.catalogue import recipe as find_recipe
from ganzoo.checkpoint import Checkpoint
from ganzoo.data.feed import Feed
from ganzoo.data_fits import explaining_layout
from ganzoo.errors import GanzooError
from ganzoo.interrupts import StopRequest, stop_requests
from ganzoo.measurements import Measurements
from ganzoo.monitor import Monitor, Session
from ganzoo.plan import PhasePlan, Plan
from ganzoo.plugins import load as load_plugins
from ganzoo.preview import Preview
from ganzoo.processes import failing_together, staying_connected
from ganzoo.progress import TrainingProgress
from ganzoo.randomness import StepDraws, seed_modules
from ganzoo.recipe import Recipe
from ganzoo.resume import last_sound, settings_to_go_on
from ganzoo.reuse import Encoders, beginning_with
from ganzoo.run import Run, run_folder
from ganzoo.runtime import accelerator, explaining_memory, keep_large_blocks, weights_dtype
from ganzoo.settings import Settings
from ganzoo.updates import PhaseTrainer

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
    from_phase: str | None = None,
    **settings: Any,
) -> Run:
    """Train `recipe` (a Recipe, or a name in the catalogue) on the data folder `data`, into `run_dir`.

    `settings` are the fields of `Settings`. With `resume` the run goes on from its newest checkpoint that is
    not damaged, with the settings it was started with where no others are given. `from_phase` leaves out the
    phases before it, which may train encoders alone: `encoders` names the run to take these from. Returns
    the run. Raises GanzooError (MismatchError for a recipe that cannot be assembled) before any work is lost.
    Ctrl-C and SIGTERM save after the step under way and raise `Stopped`, a KeyboardInterrupt.
    """
    asked, recipe = recipe, find_recipe(recipe) if isinstance(recipe, str) else recipe
    folder = run_folder(asked, recipe, run_dir)
    for name, path in {"data": data, "encoders": settings.get("encoders")}.items():
        settings[name] = str(Path(path).expanduser().absolute()) if path else None
    if from_phase:
        recipe = beginning_with(recipe, from_phase, resume or bool(settings["encoders"]))
    chosen = settings_to_go_on(Run.open(folder), recipe, settings) if resume else Settings.of(settings)
    plan = assemble(recipe, load_plugins())
    if chosen.keep_large_blocks:
        keep_large_blocks()
    compute = accelerator(chosen.device, chosen.precision, chosen.trackers, folder)
    run = Run(folder)
    with ExitStack() as under_way, explaining_memory(MEMORY_ADVICE), staying_connected():
        stop = under_way.enter_context(stop_requests())
        with failing_together(compute):
            done = last_sound(run) if resume else None
            taken = Encoders.of(Run.open(chosen.encoders), plan) if chosen.encoders and not done else None
            if not resume and compute.is_main_process:
                under_way.enter_context(run.begun(recipe, _about(chosen, compute)))
        world = compute.num_processes
        where = f"{compute.device.type} in {world} processes" if world > 1 else compute.device
        log.info("%s on %s, into %s", recipe.name, where, folder)
        compute.init_trackers(recipe.name) if chosen.trackers else None
        with run.saying_what_is_kept():
            _train(plan, run, chosen, compute, stop, done, taken)
        for tracker in compute.trackers:
            tracker.finish()
    return run


def _train(
    plan: Plan, run: Run, settings: Settings, compute: Accelerator, stop: StopRequest,
    done: Checkpoint | None, taken: Encoders | None,
) -> None:  # fmt: skip
    with failing_together(compute):
        data, dtype = Path(settings.data) if settings.data else None, weights_dtype(settings.precision)
        with explaining_layout(plan.recipe, data):
            feed = Feed(
                plan, data, compute, seed=settings.seed, dtype=dtype, skip_broken=settings.skip_broken
            )
        words = vocabulary.kept(run.vocabulary, plan) if done else vocabulary.learnt(plan, feed.captions)
        words = taken.words_for(feed.captions, plan) if taken else words
        if not done and compute.is_main_process:
            vocabulary.keep(run.vocabulary, words)
        torch.manual_seed(settings.seed)
        model = vocabulary.knowing(plan, words).build().to(compute.device, dtype)
        if settings.channels_last or (settings.channels_last is None and compute.device.type == "cuda"):
            model = model.to(memory_format=torch.channels_last)
        if settings.compile:
            model.compile_stages()
        if done:
            checkpoint.load_model_state(model, done.weights, run.checkpoints / done.name)
        elif taken:
            taken.fill(model)
        elif plan.image and model.image_encoder:
            plan.image.start(model.image_encoder)
        finished, total = _finished(plan, feed, run, done) if done else (0, 0)
        preview = Preview(feed, model, run)
        measurements = {phase.name: Measurements(phase, feed, model) for phase in plan.phases}
        if done and compute.is_main_process:
            run.go_on(plan.recipe, _about(settings, compute), done.total)
    session = Session(model, feed, preview, measurements, run, settings, compute, stop)
    for phase in plan.phases[finished:]:
        resumed = done if done and done.phase == phase.name else None
        total = train_phase(session, phase, total, resumed)


def _about(settings: Settings, compute: Accelerator) -> dict[str, Any]:
    return {**asdict(settings), "on": str(compute.device)}


def _finished(plan: Plan, feed: Feed, run: Run, done: Checkpoint) -> tuple[int, int]:
    """How many phases come before that of the checkpoint, and how many steps they took."""
    names, where = [phase.name for phase in plan.phases], run.checkpoints / done.name
    if done.phase not in names:
        raise GanzooError(f"{where} belongs to phase {done.phase}; the recipe has {', '.join(names)}")
    finished = names.index(done.phase)
    before, took = sum(feed.steps_of(phase) for phase in plan.phases[:finished]), done.total - done.step
    if before != took:
        raise GanzooError(
            f"in {where} the phases before {done.phase} took {took} steps; by the recipe and the data they "
            f"would now take {before}. The length of a finished phase cannot change"
        )
    steps = feed.steps_of(plan.phases[finished])
    if steps < done.step:
        raise GanzooError(
            f"{where} stands at step {done.step} of phase {done.phase}, which should now end at step "
            f"{steps}; give it {done.step} or more"
        )
    return finished, before


def train_phase(session: Session, phase: PhasePlan, total: int, resumed: Checkpoint | None) -> int:
    """Run one phase to its end; `total` steps were taken before it. Returns how many are taken after it."""
    model, feed, compute = session.model, session.feed, session.compute
    trainer = PhaseTrainer(model, phase, compute)
    start = resumed.step if resumed else 0
    with failing_together(compute):
        if resumed:
            _go_on(trainer, resumed, session.run.checkpoints / resumed.name)
        steps, seed = feed.steps_of(phase), session.settings.seed
        loader = feed.loader(model, phase)
        if not steps:
            raise GanzooError(
                f"phase {phase.name} has no step to take; give it more epochs, or lower `accumulate`"
            )
    batches = loader.iterate(start * phase.accumulate)
    trainer.train_mode()
    images, shown = feed.batch_of(phase) * phase.accumulate, compute.is_main_process
    with TrainingProgress(phase.name, start, steps, images, shown) as bar, session.stop.between_steps():
        monitor = Monitor(session, trainer, total, steps, bar)
        for number in range(start, steps):
            trainer.set_epoch(number * phase.accumulate // loader.steps_per_epoch)
            parts = [next(batches) for _ in range(phase.accumulate)]
            draws = [
                StepDraws(
                    seed, (total + number) * phase.accumulate + part, compute.device, model.dtype,
                    compute.process_index, compute.num_processes,
                )
                for part in range(phase.accumulate)
            ]  # fmt: skip
            seed_modules(seed, total + number, compute.process_index)
            values = trainer.take_step(number, parts, draws)
            monitor.after(number + 1, values)
    if trainer.ema:
        trainer.ema.hand_on()
    return total + steps


def _go_on(trainer: PhaseTrainer, resumed: Checkpoint, where: Path) -> None:
    try:
        if resumed.optimizers:  # weights of the authors' come without
            trainer.load_optimizer_states(resumed.optimizers)
    except (KeyError, ValueError, TypeError) as error:
        raise GanzooError(f"the optimizers saved in {where} do not fit this recipe: {error}") from error
    if trainer.ema and resumed.averages is not None:
        checkpoint.check_fit(trainer.ema.state, resumed.averages, where)
        trainer.ema.load(resumed.averages)
