"""Towers and heads of discriminators against their definitions."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ganzoo.nn.judging import ConditionalHead, UnconditionalHead, tower, tower_width


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
