"""What drawing costs."""

import pytest
import torch
from torch import nn

from ganzoo.bench.sampling import _Living, flops, parameters, sampling


@pytest.fixture(scope="module")
def model(plan):
    torch.manual_seed(0)
    return plan.build().eval()


def test_time_and_memory(model):
    found = sampling(model, model.text_encoder.tokenize(["a red circle"]), None)
    pictures = 16 * 3 * 16 * 16 * 4
    assert found.latency > 0 and found.throughput > 0 and found.peak_memory >= pictures


def test_arithmetic_is_that_of_one_picture(model):
    tokens = model.text_encoder.tokenize(["a red circle", "a blue star"])
    assert flops(model, tokens, None) == flops(model, tokens.rows(slice(0, 1)), None) > 10_000


def test_weights(model):
    found = parameters(model)
    discriminators = sum(p.numel() for p in model.discriminators.parameters())
    assert found["all"] - found["generator"] == discriminators > 0


def test_memory_at_the_worst_moment():
    """Two buffers of 4,000 bytes live at once, never three; one lives on."""
    with _Living() as living:
        x = torch.zeros(1000)
        for _ in range(5):
            x = nn.functional.relu(x)
    assert living.most == 8000
    with _Living() as living:
        x = torch.zeros(1000).view(10, 100)  # a view has no memory of its own
        x.add_(1)
    assert living.most == 4000
