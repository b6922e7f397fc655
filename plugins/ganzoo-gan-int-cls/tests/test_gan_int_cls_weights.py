"""The authors' paths in and out of a model: bit for bit, every path accounted for."""

import re

import pytest
import torch
from ganzoo_gan_int_cls.conditionings import Projection
from ganzoo_gan_int_cls.stages import Generator
from ganzoo_gan_int_cls.weights import GanIntCls, slots
from torch import nn

from ganzoo.errors import GanzooError
from ganzoo.specs import ConditionSpec, StageGiven


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


@pytest.mark.parametrize("bias", [False, True])
def test_authors_weights_come_out_as_they_went_in(golden, bias):
    out = GanIntCls().export(golden.model(torch.float32, bias=bias))
    expected = bare(golden.state())
    assert equal(out["generator"], expected["generator"])
    assert equal(out["discriminators"][0], expected["discriminators"][0])


@pytest.mark.parametrize("bias", [False, True])
def test_own_weights_survive_the_way_out_and_in(golden, bias):
    torch.manual_seed(0)
    model, other = golden.plan(bias=bias).build(), golden.plan(bias=bias).build()
    GanIntCls().load(other, GanIntCls().export(model))
    assert equal(other.state_dict(), model.state_dict())


def test_one_network_alone(birds):
    model = birds.plan().build()
    before = {path: slot.clone() for path, slot in slots(model, "netD").items()}
    GanIntCls().load(model, {"generator": bare(birds.state())["generator"]})
    assert torch.equal(slots(model, "netG")["3.weight"], birds.weights["netG.3.weight"])
    assert equal(slots(model, "netD"), before)
    model.discriminators = nn.ModuleDict()
    assert GanIntCls().export(model)["discriminators"] == []


def test_biases_of_convolutions_are_read_where_the_model_has_them(birds):
    state = birds.state()
    state["generator"]["netG.19.bias"] = torch.tensor([0.5, -0.5, 0.25])
    live, absent = birds.plan(bias=True).build(), birds.plan().build()
    for model in (live, absent):
        GanIntCls().load(model, state)
    assert torch.equal(live.stages[0].layers[-2].bias, state["generator"]["netG.19.bias"])
    assert not GanIntCls().export(absent)["generator"]["19.bias"].any()


def test_paths_of_the_large_generator():
    model = nn.Module()
    condition = ConditionSpec(generator_code=3, discriminator_code=4)
    model.stages = nn.ModuleList([Generator(channels=2, large=True).build(StageGiven(5, condition))])
    model.conditionings = nn.ModuleList([Projection(4, 3)])
    paths = {re.match(r"[\d.]+(?=\.)", path).group() for path in slots(model, "netG")}
    inner = [f"{block}.2.{layer}" for block in (5, 7, 12, 14) for layer in (1, 2, 4, 5, 7, 8)]
    assert paths == {"1.2.1", "3", "4", "10", "11", "17", "18", "20", "21", "23", *inner}


def change(network, path, value):
    if value is None:
        del network[path]
    else:
        network[path] = value


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ("netG.99.weight", torch.zeros(1), "netG.99.weight is in the file, but not in the model"),
        ("netG.3.weight", None, "netG.3.weight is in the model, but not in the file"),
        (
            "netG.1.2.1.weight",
            torch.zeros(5, 13),
            "netG.1.2.1.weight is (5, 13) in the file, (5, 12) in the model",
        ),
        ("netG.4.bias", [0.0], "netG.4.bias is list in the file, (48,) in the model"),
        ("4.bias", torch.zeros(48), "paths of netG twice, with and without `netG.`"),
    ],
)
def test_paths_that_do_not_fit(birds, path, value, message):
    state, model = birds.state(), birds.plan().build()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    change(state["generator"], path, value)
    with pytest.raises(GanzooError, match=re.escape(message)):
        GanIntCls().load(model, state)
    assert equal(model.state_dict(), before)


def test_every_misfit_of_both_networks_is_listed(birds):
    state = birds.state()
    del state["generator"]["netG.3.weight"]
    state["discriminators"][0]["netD.7.weight"] = torch.zeros(1)
    with pytest.raises(GanzooError) as caught:
        GanIntCls().load(birds.plan().build(), state)
    assert str(caught.value).splitlines() == [
        "the authors' weights do not fit the model:",
        "  netG.3.weight is in the model, but not in the file",
        "  netD.7.weight is in the file, but not in the model",
    ]


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"text_encoder": {}}, "one generator and one discriminator; the authors' weights have text_encoder"),
        ({"discriminators": [{}, {}]}, "the authors' weights have 2 discriminators"),
    ],
)
def test_networks_that_the_authors_do_not_have(birds, state, message):
    with pytest.raises(GanzooError, match=message):
        GanIntCls().load(birds.plan().build(), state)


def test_another_model(birds):
    model = birds.plan().build()
    model.stages.append(nn.Identity())
    with pytest.raises(
        GanzooError, match=r"one gan_int_cls/generator \(Upsampler\) in its stages, not Upsampler, Identity"
    ):
        GanIntCls().load(model, birds.state())
    model.stages = nn.ModuleList()
    with pytest.raises(GanzooError, match="not nothing"):
        GanIntCls().export(model)
