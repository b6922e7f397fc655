import pytest
import torch

from ganzoo.metrics.diversity import distances, statistics, value


def test_against_a_loop():
    torch.manual_seed(0)
    layers = [torch.randn(2, 3, 4, 5, 5).double(), torch.randn(2, 3, 6, 2, 2).double()]
    found = distances(layers)
    for caption in range(2):
        for pair, (i, j) in enumerate([(0, 1), (0, 2), (1, 2)]):
            expected = 0.0
            for maps in layers:
                x, y = maps[caption, i], maps[caption, j]
                difference = x / x.norm(dim=0, keepdim=True) - y / y.norm(dim=0, keepdim=True)
                expected += difference.square().sum(0).mean()
            assert found[caption, pair].item() == pytest.approx(float(expected), rel=1e-9)


def test_equal_samples_have_none():
    maps = torch.randn(2, 1, 4, 3, 3).expand(-1, 4, -1, -1, -1)
    assert value(statistics([maps])) == {"diversity": 0.0}


def test_opposite_features_are_two_apart():
    maps = torch.ones(1, 2, 1, 2, 2)
    maps[:, 1] = -1
    assert value(statistics([maps])) == {"diversity": 4.0}
