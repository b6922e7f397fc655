"""The authors' names in and out of a StackGAN++ model: bit for bit, every name accounted for."""

import json
import re
from pathlib import Path

import pytest
import torch
from ganzoo_stackgan.weights_pp import StackGanPP, discriminator_slots, generator_slots
from torch import nn

import ganzoo
from ganzoo.errors import GanzooError

KEYS = Path(__file__).parent / "keys.json"


def equal(ours, theirs):
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in theirs)


def networks(state):
    return [state["generator"], *state["discriminators"]]


@pytest.mark.parametrize("prefix", ["", "module."])
def test_authors_weights_come_out_as_they_went_in(pp, prefix):
    model = ganzoo.load_official(pp.plan().build(), "stackgan-pp", pp.state(prefix))
    out = ganzoo.export_official(model, "stackgan-pp")
    assert len(networks(out)) == 4
    for ours, theirs in zip(networks(out), networks(pp.state()), strict=True):
        theirs = {k: v.float() if v.is_floating_point() else v for k, v in theirs.items()}
        assert equal(ours, theirs)


def test_own_weights_survive_the_way_out_and_in(pp):
    torch.manual_seed(0)
    model, other = pp.plan().build(), pp.plan().build()
    StackGanPP().load(other, StackGanPP().export(model))
    assert equal(other.state_dict(), model.state_dict())


def test_names_and_shapes_are_those_of_the_authors_checkpoints():
    """At the authors' width; keys.json was written by their code (birds_3stages.yml)."""
    with torch.device("meta"):
        model = ganzoo.plan("stackgan-pp-birds").build()
    theirs = json.loads(KEYS.read_text())
    made = [generator_slots(model), *discriminator_slots(model)]
    for slots, name in zip(made, ("G", "D64", "D128", "D256"), strict=True):
        assert {key: list(slot.shape) for key, slot in slots.items()} == theirs[name]


def test_names_of_other_sides():
    recipe = ganzoo.recipe("stackgan-pp-birds").set("stages.0.stage.resolution", 256)
    with torch.device("meta"):
        coarse, _, fine = discriminator_slots(ganzoo.plan(recipe.set("stages.0.stage.channels", 1)).build())
    assert "img_code_s64_2.0.weight" in coarse and "img_code_s128.0.weight" not in coarse
    blocks = {name.split(".")[0] for name in fine if name.startswith("img_code")}
    down, narrowing = (16, 32, 64, 128, 256), (1, 2, 3, 4)
    assert blocks == {f"img_code_s{s}" for s in down} | {f"img_code_s256_{n}" for n in narrowing}


def test_one_network_alone(pp):
    model = pp.plan().build()
    before = [{name: slot.clone() for name, slot in slots.items()} for slots in discriminator_slots(model)]
    StackGanPP().load(model, {"generator": pp.state()["generator"]})
    StackGanPP().load(model, {"discriminators": [None, pp.state()["discriminators"][1], None]})
    assert torch.equal(generator_slots(model)["ca_net.fc.bias"], pp.weights["G.ca_net.fc.bias"].float())
    after = discriminator_slots(model)
    assert [equal(*pair) for pair in zip(after, before, strict=True)] == [True, False, True]


def test_checkpoints_of_old_torch_count_no_batches(pp):
    state = pp.state("module.")
    for network in networks(state):
        for key in [key for key in network if key.endswith("num_batches_tracked")]:
            del network[key]
    model = pp.plan().build()
    StackGanPP().load(model, state)
    assert torch.equal(generator_slots(model)["ca_net.fc.bias"], pp.weights["G.ca_net.fc.bias"].float())


def change(network, key, value):
    if value is None:
        del network[key]
    else:
        network[key] = value


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        (
            "h_net4.fc.0.weight",
            torch.zeros(1),
            "h_net4.fc.0.weight is in the file, but not in the model",
        ),
        ("img_net3.img.0.weight", None, "netG.img_net3.img.0.weight is in the model, but not in the file"),
        ("ca_net.fc.bias", torch.zeros(3), "netG.ca_net.fc.bias is (3,) in the file, (20,) in the model"),
        ("module.ca_net.fc.bias", torch.zeros(20), "names of netG twice, with and without `module.`"),
    ],
)
def test_names_that_do_not_fit(pp, key, value, message):
    state, model = pp.state(), pp.plan().build()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    change(state["generator"], key, value)
    with pytest.raises(GanzooError, match=re.escape(message)):
        StackGanPP().load(model, state)
    assert equal(model.state_dict(), before)


def test_every_misfit_of_all_networks_is_listed(pp):
    state = pp.state()
    del state["generator"]["h_net1.fc.0.weight"]
    state["discriminators"][2]["logits.1.weight"] = torch.zeros(1)
    with pytest.raises(GanzooError) as caught:
        StackGanPP().load(pp.plan().build(), state)
    assert str(caught.value).splitlines()[1:] == [
        "  netG.h_net1.fc.0.weight is in the model, but not in the file",
        "  netD 2.logits.1.weight is in the file, but not in the model",
    ]


def test_networks_that_the_authors_do_not_have(pp):
    with pytest.raises(GanzooError, match=r"StackGAN\+\+ has a generator and .*; the weights have text"):
        StackGanPP().load(pp.plan().build(), {"text": {}})
    with pytest.raises(GanzooError, match="have 1 discriminators, the model has 3"):
        StackGanPP().load(pp.plan().build(), {"discriminators": [{}]})


def test_another_model(pp):
    model = pp.plan().build()
    model.stages.append(nn.Identity())
    with pytest.raises(
        GanzooError, match=r"stackgan/refine .*not InitialStage, RefiningStage, RefiningStage, Identity"
    ):
        StackGanPP().export(model)
    model = pp.plan().build()
    model.conditionings = nn.ModuleList()
    with pytest.raises(GanzooError, match=r"share one stackgan/ca \(Augmentation\), not nothing"):
        StackGanPP().export(model)
    model = pp.plan().build()
    model.discriminators["1"] = nn.Identity()
    with pytest.raises(GanzooError, match=r"\(TwoHeaded\); that of stage 1 is Identity"):
        StackGanPP().export(model)
