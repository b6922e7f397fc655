"""The mode seeking term against the authors' numbers, and its options."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from ganzoo_msgan.mode_seeking import ModeSeeking, distance_ratio, pairs
from pydantic import TypeAdapter, ValidationError

from ganzoo.testing.golden import Golden

GOLDEN = Golden(Path(__file__).parent / "golden" / "msgan_ms_loss_a")


def step_of(images, noise, rows):
    """What the loss reads of a step with these pictures [n, c, h, w], one tensor a stage."""
    return SimpleNamespace(
        generated=SimpleNamespace(images=images, noise=noise),
        batch=SimpleNamespace(tokens=SimpleNamespace(ids=torch.zeros(rows, 1))),
        phase=SimpleNamespace(stages=tuple(range(len(images)))),
    )


@pytest.mark.parametrize("case", ["", "_collapsed"])
def test_golden_loss_and_gradients(case):
    names = ("images1", "images2", "z1", "z2")
    given = {n: GOLDEN.io[f"in{case}/{n}"].double().requires_grad_() for n in names}
    images, noise = (torch.cat([given[f"{n}1"], given[f"{n}2"]]) for n in ("images", "z"))
    loss = ModeSeeking()(step_of((images,), noise, len(given["z1"])))
    loss = loss * float(GOLDEN.io[f"in{case}/lambda_ms"])
    ratio = distance_ratio(*(given[name] for name in names))
    assert GOLDEN.error(ratio, f"out{case}/lz") < 1e-4
    assert GOLDEN.error(loss, f"out{case}/loss") < 1e-4
    loss.backward()
    for name, tensor in given.items():
        assert GOLDEN.error(tensor.grad, f"out{case}/grad_{name}") < 5e-4


def test_four_samples_are_two_pairs():
    torch.manual_seed(0)
    images, noise = torch.rand(4 * 3, 3, 8, 8), torch.randn(4 * 3, 5)
    first, second = pairs(images, 3)
    assert torch.equal(first, torch.cat([images[0:3], images[6:9]]))
    assert torch.equal(second, torch.cat([images[3:6], images[9:12]]))
    far = (second - first).abs().mean() / (noise[3:6] - noise[0:3]).abs().add(
        (noise[9:12] - noise[6:9]).abs()
    ).mean().div(2)
    assert ModeSeeking()(step_of((images,), noise, 3)).item() == pytest.approx(1 / (far.item() + 1e-5))


def test_all_levels_are_summed():
    torch.manual_seed(0)
    coarse, fine, noise = torch.rand(4, 3, 4, 4), torch.rand(4, 3, 8, 8), torch.randn(4, 5)
    alone = [ModeSeeking()(step_of((images,), noise, 2)).item() for images in (coarse, fine)]
    both = step_of((coarse, fine), noise, 2)
    assert ModeSeeking()(both).item() == pytest.approx(alone[1])
    assert ModeSeeking(levels="all")(both).item() == pytest.approx(sum(alone))


def test_equal_samples_cost_the_inverse_of_epsilon():
    images, noise = torch.ones(2, 3, 8, 8), torch.tensor([[0.0], [1.0]])
    assert ModeSeeking(epsilon=0.5)(step_of((images,), noise, 1)).item() == 2.0


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_is_summed_in_float32(dtype):
    images, noise = torch.rand(2, 3, 64, 64).to(dtype), torch.randn(2, 8)
    assert distance_ratio(images[:1], images[1:], noise[:1], noise[1:]).dtype == torch.float32


@pytest.mark.parametrize("options", [{"epsilon": 0.0}, {"levels": "coarsest"}])
def test_bad_options_are_refused(options):
    with pytest.raises(ValidationError, match=next(iter(options))):
        TypeAdapter(ModeSeeking).validate_python(options)
