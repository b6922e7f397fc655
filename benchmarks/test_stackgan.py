"""StackGAN++ and stage II of StackGAN at full width, beside the same step written in the authors' way.

`pytest benchmarks/test_stackgan.py -s` prints each ratio. In the authors' way: gradients into the
discriminators in the generator's update, BCE after a sigmoid, one Adam a network, upsampling and then a
convolution, the code repeated at every pixel, float32. Both run under the memory setting of `ganzoo train`
and in turns, so that other work on the machine slows both. STACKGAN_ROUNDS turns count (default 3).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from statistics import median

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

import ganzoo
from ganzoo.flow import Batch, TextFeatures, Tokens
from ganzoo.model import Model
from ganzoo.randomness import StepDraws
from ganzoo.runtime import accelerator, keep_large_blocks
from ganzoo.updates import PhaseTrainer

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
BATCH, SAMPLES = (24, 64) if DEVICE.type == "cuda" else (4, 16)
ROUNDS = int(os.environ.get("STACKGAN_ROUNDS", "3"))
TEXT, CODE, NOISE = 1024, 128, 100
RECIPES = {"stackgan-pp-birds": "gan", "stackgan-v1-birds": "stage-2"}
FORMS = ["fp32", "bf16"] + (["bf16 compiled"] if DEVICE.type == "cuda" else [])


class Gate(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        half = x.shape[1] // 2
        return x[:, :half] * torch.sigmoid(x[:, half:])


class Residual(nn.Module):
    def __init__(self, width: int, gated: bool) -> None:
        super().__init__()
        last = [nn.Conv2d(width, width, 3, 1, 1, bias=False), nn.BatchNorm2d(width)]
        self.block = nn.Sequential(*conv(width, width, gated), *last)
        self.behind = nn.Identity() if gated else nn.ReLU(True)

    def forward(self, x: Tensor) -> Tensor:
        return self.behind(x + self.block(x))


def conv(at: int, out: int, gated: bool) -> list[nn.Module]:
    wide = 2 * out if gated else out
    layers = [nn.Conv2d(at, wide, 3, 1, 1, bias=False), nn.BatchNorm2d(wide)]
    return [*layers, Gate() if gated else nn.ReLU(True)]


def up(at: int, out: int, gated: bool) -> nn.Sequential:
    return nn.Sequential(nn.Upsample(scale_factor=2, mode="nearest"), *conv(at, out, gated))


def picture(at: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(at, 3, 3, 1, 1, bias=False), nn.Tanh())


def down(at: int, out: int) -> list[nn.Module]:
    return [nn.Conv2d(at, out, 4, 2, 1, bias=False), nn.BatchNorm2d(out), nn.LeakyReLU(0.2, True)]


def joined(code: Tensor, maps: Tensor) -> Tensor:
    return torch.cat([code[:, :, None, None].repeat(1, 1, *maps.shape[2:]), maps], 1)


class Augment(nn.Module):
    def __init__(self, gated: bool) -> None:
        super().__init__()
        self.fc = nn.Linear(TEXT, 4 * CODE if gated else 2 * CODE)
        self.activation = Gate() if gated else nn.ReLU()

    def forward(self, text: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, logvar = self.activation(self.fc(text)).chunk(2, 1)
        return mean + (0.5 * logvar).exp() * torch.randn_like(mean), mean, logvar


class First(nn.Module):
    """Noise and code to hidden features of 64x64."""

    def __init__(self, width: int, gated: bool) -> None:
        super().__init__()
        flat = width * 16 * (2 if gated else 1)
        self.fc = nn.Sequential(
            nn.Linear(CODE + NOISE, flat, bias=False),
            nn.BatchNorm1d(flat),
            Gate() if gated else nn.ReLU(True),
        )
        self.up = nn.Sequential(*(up(width >> i, width >> (i + 1), gated) for i in range(4)))

    def forward(self, code: Tensor, noise: Tensor) -> Tensor:
        return self.up(self.fc(torch.cat([code, noise], 1)).view(len(code), -1, 4, 4))


class PlainPP(nn.Module):
    """GF_DIM 64, EMBEDDING_DIM 128, R_NUM 2."""

    def __init__(self) -> None:
        super().__init__()
        self.ca, self.first = Augment(gated=True), First(1024, gated=True)
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
        self.ca1, self.first, self.picture1 = Augment(False), First(1024, False), picture(64)
        self.requires_grad_(False)
        self.ca = Augment(False)
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


class PlainJudge(nn.Module):
    """DF_DIM 64."""

    def __init__(self, side: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, True)]
        at = 64
        while side // 2 > 4:
            layers += down(at, 2 * at)
            at, side = 2 * at, side // 2
        while at > 512:
            layers += self.narrow(at, at // 2)
            at //= 2
        self.tower, self.joint = nn.Sequential(*layers), nn.Sequential(*self.narrow(512 + CODE, 512))
        self.pair, self.alone = (nn.Sequential(nn.Conv2d(512, 1, 4, 4), nn.Sigmoid()) for _ in range(2))

    def narrow(self, at: int, out: int) -> list[nn.Module]:
        return [nn.Conv2d(at, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out), nn.LeakyReLU(0.2, True)]

    def forward(self, images: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.tower(images)
        return self.pair(self.joint(joined(code, maps))).flatten(), self.alone(maps).flatten()


def bce(probability: Tensor, target: float) -> Tensor:
    return F.binary_cross_entropy(probability, torch.full_like(probability, target))


def plain_generator(recipe: str) -> nn.Module:
    return (PlainPP() if recipe == "stackgan-pp-birds" else PlainV1()).to(DEVICE)


def plain_step(recipe: str, batch: Batch) -> Callable[[], None]:
    plus = recipe == "stackgan-pp-birds"
    made = plain_generator(recipe)
    sides = (64, 128, 256) if plus else (256,)
    judges = [PlainJudge(side).to(DEVICE) for side in sides]
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


def our_model(recipe: str, form: str) -> Model:
    model = ganzoo.plan(recipe).build().to(DEVICE)
    if DEVICE.type == "cuda":
        model = model.to(memory_format=torch.channels_last)
    if "compiled" in form:
        model.compile_stages()
    return model


def our_step(recipe: str, form: str, batch: Batch) -> Callable[[], None]:
    model = our_model(recipe, form)
    (phase,) = (phase for phase in model.plan.phases if phase.name == RECIPES[recipe])
    trainer = PhaseTrainer(model, phase, accelerator("auto", form.split()[0]))
    trainer.train_mode()
    numbers: Iterator[int] = iter(range(10**9))

    def step() -> None:
        number = next(numbers)
        trainer.take_step(number, [batch], [StepDraws(0, number, DEVICE, torch.float32)])

    return step


def some_batch(rows: int, recipe: str) -> Batch:
    sides = (64, 128, 256) if recipe == "stackgan-pp-birds" else (64, 256)
    real, wrong = (
        tuple(torch.rand(rows, 3, side, side, device=DEVICE) * 2 - 1 for side in sides) for _ in range(2)
    )
    tokens = Tokens(torch.zeros(rows, 1, dtype=torch.int64), torch.ones(rows, dtype=torch.int64))
    return Batch(real, tokens, wrong, TextFeatures(torch.randn(rows, TEXT, device=DEVICE)))


def seconds(act: Callable[[], None]) -> float:
    start = time.perf_counter()
    act()
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def compare(what: str, own: Callable[[], None], plain: Callable[[], None]) -> float:
    """Print and return how many times faster `own` is; the first two turns do not count."""
    turns = [(seconds(own), seconds(plain)) for _ in range(2 + ROUNDS)][2:]
    ours, theirs = (median(times) for times in zip(*turns, strict=True))
    ratio = median(other / mine for mine, other in turns)
    print(f"\n{what}: ganzoo {ours * 1e3:.0f} ms, the authors' way {theirs * 1e3:.0f} ms, ratio {ratio:.2f}")
    return ratio


@pytest.fixture(scope="module", autouse=True)
def _setting() -> None:
    os.environ.pop("GANZOO_KEEP_LARGE_BLOCKS", None)
    keep_large_blocks()
    torch.set_num_threads(os.cpu_count() or 1)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("recipe", RECIPES)
def test_training_step(recipe: str, form: str) -> None:
    torch.manual_seed(0)
    batch = some_batch(BATCH, recipe)
    own, plain = our_step(recipe, form, batch), plain_step(recipe, batch)
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
