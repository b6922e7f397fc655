import torch
from torch import nn

from ganzoo.ema import Ema


def test_average_by_hand_and_buffers_copied():
    module = nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2))
    start = module[0].weight.detach().clone()
    ema = Ema(module, 0.9)
    with torch.no_grad():
        module[0].weight.add_(1.0)
    module[1](torch.randn(8, 2))
    ema.update(0)
    torch.testing.assert_close(ema.state["0.weight"], start + 0.1)
    assert torch.equal(ema.state["1.running_mean"], module[1].running_mean)
    assert int(ema.state["1.num_batches_tracked"]) == 1


def test_applied_swaps_and_restores():
    module = nn.Linear(2, 2)
    ema = Ema(module, 0.5)
    before = module.weight.detach().clone()
    with torch.no_grad():
        module.weight.add_(1.0)
    with ema.applied():
        assert torch.equal(module.weight, before)
    assert torch.equal(module.weight, before + 1)


def test_frozen_parameters_are_copied():
    module = nn.Linear(2, 2).requires_grad_(False)
    ema = Ema(module, 0.5)
    module.weight.data.add_(2.0)
    ema.update(0)
    assert torch.equal(ema.state["weight"], module.weight)


def test_load_goes_on_from_saved_averages():
    module = nn.Linear(2, 2)
    ema = Ema(module, 0.5)
    ema.load({name: torch.full_like(value, 3.0) for name, value in ema.state.items()})
    assert float(ema.state["weight"].mean()) == 3.0


def test_warmup_forgets_the_start():
    module = nn.Linear(1, 1, bias=False)
    start = module.weight.detach().clone()
    ema = Ema(module, 0.999, warmup=True)
    with torch.no_grad():
        module.weight.add_(1.0)
    ema.update(0)
    torch.testing.assert_close(ema.state["weight"], start + 0.9)
    late = Ema(module, 0.9, warmup=True)
    with torch.no_grad():
        module.weight.add_(1.0)
    late.update(10_000)
    torch.testing.assert_close(late.state["weight"], start + 1.1)


def test_hand_on_leaves_the_averages_in_the_module():
    module = nn.Linear(2, 2)
    ema = Ema(module, 0.5)
    before = module.weight.detach().clone()
    with torch.no_grad():
        module.weight.add_(1.0)
    ema.update(0)
    ema.hand_on()
    torch.testing.assert_close(module.weight.detach(), before + 0.5)
