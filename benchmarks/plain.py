"""Networks in the manner of the authors' code, and how two programs are timed beside each other.

Upsampling and then a convolution, a code repeated at every pixel, BCE after a sigmoid, float32. Both programs
run under the memory setting of `ganzoo train` and in turns, so that other work on the machine slows both.
ROUNDS turns count (default 3), of THREADS threads (default: one a core). With THREADS=1 the process's own
time is taken, so that other work does not count.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from statistics import median

import torch
import torch.nn.functional as F
from torch import Tensor, nn

import ganzoo
from ganzoo.flow import Batch
from ganzoo.model import Model
from ganzoo.randomness import StepDraws
from ganzoo.runtime import accelerator, keep_large_blocks
from ganzoo.updates import PhaseTrainer

DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")
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
    def __init__(self, text: int, code: int, gated: bool) -> None:
        super().__init__()
        self.fc = nn.Linear(text, 4 * code if gated else 2 * code)
        self.activation = Gate() if gated else nn.ReLU()

    def forward(self, text: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        mean, logvar = self.activation(self.fc(text)).chunk(2, 1)
        return mean + (0.5 * logvar).exp() * torch.randn_like(mean), mean, logvar


class First(nn.Module):
    """Noise and code, `code` wide together, to hidden features of 64x64."""

    def __init__(self, code: int, width: int, gated: bool) -> None:
        super().__init__()
        flat = width * 16 * (2 if gated else 1)
        self.fc = nn.Sequential(
            nn.Linear(code, flat, bias=False),
            nn.BatchNorm1d(flat),
            Gate() if gated else nn.ReLU(True),
        )
        self.up = nn.Sequential(*(up(width >> i, width >> (i + 1), gated) for i in range(4)))

    def forward(self, code: Tensor, noise: Tensor) -> Tensor:
        return self.up(self.fc(torch.cat([code, noise], 1)).view(len(code), -1, 4, 4))


class Judge(nn.Module):
    """DF_DIM 64."""

    def __init__(self, side: int, code: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [nn.Conv2d(3, 64, 4, 2, 1, bias=False), nn.LeakyReLU(0.2, True)]
        at = 64
        while side // 2 > 4:
            layers += down(at, 2 * at)
            at, side = 2 * at, side // 2
        while at > 512:
            layers += self.narrow(at, at // 2)
            at //= 2
        self.tower, self.joint = nn.Sequential(*layers), nn.Sequential(*self.narrow(512 + code, 512))
        self.pair, self.alone = (nn.Sequential(nn.Conv2d(512, 1, 4, 4), nn.Sigmoid()) for _ in range(2))

    def narrow(self, at: int, out: int) -> list[nn.Module]:
        return [nn.Conv2d(at, out, 3, 1, 1, bias=False), nn.BatchNorm2d(out), nn.LeakyReLU(0.2, True)]

    def forward(self, images: Tensor, code: Tensor) -> tuple[Tensor, Tensor]:
        maps = self.tower(images)
        return self.of_pairs(maps, code), self.alone(maps).flatten()

    def of_pairs(self, maps: Tensor, code: Tensor) -> Tensor:
        return self.pair(self.joint(joined(code, maps))).flatten()


def bce(probability: Tensor, target: float) -> Tensor:
    return F.binary_cross_entropy(probability, torch.full_like(probability, target))


def our_model(recipe: str, form: str) -> Model:
    model = ganzoo.plan(recipe).build().to(DEVICE)
    if DEVICE.type == "cuda":
        model = model.to(memory_format=torch.channels_last)
    if "compiled" in form:
        model.compile_stages()
    return model


def our_step(recipe: str, phase: str, form: str, batch: Batch) -> Callable[[], None]:
    model = our_model(recipe, form)
    (plan,) = (plan for plan in model.plan.phases if plan.name == phase)
    trainer = PhaseTrainer(model, plan, accelerator("auto", form.split()[0]))
    trainer.train_mode()
    numbers: Iterator[int] = iter(range(10**9))

    def step() -> None:
        number = next(numbers)
        trainer.take_step(number, [batch], [StepDraws(0, number, DEVICE, torch.float32)])

    return step


def seconds(act: Callable[[], None]) -> float:
    clock = time.process_time if os.environ.get("THREADS") == "1" else time.perf_counter
    start = clock()
    act()
    if DEVICE.type == "cuda":
        torch.cuda.synchronize()
    return clock() - start


def compare(
    what: str, own: Callable[[], None], plain: Callable[[], None], other: str = "the authors' way"
) -> float:
    """Print and return how many times faster `own` is; the first two turns do not count."""
    turns = [(seconds(own), seconds(plain)) for _ in range(2 + rounds())][2:]
    ours, theirs = (median(times) for times in zip(*turns, strict=True))
    ratio = median(b / a for a, b in turns)
    print(f"\n{what}: ganzoo {ours * 1e3:.0f} ms, {other} {theirs * 1e3:.0f} ms, ratio {ratio:.2f}")
    return ratio


def rounds() -> int:
    return int(os.environ.get("ROUNDS", "3"))


def as_in_training() -> None:
    """Memory and threads as `ganzoo train` has them."""
    os.environ.pop("GANZOO_KEEP_LARGE_BLOCKS", None)
    keep_large_blocks()
    torch.set_num_threads(int(os.environ.get("THREADS", os.cpu_count() or 1)))
