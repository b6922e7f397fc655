"""Losses and weights that are not finite, and when they are looked at."""

import math

import pytest
import torch

from ganzoo.health import Losses, Unhealthy, first_unhealthy, unhealthy_weights
from ganzoo.runtime import accelerator


@pytest.fixture
def losses():
    return Losses(accelerator("cpu", "fp32"))


def scalars(**values):
    return {name: torch.tensor(value) for name, value in values.items()}


def test_first_unhealthy():
    assert first_unhealthy({"a": 1.0, "b": float("nan"), "c": float("inf")}) == "b"
    assert first_unhealthy({"a": 1.0}) is None


def test_a_look_gives_the_newest_losses(losses):
    assert losses.look() == ({}, None)
    losses.take(1, scalars(a=1.0, b=2.0))
    losses.take(2, scalars(a=3.0))
    assert losses.look() == ({"a": 3.0}, None)
    losses.take(3, {})
    assert losses.look() == ({}, None)


def test_the_first_bad_step_is_found_afterwards(losses):
    losses.take(1, scalars(a=1.0, b=2.0))
    losses.take(2, scalars(b=math.inf))
    losses.take(3, scalars(a=math.nan, b=math.nan))
    newest, unhealthy = losses.look()
    assert math.isnan(newest["a"]) and unhealthy == Unhealthy("b", 2, math.inf)
    losses.take(4, scalars(a=1.0))
    assert losses.look() == ({"a": 1.0}, None)


def test_somebody_should_look_now_and_then(losses, monkeypatch):
    monkeypatch.setattr("ganzoo.health.MOST", 2)
    losses.take(1, scalars(a=1.0))
    assert not losses.many
    losses.take(2, scalars(a=1.0))
    assert losses.many
    losses.look()
    assert not losses.many


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_weights(dtype, value):
    state = {"none": torch.empty(0), "count": torch.tensor(3), "a": torch.full((3, 5), -60000.0, dtype=dtype)}
    state["b"] = torch.zeros(7, dtype=dtype)
    assert unhealthy_weights(state) is None
    state["b"][6] = value
    assert unhealthy_weights(state) == "b"
    assert unhealthy_weights({"count": torch.tensor(3)}) is None
