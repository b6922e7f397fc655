import pytest
import torch
from pydantic import TypeAdapter, ValidationError
from torch import nn

from ganzoo.optimizers import MOMENTS, Adam, AdamW, Decay, load_moments


def run(optimizer, gradients):
    weight = torch.nn.Parameter(torch.ones(3, dtype=torch.float64))
    torch_optimizer = optimizer.build([weight])
    for gradient in gradients:
        weight.grad = torch.tensor(gradient, dtype=torch.float64)
        torch_optimizer.step()
    return weight.detach()


def by_hand(lr, betas, eps, gradients, torch7):
    x = torch.ones(3, dtype=torch.float64)
    m, v = torch.zeros_like(x), torch.zeros_like(x)
    for t, gradient in enumerate(gradients, 1):
        g = torch.tensor(gradient, dtype=torch.float64)
        m = betas[0] * m + (1 - betas[0]) * g
        v = betas[1] * v + (1 - betas[1]) * g * g
        c1, c2 = 1 - betas[0] ** t, 1 - betas[1] ** t
        x = x - (
            lr * c2**0.5 / c1 * m / (v.sqrt() + eps) if torch7 else lr / c1 * m / ((v / c2).sqrt() + eps)
        )
    return x


@pytest.mark.parametrize("torch7", [False, True])
def test_adam_by_hand(torch7):
    gradients = [[1e-6, 0.3, -2.0], [3e-7, -0.1, 1.0], [1e-8, 0.2, 0.0]]
    ours = run(Adam(lr=0.01, betas=(0.5, 0.999), torch7=torch7), gradients)
    torch.testing.assert_close(ours, by_hand(0.01, (0.5, 0.999), 1e-8, gradients, torch7), rtol=1e-12, atol=0)


def test_torch7_differs_where_gradients_are_tiny():
    gradients = [[1e-7, 1e-7, 1e-7]]
    assert not torch.allclose(run(Adam(torch7=True), gradients), run(Adam(), gradients), rtol=1e-9, atol=0)


def test_torch7_restores_its_epsilon():
    weight = torch.nn.Parameter(torch.ones(1))
    optimizer = Adam(torch7=True).build([weight])
    weight.grad = torch.ones(1)
    optimizer.step()
    assert optimizer.param_groups[0]["eps"] == 1e-8


def test_adamw_decays_weights():
    assert float(run(AdamW(lr=0.1, weight_decay=0.5), [[0.0, 0.0, 0.0]])[0]) == pytest.approx(0.95)


def test_decay_every_and_at():
    every = Adam(lr=1.0, decay=Decay(factor=0.98, every=1))
    assert [every.lr_after(e) for e in (0, 1, 2)] == pytest.approx([1, 0.98, 0.98**2])
    least = Adam(lr=2.0, decay=Decay(factor=0.98, every=1, least=0.1))
    assert [least.lr_after(e) for e in (113, 114, 600)] == pytest.approx([2 * 0.98**113, 0.2, 0.2])
    at = Adam(lr=1.0, decay=Decay(factor=0.5, at=(99, 199)))
    assert [at.lr_after(e) for e in (0, 98, 99, 198, 199)] == [1, 1, 0.5, 0.5, 0.25]


def test_options_are_validated():
    adapter = TypeAdapter(Adam)
    assert adapter.validate_python({"lr": "1e-4"}).lr == 1e-4
    assert adapter.validate_python({"clip": {"text": 0.25}}).clip == {"text": 0.25}
    for wrong in ({"lr": -1}, {"betas": [0.5, 1.0]}, {"decay": {"factor": 0.5}}, {"momentum": 0.9}):
        with pytest.raises(ValidationError):
            adapter.validate_python(wrong)


def test_moments_come_back_and_options_do_not():
    weights = [nn.Parameter(torch.ones(2, 3)), nn.Parameter(torch.ones(4))]
    one, two = (Adam(lr=lr).build(weights) for lr in (0.1, 0.2))
    sum(w.sum() for w in weights).backward()
    one.step()
    load_moments(two, one.state_dict())
    assert two.param_groups[0]["lr"] == 0.2
    for weight in weights:
        for name in MOMENTS:
            assert torch.equal(one.state[weight][name], two.state[weight][name])


def moments(**changed):
    good = {"step": torch.ones(()), "exp_avg": torch.ones(2), "exp_avg_sq": torch.ones(2)}
    return {"state": {0: {name: value for name, value in (good | changed).items() if value is not None}}}


@pytest.mark.parametrize(
    "saved, said",
    [
        ([], "there is no optimizer's state"),
        ({}, "there is no optimizer's state"),
        ({"state": 1}, "there is no optimizer's state"),
        ({"state": {1: {}}}, "they are of weight 1 too, here are 1"),
        ({"state": {"x": {}}}, "they are of weight 'x' too"),
        ({"state": {0: 1}}, "weight 0 has not just step, exp_avg, exp_avg_sq"),
        (moments(exp_avg=None), "weight 0 has not just"),
        (moments(more=1), "weight 0 has not just"),
        (moments(exp_avg="x"), r"`exp_avg` of weight 0 is no tensor of shape \(2,\)"),
        (moments(exp_avg_sq=torch.ones(3)), r"`exp_avg_sq` of weight 0 is no tensor of shape \(2,\)"),
        (moments(exp_avg=torch.ones(2, dtype=torch.int64)), r"`exp_avg` of weight 0 is no tensor"),
        (moments(step=7), r"`step` of weight 0 is no tensor of shape \(\)"),
    ],
)
def test_moments_of_something_else_are_refused(saved, said):
    with pytest.raises(ValueError, match=said):
        load_moments(Adam().build([nn.Parameter(torch.ones(2))]), saved)
