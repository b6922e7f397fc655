"""One recipe under the clock: its model, its data, and what is done with them in one round."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import count

import psutil
import torch

from ganzoo import vocabulary
from ganzoo.assemble import assemble
from ganzoo.bench.speed.drawn import drawn_as
from ganzoo.catalogue import recipe as find_recipe
from ganzoo.costs import costs
from ganzoo.data.feed import Feed, HeldOut
from ganzoo.plan import PhasePlan, Plan
from ganzoo.plugins import Registry
from ganzoo.randomness import StepDraws
from ganzoo.rehearse import tiny
from ganzoo.runtime import accelerator
from ganzoo.updates import PhaseTrainer

TINY_BATCH = 16
PICTURES = 64  # at least, and as many captions
CROPPED = 19 / 16  # of the finest side: what recipes that crop load at, 76 for 64 pixels
BESIDE = 4 / 3  # what a step was seen to take of a CPU's memory, of what `costs` counts


class Unfit(Exception):
    """This recipe, or a part of it, cannot be timed here, and that is no fault."""


@dataclass(frozen=True)
class Round:
    """What one round does, how often before its time counts once, and how many things it makes."""

    act: Callable[[], object]
    makes: int
    repeat: int = 1


class Subject:
    """The recipe that the catalogue finds by `source`, in tiny form or `full`, on a device.

    Raises Unfit where a full one needs more memory than is free; GanzooError as planning and building do.
    """

    def __init__(self, source: str, registry: Registry, device: str, full: bool) -> None:
        recipe = find_recipe(source)
        plan = assemble(recipe if full else tiny(recipe, registry), registry)
        plan = plan if full else _few(plan)
        self.compute = accelerator(device)
        if full:
            _check_memory(plan, self.compute.device)
        most = max(phase.batch or plan.data.batch for phase in plan.phases)
        data = drawn_as(plan.data, plan.data_spec, max(PICTURES, 2 * most))
        self.feed = Feed(replace(plan, data=data), None, self.compute)
        torch.manual_seed(0)
        words = vocabulary.learnt(self.feed.plan, self.feed.captions)
        self.plan = vocabulary.knowing(self.feed.plan, words)
        self.model = self.plan.build().to(self.compute.device)
        if self.compute.device.type == "cuda":  # as in training
            self.model = self.model.to(memory_format=torch.channels_last)

    @cached_property
    def _held_out(self) -> HeldOut:
        return self.feed.held_out(self.model, PICTURES)

    def phase(self, name: str) -> PhasePlan:
        """The phase called `name`."""
        return next(phase for phase in self.plan.phases if phase.name == name)

    def sampling(self, batch: int) -> Round:
        """Draw `batch` pictures, from tokens on, as `ganzoo sample` does. Raises Unfit for encoders alone."""
        if not any(update.name == "generator" for phase in self.plan.phases for update in phase.updates):
            raise Unfit("it trains encoders alone, and draws nothing")
        tokens, seeds = self._held_out.tokens.rows(slice(batch)), range(batch)
        layout = self._held_out.layout.rows(slice(batch)) if self._held_out.layout else None
        return Round(lambda: self.model.generate(tokens, seeds, layout=layout), batch)

    def text_encoder(self) -> Round:
        """Encode captions, from words on. Raises Unfit where embeddings come with the data."""
        if "embedding" in self.plan.text.requires():
            raise Unfit("its text encoder passes on embeddings that come with the data")
        captions = self._held_out.captions

        @torch.no_grad()
        def encode() -> None:
            self.model.encode(captions)

        self.model.eval()
        return Round(encode, len(captions))

    @contextmanager
    def loading(self) -> Iterator[Round]:
        """Batches of the last phase out of the packed cache, an epoch a round, at their steady pace."""
        phase = self.plan.phases[-1]
        loader = self.feed.loader(self.model, phase)
        batches = loader.iterate()
        steps = loader.steps_per_epoch

        def epoch() -> None:
            for _ in range(steps):
                next(batches)

        try:
            yield Round(epoch, steps * self.feed.batch_of(phase))
        finally:
            batches.close()  # type: ignore[attr-defined]  # it is a generator; this ends its threads

    def training_step(self, name: str) -> Round:
        """A step of a phase on batches that are there; lazy updates and losses at their own pace.

        Where some are due at each n-th step only, a round is n steps, and a step's time their mean.
        """
        phase, device = self.phase(name), self.compute.device
        trainer = PhaseTrainer(self.model, phase, self.compute)
        trainer.train_mode()
        loader = self.feed.loader(self.model, phase)
        batches = [loader.batch_at(step) for step in range(phase.accumulate)]
        numbers = count()

        def step() -> None:
            number = next(numbers)
            first = number * phase.accumulate
            draws = [StepDraws(0, first + part, device, self.model.dtype) for part in range(phase.accumulate)]
            trainer.take_step(number, batches, draws)

        return Round(step, phase.accumulate * self.feed.batch_of(phase), phase.all_due + 1)


def _few(plan: Plan) -> Plan:
    """The plan with few pictures a step, cropped where it cropped."""
    finest = max(plan.resolutions)
    size = round(finest * CROPPED) if plan.data.load_size else None
    phases = tuple(replace(phase, batch=None) for phase in plan.phases)
    return replace(plan, data=replace(plan.data, batch=TINY_BATCH, load_size=size), phases=phases)


def _check_memory(plan: Plan, device: torch.device) -> None:
    needed = max(phase.memory.total for phase in costs(plan).phases.values())
    if device.type == "cuda":
        free, where = torch.cuda.mem_get_info(device)[0], "on the GPU"
    else:
        own = psutil.Process().memory_info().rss  # what earlier ones took is kept, and used again
        free, where = psutil.virtual_memory().available + own, "on this machine"
        needed = round(needed * BESIDE)
    if needed > free:
        raise Unfit(f"a step needs about {needed / 1e9:.1f} GB; {free / 1e9:.1f} GB are free {where}")
