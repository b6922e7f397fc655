"""A network of timm's with random weights in a file, so that nothing is downloaded."""

import pytest
import timm
import torch

TINY = "timm/test_resnet"


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A file of the tiny network's weights."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        state = timm.create_model("test_resnet", pretrained=False).state_dict()
    path = tmp_path_factory.mktemp("weights") / "tiny.pth"
    torch.save(state, path)
    return path


@pytest.fixture
def looking(weights):
    """`looking("kid", ...)`: that metric with the tiny network."""
    return lambda use, **options: {"use": use, "backbone": TINY, "weights": str(weights), **options}
