"""StackGAN++ and stage II of StackGAN at full width, beside the same step written in the authors' way.

`pytest benchmarks/test_stackgan.py -s` prints ratios. In the authors' way (see `plain.py`): gradients into
the discriminators in the generator's update too, one Adam a network.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn

from benchmarks.plain import (
    DEVICE,
    FORMS,
    Augment,
    First,
    Judge,
    Residual,
    as_in_training,
    bce,
    compare,
    conv,
    joined,
    our_model,
    our_step,
    picture,
    up,
)
from ganzoo.flow import Batch, TextFeatures, Tokens
from ganzoo.randomness import StepDraws

BATCH, SAMPLES = (24, 64) if DEVICE.type == "cuda" else (4, 16)
TEXT, CODE, NOISE = 1024, 128, 100
RECIPES = {"stackgan-pp-birds": "gan", "stackgan-v1-birds": "stage-2"}


class PlainPP(nn.Module):
    """GF_DIM 64, EMBEDDING_DIM 128, R_NUM 2."""

    def __init__(self) -> None:
        super().__init__()
        self.ca, self.first = Augment(TEXT, CODE, gated=True), First(CODE + NOISE, 1024, gated=True)
        self.refine = nn.ModuleList(
            nn.Sequential(
                *conv(width + CODE, width, True), Residual(width, True), Residual(width, True),
                up(width, width // 2, True),
            )
            for width in (64, 32)
        )  # fmt: skip
        self.pictures = nn.ModuleList(picture(width) for width in (64, 32, 16))

    def forward(self, text: Tensor, noise: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        code, mean, logvar = self.ca(text)
        maps = [self.first(code, noise)]
        for stage in self.refine:
            maps.append(stage(joined(code, maps[-1])))
        return [draw(m) for draw, m in zip(self.pictures, maps, strict=True)], mean, logvar


class PlainV1(nn.Module):
    """Stage II on a frozen stage I: GF_DIM 128, EMBEDDING_DIM 128, R_NUM 4."""

    def __init__(self) -> None:
        super().__init__()
        self.ca1, self.picture1 = Augment(TEXT, CODE, False), picture(64)
        self.first = First(CODE + NOISE, 1024, False)
        self.requires_grad_(False)
        self.ca = Augment(TEXT, CODE, False)
        narrow = [nn.Conv2d(3, 128, 3, 1, 1, bias=False), nn.ReLU(True)]
        for at in (128, 256):
            narrow += [nn.Conv2d(at, 2 * at, 4, 2, 1, bias=False), nn.BatchNorm2d(2 * at), nn.ReLU(True)]
        self.encoder = nn.Sequential(*narrow)
        self.rest = nn.Sequential(
            *conv(512 + CODE, 512, False), *(Residual(512, False) for _ in range(4)),
            *(up(512 >> i, 512 >> (i + 1), False) for i in range(4)), picture(32),
        )  # fmt: skip

    def forward(self, text: Tensor, noise: Tensor) -> tuple[list[Tensor], Tensor, Tensor]:
        sketch = self.picture1(self.first(self.ca1(text)[0], noise)).detach()
        code, mean, logvar = self.ca(text)
        return [self.rest(joined(code, self.encoder(sketch)))], mean, logvar


def plain_generator(recipe: str) -> nn.Module:
    return (PlainPP() if recipe == "stackgan-pp-birds" else PlainV1()).to(DEVICE)


def plain_step(recipe: str, batch: Batch) -> Callable[[], None]:
    plus = recipe == "stackgan-pp-birds"
    made = plain_generator(recipe)
    sides = (64, 128, 256) if plus else (256,)
    judges = [Judge(side, CODE).to(DEVICE) for side in sides]
    networks = [made, *judges]
    trained = [[p for p in network.parameters() if p.requires_grad] for network in networks]
    optimizers = [torch.optim.Adam(p, 2e-4, (0.5, 0.999)) for p in trained]
    averages = [p.detach().clone() for p in trained[0]]
    reals, wrongs = batch.images[-len(sides) :], batch.mismatched[-len(sides) :]

    def judged_wrong(judge: nn.Module, real: Tensor, wrong: Tensor, fake: Tensor, code: Tensor) -> Tensor:
        (r, ru), (w, wu), (f, fu) = (judge(images, code) for images in (real, wrong, fake))
        if plus:
            return bce(r, 1) + bce(ru, 1) + bce(w, 0) + bce(wu, 1) + bce(f, 0) + bce(fu, 0)
        return (bce(r, 1) + bce(ru, 1)) / 2 + (bce(w, 0) + bce(f, 0) + bce(fu, 0)) / 3

    def step() -> None:
        noise = torch.randn(len(reals[0]), NOISE, device=DEVICE)
        fakes, mean, logvar = made(batch.text.sentence, noise)
        pairs = zip(judges, optimizers[1:], reals, wrongs, fakes, strict=True)
        for judge, optimizer, real, wrong, fake in pairs:
            judge.zero_grad()
            judged_wrong(judge, real, wrong, fake.detach(), mean.detach()).backward()
            optimizer.step()
        made.zero_grad()
        loss = -(1 + logvar - mean.pow(2) - logvar.exp()).mean()  # 2 KL
        for judge, fake in zip(judges, fakes, strict=True):
            pair, alone = judge(fake, mean if plus else mean.detach())
            loss = loss + bce(pair, 1) + bce(alone, 1)
        loss.backward()
        optimizers[0].step()
        if plus:
            for average, parameter in zip(averages, trained[0], strict=True):
                average.mul_(0.999).add_(parameter.detach(), alpha=0.001)

    return step


def some_batch(rows: int, recipe: str) -> Batch:
    sides = (64, 128, 256) if recipe == "stackgan-pp-birds" else (64, 256)
    real, wrong = (
        tuple(torch.rand(rows, 3, side, side, device=DEVICE) * 2 - 1 for side in sides) for _ in range(2)
    )
    tokens = Tokens(torch.zeros(rows, 1, dtype=torch.int64), torch.ones(rows, dtype=torch.int64))
    return Batch(real, tokens, wrong, TextFeatures(torch.randn(rows, TEXT, device=DEVICE)))


@pytest.fixture(scope="module", autouse=True)
def _setting() -> None:
    as_in_training()


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_training_step(recipe: str, form: str) -> None:
    torch.manual_seed(0)
    batch = some_batch(BATCH, recipe)
    own, plain = our_step(recipe, RECIPES[recipe], form, batch), plain_step(recipe, batch)
    assert compare(f"{recipe}, a step of {BATCH} in {form}", own, plain) > 0


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_sampling(recipe: str, form: str) -> None:
    torch.manual_seed(0)
    text, noise = torch.randn(SAMPLES, TEXT, device=DEVICE), torch.randn(SAMPLES, NOISE, device=DEVICE)
    model, plain = our_model(recipe, form).eval(), plain_generator(recipe).eval()
    epsilons = model.draw_epsilons(StepDraws(0, 0, DEVICE, torch.float32), SAMPLES)

    @torch.no_grad()
    def own() -> None:
        with torch.autocast(DEVICE.type, torch.bfloat16, enabled=form != "fp32"):
            model.synthesize(TextFeatures(text), noise, epsilons)

    other = torch.no_grad()(lambda: plain(text, noise))
    assert compare(f"{recipe}, {SAMPLES} pictures in {form}", own, other) > 0
