"""The authors' paths in and out of a model: bit for bit, every path accounted for."""

import re

import pytest
import torch
from ganzoo_gawwn.box_stage import BoxStage
from ganzoo_gawwn.conditionings import Project
from ganzoo_gawwn.discriminators import BoxDiscriminator, KeypointDiscriminator
from ganzoo_gawwn.keypoint_generator import KeypointGenerator, PointsDiscriminator
from ganzoo_gawwn.keypoint_stage import KeypointStage
from torch import nn

from ganzoo.errors import GanzooError
from ganzoo.specs import ConditionSpec, DiscriminatorGiven, StageGiven, TextSpec


def bare(state):
    """The state with paths as `export` writes them."""
    return {
        "generator": {k.removeprefix("netG."): v for k, v in state["generator"].items()},
        "discriminators": [
            {k.removeprefix("netD."): v for k, v in d.items()} for d in state["discriminators"]
        ],
    }


def equal(ours, theirs):
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in theirs)


def test_authors_weights_come_out_as_they_went_in(golden):
    out, expected = golden.importer.export(golden.model(torch.float32)), bare(golden.state())
    assert equal(out["generator"], expected["generator"])
    assert equal(out["discriminators"][0], expected["discriminators"][0])


def test_own_weights_survive_the_way_out_and_in(golden):
    torch.manual_seed(0)
    model, other = golden.plan().build(), golden.plan().build()
    golden.importer.load(other, golden.importer.export(model))
    tracked = "num_batches_tracked"
    assert all(
        torch.equal(value, other.state_dict()[name])
        for name, value in model.state_dict().items()
        if tracked not in name
    )


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("stage", "judge", "sizes"),
    [
        (BoxStage(), BoxDiscriminator(), (73_545_699, 16_763_137)),
        (KeypointStage(), KeypointDiscriminator(), (26_471_043, 14_667_905)),
        (KeypointGenerator(), PointsDiscriminator(), (2_715_949, 946_177)),
    ],
)
def test_parameters_at_the_authors_width(stage, judge, sizes):
    text = TextSpec(1024)
    codes = Project().yields(text)
    condition = ConditionSpec(codes.generator_code, codes.discriminator_code, boxes=True, keypoints=15)
    with torch.device("meta"):
        generator, projection = stage.build(StageGiven(100, condition)), Project().build(text)
        discriminator = judge.build(DiscriminatorGiven(128, condition))
    assert (count(generator) + count(projection), count(discriminator)) == sizes


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("netG.99.weight", torch.zeros(1), "netG.99.weight is in the file, but not in the model"),
        ("netG.3.weight", None, "netG.3.weight is in the model, but not in the file"),
        ("3.weight", torch.zeros(1), "paths of netG twice, with and without `netG.`"),
    ],
)
@pytest.mark.parametrize("golden", ["gawwn_bbox_a"], indirect=True)
def test_paths_that_do_not_fit(golden, path, value, message):
    state, model = golden.state(), golden.plan().build()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    state["generator"][path] = value
    if value is None:
        del state["generator"][path]
    with pytest.raises(GanzooError, match=re.escape(message)):
        golden.importer.load(model, state)
    assert equal(model.state_dict(), before)


@pytest.mark.parametrize("golden", ["gawwn_kp_a"], indirect=True)
def test_another_model(golden):
    model = golden.model()
    with pytest.raises(GanzooError, match=r"GAWWN has one generator .* have text"):
        golden.importer.load(model, {"text": {}})
    with pytest.raises(GanzooError, match="have 2 discriminators"):
        golden.importer.load(model, {"discriminators": [{}, {}]})
    model.stages = nn.ModuleList([nn.Identity()])
    with pytest.raises(GanzooError, match="one KeypointPainter in its stages, not Identity"):
        golden.importer.export(model)


@pytest.mark.parametrize("stage", [BoxStage, KeypointStage])
def test_maps_larger_than_pictures(stage):
    with pytest.raises(GanzooError, match=r"`grid: 32` to `resolution: 32`; make `grid` smaller"):
        stage(grid=32, resolution=32)


@pytest.mark.parametrize("judge", [BoxDiscriminator, KeypointDiscriminator])
def test_pictures_that_cannot_be_judged(judge):
    condition = ConditionSpec(3, 4, boxes=True, keypoints=2)
    with pytest.raises(GanzooError, match="power of two of at least 8, not 48"):
        judge().build(DiscriminatorGiven(48, condition))
    with pytest.raises(GanzooError, match="maps of `grid: 16` pixels and cannot judge pictures of 16"):
        judge().build(DiscriminatorGiven(16, condition))
