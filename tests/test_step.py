"""What a step computes, when, and how often."""

import pytest
import torch

from ganzoo.assemble import assemble
from ganzoo.randomness import StepDraws
from ganzoo.rehearse import toy_batch
from ganzoo.step import Step

CPU = torch.device("cpu")


@pytest.fixture
def make(toy, registry):
    def build(recipe=toy, **changes):
        plan = assemble(recipe, registry)
        model = plan.build()
        batch = toy_batch(plan, model.text_encoder)
        return Step(model, batch, plan.phases[0], StepDraws(0, 0, CPU, torch.float32))

    return build


def test_pictures_are_made_once_and_read_by_all_updates(make):
    step = make()
    step.begin("discriminator", keep_graph=True, regenerate=False)
    first = step.generated
    step.begin("generator", keep_graph=True, regenerate=False)
    assert step.generated is first and first.images[0].requires_grad
    assert step.generator_passes == 1


def test_regenerate_draws_anew(make):
    step = make()
    step.begin("discriminator", keep_graph=False, regenerate=False)
    first = step.generated
    assert not first.images[0].requires_grad
    step.begin("generator", keep_graph=True, regenerate=True)
    assert step.generated.images[0].requires_grad
    assert not torch.equal(step.generated.noise, first.noise)
    assert step.generator_passes == 2


def test_a_graph_asked_for_later_keeps_the_draws(make):
    step = make()
    step.begin("discriminator", keep_graph=False, regenerate=False)
    first = step.generated
    step.begin("generator", keep_graph=True, regenerate=False)
    assert torch.equal(step.generated.noise, first.noise) and step.generated.images[0].requires_grad


def test_discriminator_passes_are_shared_within_an_update(make):
    step = make()
    step.begin("discriminator", keep_graph=True, regenerate=False)
    for kind in ("real", "mismatched", "fake", "real"):
        step.logits(kind, 0)
    assert step.discriminator_passes == 3
    step.begin("generator", keep_graph=True, regenerate=False)
    step.logits("fake", 0)
    assert step.discriminator_passes == 4


def test_fakes_carry_a_graph_in_the_generators_update_only(make):
    step = make()
    step.model.discriminators.requires_grad_(False)
    step.begin("discriminator", keep_graph=True, regenerate=False)
    assert not step.logits("fake", 0).conditional.requires_grad
    step.begin("generator", keep_graph=True, regenerate=False)
    assert step.logits("fake", 0).conditional.requires_grad


def test_mismatched_pictures_meet_this_rows_caption(make):
    step = make()
    step.model.eval()
    step.begin("discriminator", keep_graph=False, regenerate=False)
    judged = step.judge(0, step.batch.mismatched[0], step.code(0)).conditional
    torch.testing.assert_close(step.logits("mismatched", 0).conditional, judged)


def test_without_mismatched_pictures_real_ones_meet_the_next_rows_caption(make):
    step = make()
    step.model.eval()
    step.batch = type(step.batch)(step.batch.images, step.batch.tokens)
    step.begin("discriminator", keep_graph=False, regenerate=False)
    judged = step.judge(0, step.batch.images[0], step.code(0).roll(-1, 0)).conditional
    torch.testing.assert_close(step.logits("mismatched", 0).conditional, judged)
    assert not torch.allclose(judged, step.logits("real", 0).conditional)


def test_several_samples_a_caption(make, toy):
    step = make(toy.set("training.gan.samples_per_caption", 2))
    step.begin("generator", keep_graph=True, regenerate=False)
    rows = len(step.batch.images[0])
    assert step.generated.noise.shape[0] == 2 * rows
    assert step.logits("fake", 0).conditional.shape == (2 * rows,)
    assert step.logits("real", 0).conditional.shape == (rows,)
    assert torch.equal(step.generated.text.sentence[:rows], step.generated.text.sentence[rows:])
