"""StackGAN-v1's names in and out of a model: bit for bit, every name accounted for."""

import json
import re
from pathlib import Path

import pytest
import torch
from ganzoo_stackgan.weights_v1 import StackGanV1, discriminator_slots, generator_slots
from torch import nn

import ganzoo
from ganzoo.errors import GanzooError

KEYS = Path(__file__).parent / "golden" / "stackgan_v1_keys.json"


def equal(ours, theirs):
    return ours.keys() == theirs.keys() and all(torch.equal(ours[k], theirs[k].to(ours[k])) for k in theirs)


def test_authors_weights_come_out_as_they_went_in(v1):
    out, expected = StackGanV1().export(v1.model(torch.float32)), v1.state()
    assert equal(out["generator"], expected["generator"])
    assert len(out["discriminators"]) == 1
    assert equal(out["discriminators"][0], expected["discriminators"][0])


def test_own_weights_survive_the_way_out_and_in(v1):
    torch.manual_seed(0)
    model, other = v1.plan().build(), v1.plan().build()
    StackGanV1().load(other, StackGanV1().export(model))
    assert equal(other.state_dict(), model.state_dict())


def test_names_and_shapes_at_the_authors_width():
    """The key lists were written by the authors' code, at coco_s1.yml and coco_s2.yml."""
    recipe = ganzoo.recipe("stackgan-v1-coco")
    stages = recipe.to_dict()["stages"]
    rough = recipe.set("training.stage-2", None).set("stages", stages[:1])
    with torch.device("meta"):
        first, both = ganzoo.plan(rough).build(), ganzoo.plan(recipe).build()
    theirs = json.loads(KEYS.read_text())
    ours = {
        "stage1_G": generator_slots(first),
        "stage2_G": generator_slots(both),
        "stage1_D": discriminator_slots(both)[0],
        "stage2_D": discriminator_slots(both)[1],
    }
    for name, slots in ours.items():
        assert {key: list(slot.shape) for key, slot in slots.items()} == theirs[name]


def test_counters_of_batch_norm_may_be_missing(v1):
    """The checkpoints that the authors released are older than these."""
    state = v1.state()
    netG = {key: value for key, value in state["generator"].items() if "num_batches_tracked" not in key}
    assert len(netG) < len(state["generator"])
    model = v1.plan().build()
    StackGanV1().load(model, {"generator": netG})
    out = StackGanV1().export(model)["generator"]
    assert out.keys() == state["generator"].keys()
    assert equal({key: out[key] for key in netG}, netG)


def test_one_network_alone(v1):
    model = v1.plan().build()
    before = {key: value.clone() for key, value in model.discriminators.state_dict().items()}
    StackGanV1().load(model, {"generator": v1.state()["generator"], "discriminators": [None]})
    assert equal(model.discriminators.state_dict(), before)
    start = {key: value.clone() for key, value in model.stages.state_dict().items()}
    StackGanV1().load(model, {"discriminators": v1.state()["discriminators"]})
    assert equal(model.stages.state_dict(), start)


def both_stages(v1_stage2):
    """The recipe of stage II with a discriminator at stage I too."""
    tree = v1_stage2.tree()
    judge = {"use": "stackgan/stage1_discriminator", "channels": 3}
    tree["stages"][0]["discriminator"] = judge
    return v1_stage2.plan(tree).build()


def test_discriminators_of_both_stages(v1_stage2):
    torch.manual_seed(0)
    model, other = both_stages(v1_stage2), both_stages(v1_stage2)
    out = StackGanV1().export(model)
    assert ["get_uncond_logits.outlogits.0.bias" in netD for netD in out["discriminators"]] == [False, True]
    StackGanV1().load(other, out)
    assert equal(other.state_dict(), model.state_dict())


def test_files_of_both_networks_become_a_run(v1, tmp_path):
    state, files = v1.state(), {}
    for name, part in (("generator", state["generator"]), ("discriminators", state["discriminators"][0])):
        files[name] = tmp_path / f"{name}.pth"
        torch.save(part, files[name])
    files["discriminators"] = [files["discriminators"]]
    run = ganzoo.convert("stackgan-v1", files, v1.plan().recipe, tmp_path / "official")
    assert equal(ganzoo.load(run).state_dict(), v1.model(torch.float32).state_dict())


def change(network, name, value):
    if value is None:
        del network[name]
    else:
        network[name] = value


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("fc.9.weight", torch.zeros(1), "netG.fc.9.weight is in the file, but not in the model"),
        ("img.0.weight", None, "netG.img.0.weight is in the model, but not in the file"),
        ("ca_net.fc.bias", torch.zeros(3), "netG.ca_net.fc.bias is (3,) in the file, (10,) in the model"),
        ("upsample1.2.bias", [0.0], "netG.upsample1.2.bias is list in the file"),
    ],
)
def test_names_that_do_not_fit(v1, name, value, message):
    state, model = v1.state(), v1.plan().build()
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    change(state["generator"], name, value)
    with pytest.raises(GanzooError, match=re.escape(message)):
        StackGanV1().load(model, state)
    assert equal(model.state_dict(), before)


def test_every_misfit_of_all_networks_is_listed(v1):
    state = v1.state()
    del state["generator"]["ca_net.fc.weight"]
    state["discriminators"][0]["encode_img.1.weight"] = torch.zeros(1)
    with pytest.raises(GanzooError) as caught:
        StackGanV1().load(v1.plan().build(), state)
    head, *misfits = str(caught.value).splitlines()
    assert head == "the authors' weights do not fit the model:"
    assert len(misfits) == 2
    assert misfits[0].endswith("netG.ca_net.fc.weight is in the model, but not in the file")
    assert misfits[1].endswith("encode_img.1.weight is in the file, but not in the model")


def test_stage_one_alone_does_not_fill_both_stages(v1_stage2):
    state = v1_stage2.state()
    first = {
        key.removeprefix("STAGE1_G."): value
        for key, value in state["generator"].items()
        if key.startswith("STAGE1_G.")
    }
    with pytest.raises(GanzooError, match=r"netG\.STAGE1_G\.fc\.0\.weight is in the model, but not in"):
        StackGanV1().load(v1_stage2.plan().build(), {"generator": first})


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"text_encoder": {}}, "has a generator and discriminators; the .*weights have text_encoder"),
        ({"discriminators": [{}, {}]}, "the authors' weights have 2 discriminators, the model has 1"),
    ],
)
def test_networks_that_the_authors_do_not_have(v1, state, message):
    with pytest.raises(GanzooError, match=message):
        StackGanV1().load(v1.plan().build(), state)


def test_other_models(v1_stage2):
    model = v1_stage2.plan().build()
    model.conditionings = nn.ModuleList(list(model.conditionings)[:1])
    with pytest.raises(GanzooError, match=r"a stackgan/ca of its own \(Augmentation\), not Augmentation for"):
        StackGanV1().export(model)
    model.stages = nn.ModuleList([nn.Identity()])
    with pytest.raises(GanzooError, match=r"stackgan/stage1.*\(Sketch, Refinement\), not Identity"):
        StackGanV1().export(model)
    model.stages = nn.ModuleList()
    with pytest.raises(GanzooError, match="not nothing"):
        StackGanV1().export(model)
    model = v1_stage2.plan().build()
    model.discriminators["1"] = nn.Identity()
    with pytest.raises(GanzooError, match=r"\(Judge\); that of stage 1 is Identity"):
        StackGanV1().load(model, {"discriminators": [{}]})
