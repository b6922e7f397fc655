"""Rehearsals: the tiny form of a recipe, one step of every phase."""

import math

import pytest

from ganzoo.assemble import MismatchError, assemble
from ganzoo.catalogue import recipe as find_recipe
from ganzoo.errors import GanzooError
from ganzoo.recipe import Recipe
from ganzoo.rehearse import ROWS, rehearse, tiny, toy_batch


def test_every_loss_of_every_phase(toy, registry):
    tree = toy.to_dict()
    tree["training"]["more"] = {**tree["training"]["gan"], "samples_per_caption": 2}
    said = rehearse(Recipe("twice", tree, {(): "here"}), registry)
    assert set(said) == {
        f"{phase}/{update}/core/nonsaturating"
        for phase in ("gan", "more")
        for update in ("generator", "discriminator")
    }  # fmt: skip
    assert all(math.isfinite(value) for value in said.values())


def test_what_is_seldom_due_is_rehearsed_too(toy, registry):
    recipe = toy.set("training.gan.updates.generator.every", 3).add(
        "training.gan.updates.discriminator.losses", {"use": "core/r1", "every": 16}
    )
    assert set(rehearse(recipe, registry)) == {
        "gan/discriminator/core/nonsaturating",
        "gan/discriminator/core/r1",
        "gan/generator/core/nonsaturating",
    }


def test_tiny(registry):
    recipe = find_recipe("gan-int-cls-birds")
    small = tiny(recipe, registry)
    count = sum(p.numel() for p in assemble(small, registry).build().parameters())
    assert count < 300_000 and small.noise == 8
    assert small.data == recipe.data and small.phases == recipe.phases


def test_batch_has_what_the_data_offers(registry):
    plan = assemble(tiny(find_recipe("gan-int-cls-birds"), registry), registry)
    batch = toy_batch(plan, plan.build().text_encoder)
    assert batch.tokens.embedding.shape == (ROWS, plan.text_spec.sentence)
    assert batch.layout is None and batch.class_id.shape == (ROWS,)
    assert [picture.shape for picture in batch.images] == [(ROWS, 3, r, r) for r in plan.resolutions]


def test_layout(plan):
    batch = toy_batch(plan, plan.build().text_encoder)
    assert batch.layout.boxes.shape == (ROWS, 4) and batch.layout.keypoints.shape == (ROWS, 2, 3)


def test_a_recipe_that_does_not_fit(toy, registry):
    with pytest.raises(MismatchError):
        rehearse(toy.set("stages.0.stage.chanels", 3), registry)


def test_a_loss_that_is_not_finite(toy, registry):
    recipe = toy.set("training.gan.updates.discriminator.optimizer.lr", 1e38)
    with pytest.raises(
        GanzooError, match=r"toy assembles, but its rehearsal gives \S+ for loss gan/generator/"
    ):
        rehearse(recipe, registry)
