"""What training costs: counted without memory, held against real steps and hand calculations."""

from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

import ganzoo
from ganzoo import catalogue
from ganzoo.assemble import assemble
from ganzoo.components import Loss
from ganzoo.costs import costs
from ganzoo.randomness import StepDraws
from ganzoo.rehearse import tiny, toy_batch
from ganzoo.runtime import accelerator
from ganzoo.updates import PhaseTrainer


def distinct():
    """Names of registry.yaml's recipes; of those that differ in nothing that costs, the first."""
    names = [name for name, source in catalogue.load().brought_by.items() if source == "registry.yaml"]
    found = {}
    for name in names:
        tree = catalogue.recipe(name).to_dict()
        batch = tree["data"]["batch"]
        found.setdefault(repr([batch, *(tree[k] for k in ("text", "stages", "training"))]), name)
    return list(found.values())


def step_flops(plan, phase):
    """The operations of a real step, by torch's own counter."""
    model = plan.build()
    trainer = PhaseTrainer(model, phase, accelerator("cpu", "fp32"))
    draws = StepDraws(0, 0, torch.device("cpu"), torch.float32)
    with FlopCounterMode(display=False) as counter:
        trainer.take_step(phase.all_due, [toy_batch(plan, model.text_encoder)], [draws])
    return counter.get_total_flops()


@pytest.mark.parametrize("name", distinct())
def test_every_recipe_in_full_width(name):
    plan = ganzoo.plan(name)
    said = costs(plan)
    assert list(said.phases) == [phase.name for phase in plan.phases]
    for phase in plan.phases:
        cost = said.phases[phase.name]
        assert cost.rows == cost.batch == (phase.batch or plan.data.batch)
        assert list(cost.updates) == [update.name for update in phase.updates]
        assert all(flops.forward > 0 and flops.backward > 0 for flops in cost.updates.values())
        assert cost.memory.activations > 0


@pytest.mark.parametrize("name", ["gan-int-cls-shapes", "stackgan-pp-shapes", "stackgan-v1-shapes"])
def test_operations_are_those_of_a_real_step(name, registry):
    plan = assemble(tiny(ganzoo.recipe(name), registry).set("data.batch", 4), registry)
    for phase in plan.phases:
        phase = replace(phase, batch=None)
        said = costs(replace(plan, phases=(phase,))).phases[phase.name]
        total = sum(flops.forward + flops.backward for flops in said.updates.values())
        assert total == step_flops(plan, phase)


def test_weights_and_what_they_carry(plan):
    said, model = costs(plan), plan.build()
    stage, judge = model.stages[0], model.discriminators["0"]
    assert said.parameters == {
        "text": 0,
        "conditioning": 24 * 10 + 10,
        "stage 0": sum(p.numel() for p in stage.parameters()),
        "discriminator 0": sum(p.numel() for p in judge.parameters()),
    }
    trained = 4 * sum(said.parameters.values())
    memory = said.phases["gan"].memory
    assert memory.gradients == trained and memory.moments == 2 * trained
    assert memory.weights == sum(t.nbytes for t in (*model.parameters(), *model.buffers()))
    averaged = sum(t.nbytes for t in model.generator.state_dict().values())
    assert memory.averages == averaged
    assert memory.total == memory.weights + averaged + 3 * trained + memory.activations


def test_what_grows_with_the_batch(toy, registry):
    one, two = (costs(assemble(toy.set("data.batch", n), registry)).phases["gan"] for n in (8, 16))
    assert two.updates["generator"].backward == 2 * one.updates["generator"].backward
    assert two.memory.activations == pytest.approx(2 * one.memory.activations, rel=0.1)
    assert two.memory.weights == one.memory.weights


def test_micro_batches_add_arithmetic_but_no_memory(toy, registry):
    plain = costs(assemble(toy, registry)).phases["gan"]
    split = costs(assemble(toy.set("training.gan.accumulate", 3), registry)).phases["gan"]
    assert split.updates["discriminator"].backward == 3 * plain.updates["discriminator"].backward
    assert split.memory.activations < 2 * plain.memory.activations


def test_lazy_penalties_are_in_it(toy, registry):
    penalty = {"use": "core/r1", "every": 16}
    lazy = assemble(toy.add("training.gan.updates.discriminator.losses", penalty), registry)
    plain = assemble(toy, registry)
    assert (
        costs(lazy).phases["gan"].updates["discriminator"].backward
        > costs(plain).phases["gan"].updates["discriminator"].backward
    )


@dataclass(frozen=True, kw_only=True)
class Asks(Loss):
    """A loss that looks at a number."""

    updates: ClassVar = frozenset({"generator"})
    needs: ClassVar = frozenset({"fake"})

    def __call__(self, step):
        loss = step.logits("fake", 0).conditional.mean()
        return loss if loss.item() > 0 else -loss


def test_a_loss_that_looks_at_numbers_is_counted_on_two_real_rows(plan):
    (phase,) = plan.phases
    discriminator, generator = phase.updates
    asking = replace(phase, batch=64, updates=(discriminator, replace(generator, losses=(("asks", Asks()),))))
    said = costs(replace(plan, phases=(asking,))).phases["gan"]
    exact = costs(replace(plan, phases=(replace(phase, batch=64),))).phases["gan"]
    assert (said.batch, said.rows, exact.rows) == (64, 2, 64)
    assert said.updates == exact.updates
    assert said.memory.activations == pytest.approx(exact.memory.activations, rel=0.05)


def test_the_global_generator_is_left_alone(plan):
    before = torch.get_rng_state()
    costs(plan)
    assert torch.equal(before, torch.get_rng_state())
