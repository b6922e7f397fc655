"""GAN-CLS and GAN-INT against the authors' numbers, and the golden iteration through ganzoo's own loop."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from ganzoo_gan_int_cls.losses import Interpolation, Matching, with_blends
from ganzoo_gan_int_cls.weights import slots
from pydantic import TypeAdapter, ValidationError

from ganzoo.flow import Batch, TextFeatures, Tokens
from ganzoo.step import Step
from ganzoo.testing.golden import RecordedDraws
from ganzoo.updates import PhaseTrainer


def batch_of(golden, dtype=torch.float64):
    rows = len(golden.sentence)
    return Batch(
        images=(golden.io["in/real_img"].to(dtype),),
        mismatched=(golden.io["in/wrong_img"].to(dtype),),
        tokens=Tokens(torch.zeros(rows, 1, dtype=torch.int64), torch.ones(rows, dtype=torch.int64)),
        text=TextFeatures(golden.sentence.to(dtype)),
    )


def step_of(golden, update, **changes):
    """A step of the authors' weights at the start of `update`, with the noise recorded for it."""
    model = golden.model()
    noise = golden.noise({"discriminator": "D", "generator": "G"}[update]).double()
    phase = model.plan.phases[0]
    step = Step(model, replace(batch_of(golden), **changes), phase, RecordedDraws([noise]))
    step.begin(update, keep_graph=update == "generator", regenerate=True)
    return step


def test_matching_is_the_authors_objective(golden):
    step = step_of(golden, "discriminator")
    assert golden.error(Matching(mismatched=golden.config["cls_weight"])(step), "step/errD") < 1e-4
    for kind, key in (("real", "real"), ("mismatched", "wrong"), ("fake", "fake")):
        logit = step.logits(kind, 0).conditional
        target = torch.full_like(logit, float(kind == "real"))
        assert golden.error(F.binary_cross_entropy_with_logits(logit, target), f"step/bce_{key}") < 1e-4
    assert (step.generator_passes, step.discriminator_passes) == (1, 3)


def test_matching_without_mismatched_pairs_judges_none(golden):
    step = step_of(golden, "discriminator", mismatched=())
    expected = golden.io["step/bce_real"] + golden.io["step/bce_fake"]
    assert float(Matching(mismatched=0)(step).detach()) == pytest.approx(float(expected), rel=1e-4)
    assert step.discriminator_passes == 2
    assert Matching(mismatched=0).requires() == {"real", "fake"}
    assert Matching().requires() == {"real", "fake", "mismatched"}


def test_blends_are_the_authors(birds):
    text = TextFeatures(birds.sentence.double())
    assert birds.error(with_blends(text, 0.5).sentence, "mid/txt_interp") < 1e-6


def test_blends_of_an_odd_batch_leave_the_last_row_out():
    sentence = torch.arange(10.0).reshape(5, 2)
    text = TextFeatures(sentence, torch.arange(15.0).reshape(5, 3, 1), torch.ones(5, 3, dtype=torch.bool))
    blended = with_blends(text, beta=0.25)
    assert blended.sentence.tolist()[:5] == sentence.tolist()
    assert torch.equal(blended.sentence[5:], 0.25 * sentence[:2] + 0.75 * sentence[2:4])
    assert torch.equal(blended.words, torch.cat([text.words, text.words[:2]]))
    assert blended.mask.shape == (7, 3)


@pytest.mark.parametrize("weight", [0.0, 1.0, 3.0])
def test_interpolation_divides_by_pictures_not_by_weights(birds, weight):
    step = step_of(birds, "generator")
    loss = Interpolation(interpolation=weight)(step)
    assert (step.generator_passes, step.discriminator_passes) == (1, 1)
    model = birds.model()
    sentence = birds.io["mid/txt_interp"].double()
    image = model.synthesize(TextFeatures(sentence), birds.noise("G").double()).images[0]
    judge = model.discriminators["0"]
    terms = F.softplus(-judge.judge(judge.features(image), sentence).conditional)
    assert torch.allclose(loss, (terms[:4].sum() + weight * terms[4:].sum()) / 6)


@pytest.mark.parametrize("options", [{"mismatched": 1.0}, {"mismatched": -0.1}])
def test_matching_refuses_shares_outside_its_range(options):
    with pytest.raises(ValidationError, match="mismatched"):
        TypeAdapter(Matching).validate_python(options)


@pytest.mark.parametrize("options", [{"beta": 1.5}, {"interpolation": -1.0}])
def test_interpolation_refuses_values_outside_their_range(options):
    with pytest.raises(ValidationError, match=next(iter(options))):
        TypeAdapter(Interpolation).validate_python(options)


def test_golden_iteration_through_the_loop(golden):
    """Losses, gradients, updated weights and running statistics of the authors' iteration."""
    model = golden.model()
    start = {net: {path: slot.detach().clone() for path, slot in slots(model, net).items()} for net in NETS}
    trainer = PhaseTrainer(model, model.plan.phases[0], Accelerator(cpu=True))
    trainer.train_mode()
    draws = RecordedDraws([golden.noise("D").double(), golden.noise("G").double()])
    values = trainer.take_step(0, [batch_of(golden)], [draws])
    assert draws.left == 0
    objective = "gan_int_cls/interpolation" if golden.interpolates else "core/nonsaturating"
    assert golden.error(values["discriminator/gan_int_cls/matching"], "step/errD") < 1e-4
    assert golden.error(values[f"generator/{objective}"], "step/errG") < 1e-4
    for net in NETS:
        ours = slots(model, net)
        gradients = {f"{net}.{path}": slot.grad for path, slot in ours.items() if slot.grad is not None}
        assert len(gradients) == sum(slot.requires_grad for slot in ours.values())
        assert max(golden.gradient_errors(gradients, f"step/grad{net[-1]}/").values()) < 5e-4
        assert max(update_errors(golden, net, start[net], ours)) < 0.01
        assert max(statistics_errors(golden, net, ours), default=0) < 1e-4


NETS = ("netG", "netD")


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


def statistics_errors(golden, net, after):
    for path, slot in after.items():
        key = f"step/post_running/{net}.{path}"
        if key in golden.io:
            yield golden.error(slot, key)
