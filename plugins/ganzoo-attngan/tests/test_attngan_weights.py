"""The authors' names in and out of an AttnGAN model: bit for bit, every name accounted for."""

import json
import re
from pathlib import Path

import pytest
import torch
from ganzoo_attngan.weights import AttnGan, discriminator_slots, encoder_slots, generator_slots
from torch import nn

import ganzoo
from ganzoo.errors import GanzooError

KEYS = Path(__file__).parent / "golden" / "attngan_keys.json"


def equal(ours, theirs):
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k]) for k in theirs)


def networks(state):
    return [state["generator"], *state["discriminators"]]


def changed(state):
    """Weights that a fresh model does not have."""
    return {key: value + 1 for key, value in state.items()}


@pytest.fixture
def model(attngan):
    """A fresh model at the fixture's sizes, encoders of ours."""
    torch.manual_seed(0)
    return attngan.plan().build()


def test_authors_weights_come_out_as_they_went_in(attngan, model):
    out = ganzoo.export_official(ganzoo.load_official(model, "attngan", attngan.state()), "attngan")
    assert len(networks(out)) == 4
    for ours, theirs in zip(networks(out), networks(attngan.state()), strict=True):
        theirs = {k: v.float() if v.is_floating_point() else v for k, v in theirs.items()}
        assert equal(ours, theirs)


def test_own_weights_survive_the_way_out_and_in(attngan, model):
    other = attngan.plan().build()
    state = AttnGan().export(model)
    assert set(state) == {"generator", "discriminators", "text_encoder", "image_encoder"}
    AttnGan().load(other, state)
    assert equal(other.state_dict(), model.state_dict())


@pytest.mark.parametrize("name", ["text_encoder", "image_encoder"])
def test_an_encoder_alone(model, name):
    before = {key: value.clone() for key, value in model.state_dict().items()}
    AttnGan().load(model, {name: changed(AttnGan().export(model)[name])})
    moved = {k.split(".")[0] for k, v in model.state_dict().items() if not torch.equal(v, before[k])}
    assert moved == {name}


def test_encoders_of_other_plugins(attngan, model):
    model.image_encoder = nn.Identity()
    assert "image_encoder" not in AttnGan().export(model)
    with pytest.raises(GanzooError, match=r"image encoder fits attngan/cnn; that of the model is Identity"):
        AttnGan().load(model, {"image_encoder": {}})
    model.text_encoder = nn.Identity()
    with pytest.raises(GanzooError, match=r"text encoder fits attngan/rnn; that of the model is Identity"):
        AttnGan().load(model, {"text_encoder": {}})


@pytest.mark.parametrize(
    ("recipe", "family", "words"),
    [
        ("attngan-birds", "birds", 5449),
        ("attngan-coco", "coco", 27296),
        ("attndcgan-birds", "dcgan_birds", 5449),
    ],
)
def test_names_and_shapes_are_those_of_the_authors_checkpoints(recipe, family, words):
    """At the authors' width; the list was written by their code."""
    vocabulary = [f"w{number}" for number in range(words)]
    with torch.device("meta"):
        model = ganzoo.plan(ganzoo.recipe(recipe).set("text.vocabulary", vocabulary)).build()
    theirs = json.loads(KEYS.read_text())[family]
    ours = {"G": generator_slots(model)}
    sides = (64, 128, 256)[-len(model.discriminators) :]
    ours |= {f"D{s}": slots for s, slots in zip(sides, discriminator_slots(model), strict=True)}
    for name in ("text_encoder", "image_encoder"):
        if name in theirs:
            ours[name] = encoder_slots(model, name)
    made = {net: {key: list(slot.shape) for key, slot in slots.items()} for net, slots in ours.items()}
    assert made == theirs


def test_checkpoints_of_old_torch_count_no_batches(attngan, model):
    state = attngan.state()
    for network in networks(state):
        for key in [key for key in network if key.endswith("num_batches_tracked")]:
            del network[key]
    AttnGan().load(model, state)
    assert torch.equal(generator_slots(model)["ca_net.fc.bias"], attngan.weights["G.ca_net.fc.bias"].float())


def test_every_misfit_of_all_networks_is_listed(attngan, model):
    state, before = attngan.state(), {key: value.clone() for key, value in model.state_dict().items()}
    del state["generator"]["h_net2.att.conv_context.weight"]
    state["discriminators"][2]["COND_DNET.outlogits.1.weight"] = torch.zeros(1)
    state["text_encoder"] = AttnGan().export(model)["text_encoder"] | {"encoder.weight": torch.zeros(5, 300)}
    with pytest.raises(GanzooError) as caught:
        AttnGan().load(model, state)
    assert str(caught.value).splitlines()[1:] == [
        "  netG.h_net2.att.conv_context.weight is in the model, but not in the file",
        "  netD 2.COND_DNET.outlogits.1.weight is in the file, but not in the model",
        "  text encoder.encoder.weight is (5, 300) in the file, (1, 300) in the model",
    ]
    assert equal(model.state_dict(), before)


def test_networks_that_the_authors_do_not_have(model):
    with pytest.raises(GanzooError, match=r"AttnGAN has a generator and .*; the weights have audio"):
        AttnGan().load(model, {"audio": {}})


def test_another_model(attngan, model):
    model.stages.append(nn.Identity())
    with pytest.raises(
        GanzooError, match=r"attngan/attend .*not Augmentation, InitialStage, AttendingStage, .*Identity"
    ):
        AttnGan().export(model)
    model = attngan.plan().build()
    model.conditionings = nn.ModuleList()
    with pytest.raises(GanzooError, match=re.escape("share one stackgan/ca; it has 0 conditionings")):
        AttnGan().export(model)
    model = attngan.plan().build()
    model.discriminators["1"] = nn.Identity()
    with pytest.raises(GanzooError, match=r"\(Judge\); that of stage 1 is Identity"):
        AttnGan().export(model)
