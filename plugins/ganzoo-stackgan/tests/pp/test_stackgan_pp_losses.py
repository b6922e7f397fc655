"""StackGAN++'s losses and gradients against the authors' numbers, and their steps through our own loop."""

import pytest
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from ganzoo_stackgan.losses_pp import ColourConsistency, MatchingPP, colours
from ganzoo_stackgan.losses_v1 import KL, divergence
from ganzoo_stackgan.weights_pp import discriminator_slots, generator_slots
from pydantic import TypeAdapter, ValidationError

from ganzoo.core.adversarial import NonSaturating
from ganzoo.flow import Condition, GeneratorOutput, StageOutput
from ganzoo.step import Step
from ganzoo.testing.golden import RecordedDraws
from ganzoo.updates import PhaseTrainer

SIDES = (64, 128, 256)


def discriminators_step(pp):
    """A step whose fakes and codes are those of the authors' stand-alone discriminator losses."""
    model = pp.model()
    step = Step(model, pp.batch(), model.plan.phases[0], RecordedDraws())
    code = pp.input("cond")
    step._generated = GeneratorOutput(
        text=step.text,
        noise=pp.input("z"),
        epsilons=(),
        conditions=(Condition(code, code),) * 3,
        stages=tuple(StageOutput(image) for image in pp.stand_alone_fakes()),
    )
    step.begin("discriminator", keep_graph=False, regenerate=False)
    return step


def generators_step(pp):
    """A step of the authors' weights at the start of the generator's update, on the recorded draws."""
    model = pp.model()
    draws = RecordedDraws([pp.input("z"), pp.input("eps")])
    step = Step(model, pp.batch(), model.plan.phases[0], draws)
    step.begin("generator", keep_graph=True, regenerate=False)
    return step


def norms_differ(slots, norms):
    """The largest relative deviation of gradients' norms from the authors' `norms`, both by name."""
    ours = {name: slot.grad for name, slot in slots.items() if slot.requires_grad}
    assert ours.keys() == norms.keys()
    floor = 1e-5 * max(norms.values())
    return max(abs(float(g.norm()) - norms[n]) / max(norms[n], floor) for n, g in ours.items())


@pytest.mark.parametrize("level", range(3))
def test_discriminators_objective(pp, level):
    step, side = discriminators_step(pp), SIDES[level]
    step.levels = (level,)
    loss = MatchingPP()(step)
    assert loss.item() == pytest.approx(pp.scalars[f"D_loss/D{side}"], rel=1e-6)
    loss.backward()
    slots = discriminator_slots(step.model)[level]
    assert norms_differ(slots, pp.scalars[f"D_loss_grad_norm/D{side}"]) < 1e-6
    gradients = [key for key in pp.io if key.startswith(f"out/D{side}_grad/")]
    statistics = [key for key in pp.io if key.startswith(f"out/D{side}_bn_after_D_loss/")]
    assert len(gradients) == 3 and len(statistics) == sum("running" in name for name in slots)
    assert max(pp.error(slots[key.split("/")[2]].grad, key) for key in gradients) < 1e-6
    assert max(pp.error(slots[key.split("/")[2]], key) for key in statistics) < 1e-6
    assert step.discriminator_passes == 3


@pytest.mark.parametrize("level", range(3))
def test_every_term_of_the_discriminators_objective(pp, level):
    step, expected = discriminators_step(pp), pp.scalars[f"D_loss_components/D{SIDES[level]}"]
    for kind, name in (("real", "real"), ("mismatched", "wrong"), ("fake", "fake")):
        logits = step.logits(kind, level)
        target = torch.full_like(logits.conditional, float(kind == "real"))
        alone = f"uncond_{name}_as_REAL" if name == "wrong" else f"uncond_{name}"
        alone_target = torch.full_like(target, float(kind != "fake"))
        pair = F.binary_cross_entropy_with_logits(logits.conditional, target)
        picture = F.binary_cross_entropy_with_logits(logits.unconditional, alone_target)
        assert pair.item() == pytest.approx(expected[f"cond_{name}"], rel=1e-6)
        assert picture.item() == pytest.approx(expected[alone], rel=1e-6)


@pytest.mark.parametrize("level", range(3))
def test_discriminators_objective_of_pairs_alone(pp, level):
    step = discriminators_step(pp)
    step.levels = (level,)
    expected = pp.scalars[f"D_loss_UNCOND0/D{SIDES[level]}"]
    assert MatchingPP(unconditional=0)(step).item() == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("unconditional, share", [(1.0, 1.0), (0.0, 0.5)])
def test_fake_terms_are_weighed(pp, unconditional, share):
    step, parts = discriminators_step(pp), pp.scalars["D_loss_components/D64"]
    step.levels = (0,)
    once, twice = (MatchingPP(unconditional=unconditional, fakes=n)(step).item() for n in (1, 2))
    fakes = share * parts["cond_fake"] + unconditional * parts["uncond_fake"]
    assert twice - once == pytest.approx(fakes, rel=1e-6)


def test_unconditional_terms_are_weighed(pp):
    step, parts = discriminators_step(pp), pp.scalars["D_loss_components/D64"]
    step.levels = (0,)
    pairs = sum(value for name, value in parts.items() if name.startswith("cond_"))
    alone = sum(value for name, value in parts.items() if name.startswith("uncond_"))
    assert MatchingPP(unconditional=0.25)(step).item() == pytest.approx(pairs + alone / 4, rel=1e-6)
    assert "unconditional" in MatchingPP().requires()
    assert "unconditional" not in MatchingPP(unconditional=0).requires()


@pytest.mark.parametrize("colour", [0, 1, 50])
def test_generators_objective_and_gradients(pp, colour):
    step = generators_step(pp)
    total = NonSaturating()(step) + 2 * KL()(step) + colour * ColourConsistency()(step)
    assert total.item() == pytest.approx(pp.scalars[f"G_loss_color{colour}/total"], rel=1e-6)
    assert 2 * KL()(step).item() == pytest.approx(pp.scalars[f"G_loss_color{colour}/kl_times_2"], rel=1e-6)
    total.backward()
    slots = generator_slots(step.model)
    assert norms_differ(slots, pp.scalars[f"G_loss_color{colour}_grad_norm"]) < 1e-6
    if colour == 0:
        keys = [key for key in pp.io if key.startswith("out/G_grad/")]
        assert len(keys) == 3
        assert max(pp.error(slots[key.removeprefix("out/G_grad/")].grad, key) for key in keys) < 1e-6


@pytest.mark.parametrize("level", range(3))
def test_every_term_of_the_generators_objective(pp, level):
    logits = generators_step(pp).logits("fake", level)
    for head, name in ((logits.conditional, "cond"), (logits.unconditional, "uncond")):
        expected = pp.scalars[f"G_loss_parts/D{SIDES[level]}_{name}"]
        assert F.softplus(-head).mean().item() == pytest.approx(expected, rel=1e-6)


def test_colours_of_pictures(pp):
    mean, covariance = colours(pp.real()[0])
    assert pp.error(mean, "out/color/real64_mu") < 1e-6
    assert pp.error(covariance, "out/color/real64_cov") < 1e-6


def test_colour_distances(pp):
    fakes = pp.synthesize(pp.model()).images
    for level in (1, 2):
        pair = f"fake{SIDES[level]}_vs_fake{SIDES[level - 1]}"
        (mean, covariance), (coarse_mean, coarse_covariance) = map(colours, (fakes[level], fakes[level - 1]))
        for distance, name in (
            (F.mse_loss(mean, coarse_mean), f"color/like_mu_{pair}"),
            (F.mse_loss(covariance, coarse_covariance), f"color/like_cov_{pair}"),
        ):
            assert distance.item() == pytest.approx(pp.scalars[name], rel=1e-6)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_colours_are_computed_in_float32_at_least(dtype):
    images = (torch.rand(2, 3, 8, 8) * 2 - 1).to(dtype)
    with torch.autocast("cpu", torch.bfloat16):
        mean, covariance = colours(images)
    expected = [torch.cov(picture.flatten(1).double(), correction=0) for picture in images]
    assert mean.dtype == covariance.dtype == torch.float32
    assert torch.allclose(covariance.double(), torch.stack(expected), atol=1e-6)


def test_coarser_picture_is_held_still(pp):
    step = generators_step(pp)
    images = step.generated.images
    coarse, *finer = torch.autograd.grad(ColourConsistency()(step), images, allow_unused=True)
    assert coarse is None and all(bool(gradient.any()) for gradient in finer)


def test_divergence_is_the_authors(pp):
    ours = divergence(pp.input("kl_mu"), pp.input("kl_logvar")).item()
    assert ours == pytest.approx(pp.scalars["KL/on_inputs"], rel=1e-6)


def test_matching_refuses_a_negative_weight():
    with pytest.raises(ValidationError, match="unconditional"):
        TypeAdapter(MatchingPP).validate_python({"unconditional": -1.0})


def test_colour_consistency_refuses_a_negative_weight():
    with pytest.raises(ValidationError, match="covariance"):
        TypeAdapter(ColourConsistency).validate_python({"covariance": -1.0})


def networks_of(model):
    """Every network's own tensors by the authors' names."""
    judges = discriminator_slots(model)
    names = [f"D{side}" for side in SIDES]
    return {"G": generator_slots(model)} | dict(zip(names, judges, strict=True))


def test_golden_steps_through_the_loop(pp):
    """Two of the authors' steps: losses, how far every weight moved, pictures live and averaged."""
    model = pp.model()
    networks = networks_of(model)
    start = {net: {n: s.detach().clone() for n, s in slots.items()} for net, slots in networks.items()}
    trainer = PhaseTrainer(model, model.plan.phases[0], Accelerator(cpu=True))
    trainer.train_mode()
    for number in range(2):
        draws = RecordedDraws([pp.input("traj_z")[number], pp.input("traj_eps")[number]])
        values = trainer.take_step(number, [pp.batch()], [draws])
        assert draws.left == 0
        theirs = pp.scalars[f"trajectory/step{number + 1}"]
        judged = sum(theirs[f"errD{level}"] for level in range(3))
        kl = 2 * float(values["generator/stackgan/kl"])
        made = float(values["generator/core/nonsaturating"]) + kl
        assert float(values["discriminator/stackgan/matching_pp"]) == pytest.approx(judged, rel=1e-4)
        assert kl == pytest.approx(theirs["kl_times_2"], rel=1e-4)
        assert made == pytest.approx(theirs["errG_total"], rel=1e-4)
    for net, slots in networks.items():
        moved = pp.scalars[f"trajectory/{net}_param_delta_norm_after2"]
        assert moved.keys() == {name for name, slot in slots.items() if slot.requires_grad}
        for name, distance in moved.items():
            ours = float((slots[name].detach() - start[net][name]).norm())
            assert ours == pytest.approx(distance, rel=1e-2)
    assert_pictures(pp, model, trainer.ema)


def assert_pictures(pp, model, ema):
    """The trained model's pictures, with its own weights and with their averages."""
    prefix = "out/trajectory/eval"
    with torch.no_grad(), model.evaluating():
        coarse, _, fine = pp.synthesize(model).images
        assert pp.error(fine[:, :, 120:136, 120:136], f"{prefix}_fake256_crop_after2") < 1e-3
        with ema.applied():
            averaged = pp.synthesize(model).images[2]
    assert pp.error(coarse[:, :, ::2, ::2], f"{prefix}_fake64_s2_after2") < 1e-3
    assert pp.error(averaged[:, :, 120:136, 120:136], f"{prefix}_ema_fake256_crop_after2") < 1e-3
    assert pp.error(fine[:, :, 120:136, 120:136], f"{prefix}_ema_fake256_crop_after2") > 1e-3
