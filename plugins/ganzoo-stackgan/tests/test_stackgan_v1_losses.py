"""StackGAN-v1's losses and gradients against the authors', and their training steps through ganzoo's loop."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from ganzoo_stackgan.discriminators_v1 import Judge
from ganzoo_stackgan.losses_v1 import KL, Matching, divergence
from ganzoo_stackgan.weights_v1 import discriminator_slots, generator_slots
from torch import nn

from ganzoo.core.adversarial import NonSaturating
from ganzoo.errors import GanzooError
from ganzoo.flow import Batch, TextFeatures, Tokens
from ganzoo.step import Step
from ganzoo.testing.golden import RecordedDraws
from ganzoo.updates import PhaseTrainer


def batch_of(golden, dtype=torch.float64):
    """The authors' real pictures at the finest level; nothing reads the coarser one."""
    real, sentence = golden.real(dtype), golden.sentence(dtype)
    rows = len(sentence)
    return Batch(
        images=(real[:, :, ::4, ::4], real)[-golden.stage :],
        tokens=Tokens(torch.zeros(rows, 1, dtype=torch.int64), torch.ones(rows, dtype=torch.int64)),
        text=TextFeatures(sentence),
    )


def relative(ours, theirs):
    return abs(float(ours.detach()) - theirs) / abs(theirs)


def standalone_step(golden, mode, **changes):
    """A discriminator's step whose fakes and code are those of the authors' stand-alone loss."""
    model = golden.model().train(mode == "train")
    noise, epsilons = golden.draws()
    step = Step(
        model, replace(batch_of(golden), **changes), model.plan.phases[0], RecordedDraws([noise, *epsilons])
    )
    step.begin("discriminator", keep_graph=False, regenerate=False)
    made, level, code = step.generated, golden.stage - 1, golden.io["in/cond"].double()
    fakes = replace(made.stages[level], image=-0.9 * golden.real().flip(3))
    judged = replace(made.conditions[level], discriminator_code=code)
    step._generated = replace(
        made, stages=(*made.stages[:level], fakes), conditions=(*made.conditions[:level], judged)
    )
    return step


def judged(v1, wrong):
    """How often the tower's convolutions ran, and the loss, the gradient of every weight, the buffers."""
    pictures = v1.real().flip(0)
    mismatched = (pictures[:, :, ::4, ::4], pictures)[-v1.stage :]
    step, calls = standalone_step(v1, "train", mismatched=mismatched), []
    judge = step.discriminator(v1.stage - 1)
    for layer in judge.tower:
        if isinstance(layer, nn.Conv2d):
            layer.register_forward_hook(lambda layer, *_: calls.append(layer))
    loss = Matching(wrong=wrong)(step)
    gradients = torch.autograd.grad(loss, list(judge.parameters()))
    return len(calls), [loss.detach(), *gradients, *judge.buffers()]


@pytest.mark.parametrize("wrong", ["given", "shifted"])
def test_judging_together_is_judging_in_turn(v1, wrong, monkeypatch):
    """In float64. Stage I's golden discriminator is too narrow for a convolution to run once for all."""
    together, ours = judged(v1, wrong)
    monkeypatch.delattr(Judge, "features_apart")
    in_turn, plain = judged(v1, wrong)
    assert (together < in_turn) == (v1.stage == 2)
    for one, other in zip(ours, plain, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("mode", ["eval", "train"])
def test_matching_is_the_authors_objective(v1, mode):
    step, level = standalone_step(v1, mode), v1.stage - 1
    loss = Matching(wrong="shifted")(step)
    theirs = v1.scalars[f"D_loss_{mode}"]
    assert relative(loss, theirs["errD"]) < 1e-6
    real, fake = step.logits("real", level), step.logits("fake", level)
    one, zero = (lambda x: F.softplus(-x).mean()), (lambda x: F.softplus(x).mean())
    r, f = one(real.conditional), zero(fake.conditional)
    if v1.stage == 2:
        r, f = (r + one(real.unconditional)) / 2, (f + zero(fake.unconditional)) / 2
    if mode == "eval":  # judging again in training mode would use the same statistics, but move running ones
        assert relative(r, theirs["returned_errD_real"]) < 1e-6
        assert relative(f, theirs["returned_errD_fake"]) < 1e-6
    assert step.discriminator_passes == 2

    loss.backward()
    slots = discriminator_slots(step.model)[0]
    norms = {name: float(slot.grad.norm()) for name, slot in slots.items() if slot.requires_grad}
    expected = v1.scalars[f"D_loss_{mode}_grad_norm"]
    assert norms == pytest.approx(expected, rel=1e-6, abs=1e-5 * max(expected.values()))
    if mode == "train":
        named = [key.removeprefix("out/D_grad/") for key in v1.io if key.startswith("out/D_grad/")]
        assert len(named) == 2
        for name in named:
            assert v1.error(slots[name].grad, f"out/D_grad/{name}") < 1e-6
        running = [key for key in v1.io if key.startswith("out/D_bn_after_D_loss/")]
        assert len(running) == 2 * sum("running_mean" in name for name in slots)
        for key in running:
            assert v1.error(slots[key.removeprefix("out/D_bn_after_D_loss/")], key) < 1e-6


def test_generator_loss_and_gradients_are_the_authors(v1):
    model = v1.model()
    noise, epsilons = v1.draws()
    step = Step(model, batch_of(v1), model.plan.phases[0], RecordedDraws([noise, *epsilons]))
    PhaseTrainer(model, model.plan.phases[0], Accelerator(cpu=True)).train_mode()
    step.begin("generator", keep_graph=True, regenerate=False)
    adversarial, kl = NonSaturating()(step), KL()(step)
    theirs = v1.scalars["G_loss"]
    assert relative(adversarial, theirs["errG"]) < 1e-6
    assert relative(kl, theirs["kl"]) < 1e-6
    (adversarial + 2 * kl).backward()
    slots = generator_slots(model)
    norms = {name: float(slot.grad.norm()) for name, slot in slots.items() if slot.grad is not None}
    expected = v1.scalars["G_loss_grad_norm"]
    assert norms == pytest.approx(expected, rel=1e-6, abs=1e-5 * max(expected.values()))
    named = [key.removeprefix("out/G_grad/") for key in v1.io if key.startswith("out/G_grad/")]
    assert len(named) == 3
    for name in named:
        assert v1.error(slots[name].grad, f"out/G_grad/{name}") < 1e-6


def test_divergence_is_the_authors(v1):
    mean, logvar = v1.io["in/kl_mu"].double(), v1.io["in/kl_logvar"].double()
    assert relative(divergence(mean, logvar), v1.scalars["KL/on_inputs"]) < 1e-6


def test_golden_steps_through_the_loop(v1):
    """Losses, updated weights and pictures of the authors' two training steps."""
    model = v1.model()
    start = {net: {k: v.detach().clone() for k, v in slots.items()} for net, slots in networks(model).items()}
    trainer = PhaseTrainer(model, model.plan.phases[0], Accelerator(cpu=True))
    trainer.train_mode()
    for number in range(2):
        draws = RecordedDraws(v1.trajectory_draws(number))
        values = trainer.take_step(number, [batch_of(v1)], [draws])
        theirs = v1.scalars[f"trajectory/step{number + 1}"]
        assert draws.left == 0
        assert relative(values["discriminator/stackgan/matching"], theirs["errD"]) < 1e-4
        assert relative(values["generator/core/nonsaturating"], theirs["errG"]) < 1e-4
        assert relative(values["generator/stackgan/kl"], theirs["kl"]) < 1e-4
    for net, slots in networks(model).items():
        expected = v1.scalars[f"trajectory/{net}_param_delta_norm_after2"]
        assert expected.keys() == {name for name in slots if "running" not in name and "num_" not in name}
        moved = {name: float((slots[name].detach() - start[net][name]).norm()) for name in expected}
        assert moved == pytest.approx(expected, rel=1e-2)
    noise, epsilons = v1.draws()
    out = model.eval().synthesize(TextFeatures(v1.sentence()), noise, epsilons)
    middle = slice(v1.real().shape[2] // 2 - 8, v1.real().shape[2] // 2 + 8)
    assert v1.error(out.images[-1][:, :, middle, middle], "out/trajectory/eval_fake_crop_after2") < 1e-3
    if v1.stage == 2:
        first = out.images[0][:, :, ::4, ::4]
        assert v1.error(first, "out/trajectory/eval_stage1_fake64_s4_after2") < 1e-6


def networks(model):
    return {"G": generator_slots(model), "D": discriminator_slots(model)[0]}


def test_frozen_stage_one_stays_still_without_the_authors_switch(v1_stage2):
    tree = v1_stage2.tree()
    tree["training"]["stage-2"]["frozen_train"] = False
    model = v1_stage2.model(tree=tree)
    before = {k: v.clone() for k, v in model.stages[0].state_dict().items()}
    trainer = PhaseTrainer(model, model.plan.phases[0], Accelerator(cpu=True))
    trainer.train_mode()
    draws = RecordedDraws(v1_stage2.trajectory_draws(0))
    values = trainer.take_step(0, [batch_of(v1_stage2)], [draws])
    assert all(torch.equal(value, before[key]) for key, value in model.stages[0].state_dict().items())
    theirs = v1_stage2.scalars["trajectory/step1"]
    assert relative(values["generator/core/nonsaturating"], theirs["errG"]) > 1e-3


@pytest.mark.parametrize("others", [False, True])
def test_wrong_pairs_as_given_are_all_rows(v1, others):
    """The mended form: b pairs, of foreign pictures, or of real pictures with the next row's caption."""
    code, real = v1.io["in/cond"].double(), v1.real()
    wrong, codes = (real.flip(0), code) if others else (real, code.roll(-1, 0))
    step = standalone_step(v1, "eval", mismatched=(wrong, wrong)[-v1.stage :] if others else ())
    judge = step.discriminator(v1.stage - 1)
    given = judge.judge(judge.features(wrong), codes).conditional
    shifted = judge.judge(judge.features(real[:-1]), code[1:]).conditional
    share = 1 / 2 if v1.stage == 1 else 1 / 3
    difference = Matching()(step) - Matching(wrong="shifted")(step)
    assert torch.allclose(difference, share * (F.softplus(given).mean() - F.softplus(shifted).mean()))


def test_only_given_pairs_need_mismatched_data():
    assert Matching().requires() == {"real", "fake", "mismatched"}
    assert Matching(wrong="shifted").requires() == {"real", "fake"}


def test_shifted_pairs_need_two_rows(v1):
    step = standalone_step(v1, "eval")
    one = slice(0, 1)
    step.batch = step.batch.rows(one)
    step._generated = step.generated.rows(one)
    with pytest.raises(GanzooError, match=r"batches of at least 2; raise `data\.batch`"):
        Matching(wrong="shifted")(step)
