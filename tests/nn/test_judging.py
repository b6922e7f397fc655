"""Towers and heads of discriminators against their definitions."""

import copy

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ganzoo.nn.judging import ConditionalHead, UnconditionalHead, apart, tower, tower_width


@settings(max_examples=12, deadline=None)
@given(power=st.integers(3, 8), channels=st.integers(1, 3))
def test_towers_end_in_a_map_of_4(power, channels):
    side = 2**power
    layers = tower(side, channels)
    assert layers(torch.randn(2, 3, side, side)).shape == (2, tower_width(side, channels), 4, 4)
    assert all(layer.bias is None for layer in layers if isinstance(layer, nn.Conv2d))
    assert not isinstance(layers[1], nn.BatchNorm2d)


@pytest.mark.parametrize("code_first", [False, True])
def test_conditional_head_joins_map_and_code_in_the_order_asked_for(code_first):
    head = ConditionalHead(6, 5, code_first=code_first).eval()
    features, code = torch.randn(3, 6, 4, 4), torch.randn(3, 5)
    spread = code.reshape(3, 5, 1, 1).repeat(1, 1, 4, 4)
    joined = torch.cat((spread, features) if code_first else (features, spread), 1)
    expected = F.conv2d(head.joint(joined), head.logit.weight, head.logit.bias).view(-1)
    assert torch.allclose(head(features, code), expected, atol=1e-6)


def test_unconditional_head_gives_a_logit_a_picture():
    head, features = UnconditionalHead(6), torch.randn(3, 6, 4, 4)
    expected = (features * head.logit.weight).sum((1, 2, 3)) + head.logit.bias
    assert torch.allclose(head(features), expected, atol=1e-5)


def called_by_weight(layers):
    """How often each convolution of `layers` is called, counted from now on."""
    calls = {layer: 0 for layer in layers if isinstance(layer, nn.Conv2d)}

    def count(layer, *_):
        calls[layer] += 1

    for layer in calls:
        layer.register_forward_hook(count)
    return calls


@pytest.mark.parametrize(("side", "channels", "passes"), [(32, 2, [3, 3, 3]), (64, 8, [3, 3, 3, 1])])
def test_batches_apart_are_as_if_called_in_turn(side, channels, passes):
    """In float64: the maps, every gradient, and the running statistics."""
    torch.manual_seed(0)
    together = tower(side, channels).double()
    in_turn = copy.deepcopy(together)
    batches = [
        torch.randn(rows, 3, side, side, dtype=torch.float64, requires_grad=True) for rows in (3, 2, 3)
    ]
    calls = called_by_weight(together)
    ours, plain = apart(together, batches), [in_turn(batch) for batch in batches]
    assert list(calls.values()) == passes
    seeds = [torch.randn_like(x) for x in plain]
    mine = torch.autograd.grad(ours, [*batches, *together.parameters()], seeds)
    theirs = torch.autograd.grad(plain, [*batches, *in_turn.parameters()], seeds)
    for one, other in zip((*ours, *mine), (*plain, *theirs), strict=True):
        torch.testing.assert_close(one, other, rtol=1e-9, atol=1e-11)
    for one, other in zip(together.buffers(), in_turn.buffers(), strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=1e-12)
