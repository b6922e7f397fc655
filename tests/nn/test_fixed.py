import torch
from torch import nn

from ganzoo.nn.fixed import count_fixed, fixed


def test_fixed_layers_keep_their_values():
    layer = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    before = {name: value.clone() for name, value in layer.state_dict().items()}
    fixed(layer)
    assert layer.state_dict().keys() == before.keys() and not list(layer.parameters())
    assert all(torch.equal(value, before[name]) for name, value in layer.state_dict().items())
    assert layer(torch.ones(1, 2)).requires_grad is False


def test_fixed_weights_are_counted_and_running_statistics_are_not():
    layers = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Linear(2, 2))
    assert count_fixed(layers) == 0
    fixed(layers[:2])
    assert count_fixed(layers) == (3 * 4 + 4) + (4 + 4)
