"""The authors' tensors into ours: every name accounted for, all or nothing."""

import pytest
import torch
from torch import nn

from ganzoo.errors import GanzooError
from ganzoo.official import Network, copies, fill, named, networks, trunk_names


def slots():
    return {
        "a.weight": torch.zeros(2, 3),
        "a.running_mean": torch.zeros(2),
        "a.num_batches_tracked": torch.tensor(4),
    }


def test_tensors_are_copied_in_the_models_own_dtype():
    ours = slots()
    fill([Network("netG", {"a.weight": torch.ones(2, 3).double(), "a.running_mean": torch.ones(2)}, ours)])
    assert torch.equal(ours["a.weight"], torch.ones(2, 3))
    assert int(ours["a.num_batches_tracked"]) == 4


def test_all_misfits_of_all_networks_before_anything_is_changed():
    first, second = slots(), slots()
    fits = {"a.weight": torch.ones(2, 3), "a.running_mean": torch.ones(2)}
    wrong = {"a.weight": torch.ones(3, 2), "b.weight": torch.ones(1)}
    with pytest.raises(GanzooError) as caught:
        fill([Network("netG", fits, first), Network("netD 1", wrong, second)])
    assert str(caught.value).splitlines() == [
        "the authors' weights do not fit the model:",
        "  netD 1.a.running_mean is in the model, but not in the file",
        "  netD 1.a.weight is (3, 2) in the file, (2, 3) in the model",
        "  netD 1.b.weight is in the file, but not in the model",
    ]
    assert not first["a.weight"].any()


def test_names_as_data_parallel_saves_them():
    state = {"generator": {"module.a.weight": torch.ones(2, 3)}, "discriminators": [None, {"b": 1}]}
    generator, judge = networks("Some GAN", state, slots, lambda: [slots(), slots()])
    assert set(generator.theirs) == {"a.weight"} and generator.name == "netG"
    assert judge.theirs == {"b": 1} and judge.name == "netD 1"


@pytest.mark.parametrize(
    ("state", "message"),
    [
        ({"encoder": {}}, "Some GAN has a generator and discriminators; the weights have encoder"),
        ({"discriminators": [{}]}, "have 1 discriminators, the model has 2; give one for each, coarse to"),
        ({"generator": {"module.a": 1, "a": 2}}, "names of netG twice, with and without `module.`"),
    ],
)
def test_states_that_cannot_be(state, message):
    with pytest.raises(GanzooError, match=message):
        list(networks("Some GAN", state, slots, lambda: [slots(), slots()]))


def test_copies_are_apart_from_the_model():
    ours = slots()
    made = copies(ours)
    ours["a.weight"].fill_(5)
    assert not made["a.weight"].any()


def test_trunks_are_named_by_how_far_down_they_are():
    def block(stride):
        return [nn.Conv2d(1, 1, 3, stride, 1), nn.BatchNorm2d(1), nn.LeakyReLU()]

    first = [nn.Identity()] * 11
    blocks = dict(trunk_names([*first, *block(2), *block(2), *block(1), *block(1)]))
    assert list(blocks) == [
        "img_code_s16",
        "img_code_s32",
        "img_code_s64",
        "img_code_s64_1",
        "img_code_s64_2",
    ]
    assert [len(layers) for layers in blocks.values()] == [11, 3, 3, 3, 3]


def test_tensors_keep_their_names_behind_a_prefix():
    layer = nn.Linear(2, 3)
    tensors = dict(named("fc.0", layer))
    assert list(tensors) == ["fc.0.weight", "fc.0.bias"] and tensors["fc.0.weight"] is layer.weight
