"""One step of the loop: who moves, who holds still, and that splitting a batch changes nothing."""

import copy

import pytest
import torch

from ganzoo.assemble import assemble
from ganzoo.randomness import StepDraws
from ganzoo.rehearse import toy_batch
from ganzoo.runtime import accelerator
from ganzoo.updates import PhaseTrainer

CPU = torch.device("cpu")


def trainer_of(recipe, registry, model=None):
    plan = assemble(recipe, registry)
    model = plan.build() if model is None else model
    return PhaseTrainer(model, plan.phases[0], accelerator("cpu", "fp32")), plan


def take(trainer, plan, number=0, seed=0):
    batch = toy_batch(plan, trainer.model.text_encoder)
    return trainer.take_step(number, [batch], [StepDraws(seed, number, CPU, torch.float32)])


def snapshot(module):
    return {name: parameter.detach().clone() for name, parameter in module.named_parameters()}


def moved(before, module):
    return {name for name, p in module.named_parameters() if not torch.equal(before[name], p)}


@pytest.mark.parametrize("keep", ["discriminator", "generator"])
def test_an_update_moves_its_own_weights_only(toy, registry, keep):
    recipe = toy
    for name in ("discriminator", "generator"):
        if name != keep:
            recipe = recipe.set(f"training.gan.updates.{name}", None)
    trainer, plan = trainer_of(recipe, registry)
    trainer.train_mode()
    before = snapshot(trainer.model)
    take(trainer, plan)
    changed = moved(before, trainer.model)
    prefixes = {"discriminator": ("discriminators.",), "generator": ("stages.", "conditionings.")}[keep]
    assert changed and all(name.startswith(prefixes) for name in changed)


def test_every_weight_of_both_players_moves(toy, registry):
    trainer, plan = trainer_of(toy, registry)
    trainer.train_mode()
    before = snapshot(trainer.model)
    values = take(trainer, plan)
    assert moved(before, trainer.model) == set(before)
    assert set(values) == {"discriminator/core/nonsaturating", "generator/core/nonsaturating"}


def test_updates_and_losses_that_are_not_due(toy, registry):
    recipe = toy.set("training.gan.updates.generator.every", 2).add(
        "training.gan.updates.discriminator.losses", {"use": "core/r1", "every": 2}
    )
    trainer, plan = trainer_of(recipe, registry)
    trainer.train_mode()
    before = snapshot(trainer.model.stages)
    assert set(take(trainer, plan, 0)) == {"discriminator/core/nonsaturating"}
    assert not moved(before, trainer.model.stages)
    assert set(take(trainer, plan, 1)) == {
        "discriminator/core/nonsaturating", "discriminator/core/r1", "generator/core/nonsaturating",
    }  # fmt: skip
    assert moved(before, trainer.model.stages)


def test_a_lazy_loss_weighs_as_much_as_it_was_left_out(toy, registry):
    gradients = []
    for every, weight in ((1, 4.0), (4, 1.0)):
        recipe = toy.set(
            "training.gan.updates.discriminator.losses",
            [{"use": "core/r1", "every": every, "weight": weight}],
        )
        torch.manual_seed(1)
        trainer, plan = trainer_of(recipe, registry)
        take(trainer, plan, 3)
        gradients.append([p.grad.clone() for p in trainer.updates[0].parameters if p.grad is not None])
    assert gradients[0]
    for one, other in zip(*gradients, strict=True):
        torch.testing.assert_close(one, other)


def test_two_halves_add_up_to_the_whole_batch(toy, registry):
    """In evaluation mode, where batch norm does not tie rows together."""
    trainer, plan = trainer_of(toy, registry)
    trainer.model.eval()
    other, _ = trainer_of(toy, registry, copy.deepcopy(trainer.model))
    batch = toy_batch(plan, trainer.model.text_encoder)
    noise = torch.randn(4, 6)

    class Fixed:
        def __init__(self, rows):
            self.rows = rows

        def normal(self, rows, width):
            return noise[self.rows] if width else torch.zeros(rows, 0)

    trainer.take_step(0, [batch], [Fixed(slice(0, 4))])
    halves = [slice(0, 2), slice(2, 4)]
    other.take_step(0, [batch.rows(half) for half in halves], [Fixed(half) for half in halves])
    for update, same in zip(trainer.updates, other.updates, strict=True):
        for one, two in zip(update.parameters, same.parameters, strict=True):
            torch.testing.assert_close(one.grad, two.grad, rtol=1e-4, atol=1e-6)


def test_clip_bounds_the_gradient(toy, registry):
    trainer, plan = trainer_of(toy.set("training.gan.updates.generator.optimizer.clip", 1e-3), registry)
    trainer.train_mode()
    take(trainer, plan)
    norm = torch.cat([p.grad.flatten() for p in trainer.updates[1].parameters]).norm()
    assert float(norm) == pytest.approx(1e-3, rel=1e-3)


def test_averages_follow(toy, registry):
    trainer, plan = trainer_of(toy, registry)
    start = {name: value.clone() for name, value in trainer.ema.state.items()}
    trainer.train_mode()
    take(trainer, plan)
    name = "stages.0." + next(iter(dict(trainer.model.stages[0].named_parameters())))
    live = trainer.model.generator.state_dict()[name]
    torch.testing.assert_close(trainer.ema.state[name], 0.9 * start[name] + 0.1 * live)


def test_generator_goes_on_from_its_averages_where_the_phase_says_so(toy, registry):
    """At every second step, as in StackGAN++'s program at every snapshot; by default never."""
    for restart, same in ((None, [False, False, False, False]), (2, [False, True, False, True])):
        trainer, plan = trainer_of(toy.set("training.gan.ema_restart", restart), registry)
        trainer.train_mode()
        found = []
        for number in range(4):
            take(trainer, plan, number)
            live = trainer.model.generator.state_dict()
            found.append(all(torch.equal(live[name], value) for name, value in trainer.ema.state.items()))
        assert found == same


@pytest.mark.parametrize("frozen_train", [False, True])
def test_frozen_stages_keep_their_weights_in_either_mode(toy, registry, frozen_train):
    """In training mode their running statistics move, in evaluation mode they do not."""
    stage = {"stage": {"use": "gan_int_cls/generator", "channels": 4, "resolution": 32}}
    recipe = (
        toy.add("stages", stage | {"discriminator": toy.to_dict()["stages"][0]["discriminator"]})
        .set("training.gan.stages", [1])
        .set("training.gan.frozen_train", frozen_train)
    )
    trainer, plan = trainer_of(recipe, registry)
    trainer.train_mode()
    frozen = trainer.model.stages[0]
    weights, buffers = snapshot(frozen), {name: b.clone() for name, b in frozen.named_buffers()}
    take(trainer, plan)
    assert frozen.training == frozen_train and trainer.model.stages[1].training
    assert not moved(weights, frozen)
    still = [name for name, b in frozen.named_buffers() if torch.equal(b, buffers[name])]
    assert buffers and len(still) == (0 if frozen_train else len(buffers))


def test_learning_rates_follow_their_schedule(toy, registry):
    recipe = toy.set("training.gan.updates.generator.optimizer.decay", {"factor": 0.5, "every": 10})
    trainer, _ = trainer_of(recipe, registry)
    trainer.set_epoch(20)
    assert trainer.updates[1].optimizer.param_groups[0]["lr"] == pytest.approx(1e-3 / 4)
    assert trainer.updates[0].optimizer.param_groups[0]["lr"] == pytest.approx(2e-3)


def test_optimizer_states_go_on(toy, registry):
    trainer, plan = trainer_of(toy, registry)
    trainer.train_mode()
    take(trainer, plan)
    other, _ = trainer_of(toy, registry, copy.deepcopy(trainer.model))
    other.load_optimizer_states(copy.deepcopy(trainer.optimizer_states()))
    other.train_mode()
    for each in (trainer, other):
        take(each, plan, 1)
    for one, two in zip(trainer.model.parameters(), other.model.parameters(), strict=True):
        assert torch.equal(one, two)


@pytest.mark.parametrize("loss", ["core/hinge", "core/least_squares", "core/wasserstein"])
def test_other_losses_train(toy, registry, loss):
    recipe = toy.set("training.gan.updates.generator.losses", [{"use": loss}]).set(
        "training.gan.updates.discriminator.losses", [{"use": loss}, {"use": "core/gradient_penalty"}]
    )
    trainer, plan = trainer_of(recipe, registry)
    trainer.train_mode()
    before = snapshot(trainer.model)
    take(trainer, plan)
    assert moved(before, trainer.model) == set(before)
