"""The objective against the authors' numbers, and their iteration through ganzoo's own loop."""

from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from ganzoo_gawwn.losses import Matching
from pydantic import TypeAdapter, ValidationError

from ganzoo.step import Step
from ganzoo.testing.golden import RecordedDraws
from ganzoo.updates import PhaseTrainer

NETS = ("netG", "netD")


def draws_of(golden):
    """The authors' noise and, where they shuffle captions, numbers in whose order theirs are."""
    uniforms = []
    if "in/shuffle" in golden.io:
        uniforms = [golden.io["in/shuffle"].argsort().double() / golden.rows]
    return RecordedDraws([golden.noise.double()], uniforms)


@contextmanager
def stale(discriminator):
    """The authors' generator step: the judge's new weights, the activations that its old ones gave.

    Every layer with weights, asked about drawn pictures again in the generator's update, answers as it did in
    the discriminator's, but is differentiated with the weights that it has now.
    """
    layers = [layer for layer in discriminator.modules() if list(layer.parameters(recurse=False))]
    answers = {}

    def answer(layer, inputs, out):
        if next(layer.parameters()).requires_grad:  # the discriminator's update; drawn pictures come last
            answers[layer] = out.detach()
            return out
        return out + (answers[layer] - out).detach()

    hooks = [layer.register_forward_hook(answer) for layer in layers]
    yield
    for hook in hooks:
        hook.remove()


@pytest.mark.parametrize("golden", ["gawwn_bbox_a", "gawwn_kp_a"], indirect=True)
def test_matching_is_the_authors_objective(golden):
    model = golden.model()
    step = Step(model, golden.batch(), model.plan.phases[0], draws_of(golden))
    step.begin("discriminator", keep_graph=False, regenerate=False)
    assert golden.error(Matching(wrong="shuffled")(step), "step/errD") < 1e-4
    assert (step.generator_passes, step.discriminator_passes) == (1, 2)
    for kind in ("real", "fake"):
        logit = step.logits(kind, 0).conditional
        assert golden.error(logit.sigmoid(), f"step/D_{kind}") < 1e-4
        target = torch.full_like(logit, float(kind == "real"))
        assert golden.error(F.binary_cross_entropy_with_logits(logit, target), f"step/bce_{kind}") < 1e-4
    wrong = step.judge(0, step.batch.images[0], step.code(0)[golden.io["in/shuffle"]]).conditional
    assert golden.error(wrong.sigmoid(), "step/D_wrong") < 1e-4


@pytest.mark.parametrize("golden", ["gawwn_bbox_a", "gawwn_kp_a"], indirect=True)
def test_given_pairs_are_the_step_s(golden):
    model = golden.model()
    step = Step(model, golden.batch(), model.plan.phases[0], draws_of(golden))
    step.begin("discriminator", keep_graph=False, regenerate=False)
    real, wrong, fake = (step.logits(kind, 0).conditional for kind in ("real", "mismatched", "fake"))
    expected = F.softplus(-real).mean() + 0.25 * F.softplus(wrong).mean() + 0.75 * F.softplus(fake).mean()
    assert torch.allclose(Matching(mismatched=0.25)(step), expected)
    assert Matching().requires() == {"real", "fake", "mismatched"}
    assert Matching(wrong="shuffled").requires() == {"real", "fake"}


@pytest.mark.parametrize("options", [{"mismatched": 1.0}, {"mismatched": 0.0}, {"wrong": "other"}])
def test_matching_refuses_other_values(options):
    with pytest.raises(ValidationError, match=next(iter(options))):
        TypeAdapter(Matching).validate_python(options)


def test_golden_iteration_through_the_loop(golden):
    """Losses, gradients, updated weights and running statistics of the authors' iteration."""
    model = golden.model()
    start = snapshot(golden, model)
    trainer = PhaseTrainer(model, model.plan.phases[0], Accelerator(cpu=True))
    trainer.train_mode()
    draws = draws_of(golden)
    with stale(model.discriminators["0"]):
        values = trainer.take_step(0, [golden.batch()], [draws])
    assert draws.left == 0
    assert golden.error(values[f"discriminator/{golden.objective['use']}"], "step/errD") < 1e-4
    assert golden.error(values["generator/core/nonsaturating"], "step/errG") < 1e-4
    for net in NETS:
        ours = golden.importer.slots(model, net)
        gradients = {f"{net}.{path}": slot.grad for path, slot in ours.items() if slot.grad is not None}
        assert len(gradients) == sum(slot.requires_grad for slot in ours.values())
        assert max(golden.gradient_errors(gradients, f"step/grad{net[-1]}/").values()) < 5e-4
        assert max(update_errors(golden, net, start[net], ours)) < 0.01
    assert max(statistics_errors(golden, model, "netG"), default=0) < 1e-4


@pytest.mark.parametrize("golden", ["gawwn_bbox_a", "gawwn_kp_a"], indirect=True)
def test_running_statistics_after_the_authors_discriminator_update(golden):
    """But for the trunk's, which the authors run once more, on real pictures with wrong captions."""
    model = golden.model()
    phase = model.plan.phases[0]
    judges, draws = phase.updates
    phase = replace(phase, updates=(judges, replace(draws, every=2)))  # the generator's is not due
    trainer = PhaseTrainer(model, phase, Accelerator(cpu=True))
    trainer.train_mode()
    trainer.take_step(0, [golden.batch()], [draws_of(golden)])
    judge = model.discriminators["0"]
    skipped = {id(buffer) for part in (judge.trunk, judge.image_global) for buffer in part.buffers()}
    assert max(statistics_errors(golden, model, "netD", skipped)) < 1e-4


def statistics_errors(golden, model, net, skipped=frozenset()):
    for path, slot in golden.importer.slots(model, net).items():
        if (key := f"step/post_running/{net}.{path}") in golden.io and id(slot) not in skipped:
            yield golden.error(slot, key)


def test_the_default_step_is_fresh(golden):
    """Without `stale` the generator's update asks the updated judge again: other gradients, as documented."""
    model = golden.model()
    trainer = PhaseTrainer(model, model.plan.phases[0], Accelerator(cpu=True))
    trainer.train_mode()
    trainer.take_step(0, [golden.batch()], [draws_of(golden)])
    ours = golden.importer.slots(model, "netG")
    gradients = {f"netG.{path}": slot.grad for path, slot in ours.items() if slot.grad is not None}
    assert max(golden.gradient_errors(gradients, "step/gradG/").values()) > 0.05


def snapshot(golden, model):
    return {
        net: {path: slot.detach().clone() for path, slot in golden.importer.slots(model, net).items()}
        for net in NETS
    }


def update_errors(golden, net, before, after):
    """Each update's largest deviation from the authors', in learning rates, where gradients are sure."""
    letter, lr = net[-1], 2e-4
    gradients = {k: v for k, v in golden.io.items() if k.startswith(f"step/grad{letter}/")}
    largest = max(float(value.abs().max()) for value in gradients.values())
    for path, slot in after.items():
        if slot.grad is not None:
            sure = golden.io[f"step/grad{letter}/{net}.{path}"].abs() > 1e-4 * largest
            theirs = golden.io[f"step/post{letter}/{net}.{path}"].double() - before[path]
            deviation = (slot.detach() - before[path] - theirs)[sure].abs()
            yield float(deviation.max()) / lr if sure.any() else 0.0


@pytest.mark.parametrize("golden", ["gawwn_kpgen_a"], indirect=True)
def test_keypoints_that_are_not_there_are_judged_as_zeros(golden):
    model = golden.model()
    step = Step(model, golden.batch(), model.plan.phases[0], draws_of(golden))
    assert golden.error(step.real(0), "mid/loc_real") < 1e-6
    assert torch.equal(step.layout(golden.rows).keypoints, golden.layout.keypoints.double())
    step = Step(model, replace(golden.batch(), shown=None), model.plan.phases[0], draws_of(golden))
    step.begin("discriminator", keep_graph=False, regenerate=False)
    known = golden.layout.keypoints.double()
    there = known[..., 2:] == 1
    assert torch.equal(step.fake(0) * there, known * there)
