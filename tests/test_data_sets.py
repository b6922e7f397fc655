"""The data sets of the papers, in miniature, from their files to a trained model."""

from __future__ import annotations

import math

import miniatures
import pytest

from ganzoo import catalogue
from ganzoo.assemble import assemble
from ganzoo.recipe import Recipe
from ganzoo.rehearse import tiny
from ganzoo.train import train

SMALL = {"batch": 4, "load_size": 18}


def small(name, registry, resolution=16, **data):
    """A recipe of the catalogue at small sizes, two steps a phase, with other options of its data."""
    recipe = tiny(catalogue.recipe(name), registry).set("stages.0.stage.resolution", resolution)
    for option, value in {**SMALL, **data}.items():
        recipe = recipe.set(f"data.{option}", value)
    tree = recipe.to_dict()
    for phase in tree["training"].values():
        del phase["epochs"]
        phase["steps"] = 2
    return Recipe(name, tree, {(): "here"})


@pytest.mark.parametrize(
    "name, build, data",
    [
        ("gan-int-cls-birds", miniatures.birds, {}),
        ("gan-int-cls-flowers", miniatures.flowers, {"batch": 2}),
        ("gan-int-cls-coco", miniatures.coco_attngan, {"batch": 2}),
        ("gawwn-keypoints-humans", miniatures.mpii, {}),
        ("gawwn-bbox-birds", miniatures.birds, {}),
    ],
)
def test_recipes_train_on_the_embeddings_of_their_data(name, build, data, registry, tmp_path):
    recipe = small(name, registry, embedding=miniatures.WIDTH, **data).set("text.size", miniatures.WIDTH)
    folder = build(tmp_path / "data")
    run = train(recipe, folder, run_dir=tmp_path / "run", device="cpu", log_every=1)
    assert [line["step"] for line in run.metrics] == [1, 2]
    losses = [value for line in run.metrics for key, value in line.items() if "/" in key]
    assert losses and all(math.isfinite(value) for value in losses)


@pytest.mark.parametrize(
    "name, crop",
    [
        ("gan-int-cls-birds", False),
        ("gan-cls-birds", False),
        ("gan-int-birds", False),
        ("stackgan-v1-birds", True),
        ("stackgan-pp-birds", True),
        ("msgan-birds", True),
        ("attngan-birds", True),
        ("attndcgan-birds", True),
        ("damsm-birds", True),
        ("char-cnn-rnn-birds", True),
        ("gawwn-bbox-birds", False),
        ("gawwn-keypoints-birds", False),
        ("gawwn-keypoint-generator-birds", False),
    ],
)
def test_birds_are_cut_where_the_authors_cut_them(name, crop, registry):
    data = assemble(catalogue.recipe(name), registry).data
    assert data.crop is crop
