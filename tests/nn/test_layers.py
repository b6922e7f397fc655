"""The shared generator layers against their definitions."""

import pytest
import torch
import torch.nn.functional as F

from ganzoo.nn.layers import GLU, ResidualBlock, UpBlock


def test_glu_gates_the_first_half():
    x = torch.randn(2, 6, 3, 3)
    assert torch.equal(GLU()(x), x[:, :3] * x[:, 3:].sigmoid())


@pytest.mark.parametrize("gated", [False, True])
def test_up_block_is_upsampling_then_convolution(gated):
    block, x = UpBlock(4, 3, gated=gated).eval(), torch.randn(2, 4, 5, 5)
    conv, norm, _ = block.layers
    out = norm(F.conv2d(x.repeat_interleave(2, 2).repeat_interleave(2, 3), conv.weight, padding=1))
    expected = out[:, :3] * out[:, 3:].sigmoid() if gated else out.clamp(min=0)
    assert torch.allclose(block(x), expected, atol=1e-6)
    assert conv.bias is None


@pytest.mark.parametrize("gated", [False, True])
def test_residual_block_is_activated_behind_the_sum_only_where_plain(gated):
    block, x = ResidualBlock(4, gated=gated).eval(), torch.randn(2, 4, 5, 5)
    total = x + block.body(x)
    assert torch.equal(block(x), total if gated else total.clamp(min=0))
    assert (total < 0).any()
