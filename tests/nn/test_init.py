"""Random starts."""

import pytest
import torch
from torch import nn

from ganzoo.nn.init import normal_start, orthogonal_start


def layers_of_every_kind():
    torch.manual_seed(0)
    layers = [nn.Conv2d(64, 32, 4), nn.Linear(200, 100), nn.BatchNorm2d(400), nn.BatchNorm1d(400)]
    return nn.ModuleList(layers).requires_grad_(False)


@pytest.mark.parametrize("start", [normal_start, orthogonal_start])
def test_starts_set_all_but_the_biases_of_convolutions(start):
    layers = layers_of_every_kind()
    bias = layers[0].bias.clone()
    start(layers)
    assert torch.equal(layers[0].bias, bias) and bias.any()
    assert not any(layer.bias.any() for layer in layers[1:])
    for norm in layers[2:]:
        assert float(norm.weight.mean()) == pytest.approx(1, abs=0.005)
        assert float(norm.weight.std()) == pytest.approx(0.02, rel=0.2)


def test_normal_start_has_a_deviation_of_a_fiftieth():
    layers = layers_of_every_kind()
    normal_start(layers)
    for layer in layers[:2]:
        assert float(layer.weight.mean()) == pytest.approx(0, abs=1e-3)
        assert float(layer.weight.std()) == pytest.approx(0.02, rel=0.05)


def test_orthogonal_start_has_orthonormal_rows():
    layers = layers_of_every_kind()
    orthogonal_start(layers)
    for layer in layers[:2]:
        rows = layer.weight.flatten(1)
        assert torch.allclose(rows @ rows.T, torch.eye(len(rows)), atol=1e-5)
