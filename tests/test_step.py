"""What a step computes, when, and how often."""

import json
from dataclasses import dataclass, replace
from typing import ClassVar

import pytest
import torch
from torch import nn

from ganzoo.assemble import assemble
from ganzoo.core.penalties import R1, GradientPenalty
from ganzoo.errors import GanzooError
from ganzoo.flow import Layout, Logits
from ganzoo.plugins import Registry
from ganzoo.randomness import StepDraws
from ganzoo.recipe import Recipe
from ganzoo.rehearse import toy_batch
from ganzoo.step import Step
from ganzoo.testing.conformance.standins import STANDINS, Judge

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


@pytest.fixture
def together(make):
    """A discriminator's step whose network makes features of several batches, and how many it was given."""
    step, given = make(), []
    network = step.discriminator(0)

    def features_apart(batches):
        given.append(len(batches))
        return [network.features(batch) for batch in batches]

    network.features_apart = features_apart
    step.begin("discriminator", keep_graph=True, regenerate=False)
    return step, given


def test_features_made_together_are_those_that_logits_read(together, make):
    step, given = together
    step.look(0, "real", "mismatched", "fake")
    assert (given, step.discriminator_passes) == ([3], 3)
    alone = make()
    alone.model.load_state_dict(step.model.state_dict())
    alone.begin("discriminator", keep_graph=True, regenerate=False)
    for kind in ("real", "mismatched", "fake"):
        assert torch.equal(step.logits(kind, 0).conditional, alone.logits(kind, 0).conditional)
    assert step.discriminator_passes == 3


def test_only_features_that_are_not_there_are_made_together(together):
    step, given = together
    step.logits("real", 0)
    step.look(0, "real", "fake")
    assert (given, step.discriminator_passes) == ([], 1), "one kind alone is left to `logits`"
    step.batch = replace(step.batch, mismatched=())
    step.begin("discriminator", keep_graph=True, regenerate=False)
    step.look(0, "real", "mismatched", "fake")
    assert given == [2], "without mismatched pictures the real ones' features serve"


def test_other_discriminators_look_when_asked(make):
    step = make()
    step.begin("discriminator", keep_graph=True, regenerate=False)
    step.look(0, "real", "fake")
    assert (step.generator_passes, step.discriminator_passes) == (0, 0)


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


@pytest.mark.parametrize("update", ["discriminator", "generator"])
def test_copies_apart_are_judged_one_by_one(make, toy, update):
    recipe = toy.set("training.gan.samples_per_caption", 2)
    together = make(recipe)
    apart = make(recipe.set("training.gan.copies_apart", True))
    apart.model.load_state_dict(together.model.state_dict())
    for step in (together, apart):
        step.model.train()
        step.begin(update, keep_graph=update == "generator", regenerate=False)
    rows, code = len(together.text.sentence), together.code(0)
    pictures = together.generated.images[0]
    halves = [together.judge(0, half, code).conditional for half in (pictures[:rows], pictures[rows:])]
    found = apart.logits("fake", 0).conditional
    assert torch.equal(found, torch.cat(halves)) and apart.discriminator_passes == 2
    assert not torch.allclose(found, together.logits("fake", 0).conditional)
    assert found.requires_grad and apart.generated.images[0].requires_grad == (update == "generator")


@dataclass(frozen=True, kw_only=True)
class Placed(Judge):
    """A discriminator that adds the box's left side to its logit."""

    needs: ClassVar = frozenset({"boxes"})

    def build(self, given):
        return PlacedModule(super().build(given))


class PlacedModule(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def features(self, images):
        return self.inner.features(images)

    def judge(self, features, code, layout):
        logits = self.inner.judge(features, code)
        return Logits(logits.conditional + 100 * layout.boxes[:, 0])


class Offered(Registry):
    """The kit's components, and what is under test."""

    def __init__(self):
        super().__init__([])

    def get(self, kind, name):
        return {**STANDINS, "my/placed": Placed}[name]


def placed_step(judge="my/placed", stage="kit/picture", batch=()):
    tree = {
        "title": "Placed",
        "data": {"use": "kit/data"},
        "text": {"use": "kit/text"},
        "conditioning": {"use": "kit/code"},
        "noise": 7,
        "stages": [{"stage": {"use": stage}, "discriminator": {"use": judge}}],
        "training": {
            "gan": {
                "steps": 1,
                "samples_per_caption": 2,
                "updates": {
                    "discriminator": {"optimizer": {"use": "adam", "lr": 1}, "losses": [{"use": "kit/push"}]}
                },
            }
        },
    }
    plan = assemble(Recipe.from_yaml(json.dumps({"recipes": {"placed": tree}}), where="placed"), Offered())
    model = plan.build()
    batch = replace(toy_batch(plan, model.text_encoder), **dict(batch))
    step = Step(model, batch, plan.phases[0], StepDraws(0, 0, CPU, torch.float32))
    step.begin("discriminator", keep_graph=False, regenerate=False)
    return step


def left(*places):
    return Layout(torch.tensor([[x, 0.1, 0.1, 0.1] for x in places]), torch.zeros(len(places), 2, 3))


def test_a_discriminator_that_reads_boxes_gets_those_of_its_pictures():
    layouts = {"layout": left(0, 1, 2, 3), "mismatched_layout": left(4, 5, 6, 7)}
    step = placed_step(batch=layouts)

    def places(logits):
        return logits.conditional.div(100).round().int().tolist()

    assert places(step.logits("real", 0)) == [0, 1, 2, 3]
    assert places(step.logits("mismatched", 0)) == [4, 5, 6, 7]
    assert places(step.logits("fake", 0)) == [0, 1, 2, 3, 0, 1, 2, 3]
    images, code = step.batch.images[0], step.code(0)
    assert places(step.judge(0, images, code)) == [0, 1, 2, 3]
    assert places(step.judge(0, images, code, left(3, 2, 1, 0))) == [3, 2, 1, 0]
    assert places(step.judge_features(0, step.discriminator(0).features(images[:3]), code[1:])) == [0, 1, 2]
    assert places(placed_step(batch={**layouts, "mismatched": ()}).logits("mismatched", 0)) == [0, 1, 2, 3]


def test_keypoints_are_judged_where_a_stage_draws_them():
    points = torch.rand(4, 2, 3)
    points[0, 1, 2] = 0
    step = placed_step("kit/points_judge", "kit/points", {"layout": Layout(keypoints=points)})
    real = step.real(0)
    assert (
        torch.equal(real[1:], points[1:]) and torch.equal(real[0, 0], points[0, 0]) and not real[0, 1].any()
    )
    assert torch.equal(step.fake(0), step.generated.stages[0].layout.keypoints)
    assert step.fake(0).shape == (8, 2, 3)
    assert step.logits("fake", 0).conditional.shape == (8,)
    for penalty in (R1(), GradientPenalty()):
        assert penalty(step).item() > 0
    step.begin("generator", keep_graph=True, regenerate=True)
    assert step.fake(0).requires_grad


@pytest.mark.parametrize(
    ("stage", "judge", "said"),
    [
        ("kit/points", "kit/judge", "kit/judge judges pictures; kit/points draws keypoints"),
        ("kit/picture", "kit/points_judge", "kit/points_judge judges keypoints; kit/picture draws pictures"),
    ],
)
def test_a_discriminator_of_something_else(stage, judge, said):
    with pytest.raises(GanzooError, match=said):
        placed_step(judge, stage)
