"""The faster forms against the plain ones, in float64: outputs and every gradient."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from ganzoo.nn.convolutions import CodeConv, Folding, UpsamplingConv

SIDES = [(1, 1), (2, 3), (3, 2), (4, 4), (5, 9), (8, 16)]


def gradients(out, *inputs):
    seed = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view_as(out)
    return torch.autograd.grad((out * seed).sum(), inputs)


def drawn(*shape):
    return torch.randn(*shape, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("inputs", [3, 300])
@pytest.mark.parametrize(("height", "width"), SIDES)
def test_upsampling_convolution_is_the_plain_one(inputs, height, width):
    torch.manual_seed(0)
    conv, x = UpsamplingConv(inputs, 4).double(), drawn(2, inputs, height, width)
    ours, plain = conv(x), F.conv2d(F.interpolate(x, scale_factor=2), conv.weight, padding=1)
    assert ours.shape == (2, 4, 2 * height, 2 * width)
    torch.testing.assert_close(ours, plain, rtol=0, atol=1e-12)
    for mine, theirs in zip(gradients(ours, x, conv.weight), gradients(plain, x, conv.weight), strict=True):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-11)


@pytest.mark.parametrize(
    ("inputs", "side", "products"), [(64, 4, 4), (65, 4, 9), (1024, 16, 4), (1025, 16, 9)]
)
def test_upsampling_convolution_multiplies_less_where_that_pays(inputs, side, products):
    with FlopCounterMode(display=False) as counter:
        UpsamplingConv(inputs, 1)(torch.zeros(1, inputs, side, side))
    assert counter.get_total_flops() == 2 * inputs * (2 * side) ** 2 * products


@pytest.mark.parametrize("code_first", [True, False])
@pytest.mark.parametrize(("height", "width"), SIDES)
def test_code_convolution_is_the_plain_one(height, width, code_first):
    torch.manual_seed(0)
    conv = CodeConv(3, 2, 4, code_first=code_first).double()
    code, features = drawn(2, 3), drawn(2, 2, height, width)
    tiled = code[:, :, None, None].repeat(1, 1, height, width)
    ours = conv(code, features)
    plain = conv.conv(torch.cat([tiled, features] if code_first else [features, tiled], 1))
    torch.testing.assert_close(ours, plain, rtol=0, atol=1e-12)
    weight = conv.conv.weight
    for mine, theirs in zip(
        gradients(ours, code, features, weight), gradients(plain, code, features, weight), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=0, atol=1e-11)


def test_parameters_are_those_of_the_plain_form():
    assert {k: tuple(v.shape) for k, v in UpsamplingConv(2, 5).named_parameters()} == {"weight": (5, 2, 3, 3)}
    conv = CodeConv(3, 2, 5, code_first=True)
    assert {k: tuple(v.shape) for k, v in conv.named_parameters()} == {"conv.weight": (5, 5, 3, 3)}


@pytest.mark.parametrize(
    "conv",
    [
        nn.Conv2d(3, 4, 3, padding=1),
        nn.Conv2d(3, 4, 1, bias=False),
        UpsamplingConv(3, 4),
        UpsamplingConv(300, 4),
    ],
    ids=["3x3", "1x1", "up", "up plain"],
)
def test_a_batch_norm_in_the_convolution_before_it(conv):
    torch.manual_seed(0)
    norm = nn.BatchNorm2d(4)
    for part in (norm.weight, norm.bias, norm.running_mean):
        nn.init.normal_(part)
    nn.init.uniform_(norm.running_var, 0.5, 2)
    layers = Folding(nn.Identity(), conv, norm, nn.ReLU(), nn.BatchNorm2d(4)).double().eval()
    x = drawn(2, conv.in_channels, 5, 7)
    assert layers(x).requires_grad, "with gradients it is a sequence like any other"
    with torch.no_grad():
        torch.testing.assert_close(layers(x), nn.Sequential(*layers)(x), rtol=0, atol=1e-12)


def test_statistics_move_without_gradients_too():
    layers = Folding(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4))
    with torch.no_grad():
        x = torch.randn(2, 3, 2, 2)
        assert torch.equal(layers(x), nn.Sequential(*layers)(x))
    assert layers[1].num_batches_tracked == 2
