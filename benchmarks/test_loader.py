"""Pictures a second of ganzoo's loader beside Pillow and torch's DataLoader doing the same work.

`pytest benchmarks/test_loader.py -s` prints each ratio. Both run under the same memory setting, the one that
`ganzoo train` runs under, and in turns, so that other work on the machine slows both.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset

from ganzoo.core.text import NGramsModule
from ganzoo.data.cache import pack
from ganzoo.data.captions import CaptionStore
from ganzoo.data.examples import Examples
from ganzoo.data.loader import Loader
from ganzoo.runtime import keep_large_blocks

PICTURES, BATCH, SIDE, ROUNDS = 512, 64, 256, 5
SETTLE, QUEUED = 0.6, 4  # seconds; batches: DataLoader keeps two a worker
CASES = [
    (load, resolutions, workers)
    for resolutions in ((256,), (64, 128, 256))
    for load in (256, 286)
    for workers in (0, 2)
]


class Plain(Dataset):
    """What a training script usually does for each picture, in a worker process."""

    def __init__(self, paths: list[Path], load: int, resolutions: tuple[int, ...]) -> None:
        self.paths, self.load, self.resolutions = paths, load, resolutions

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i: int) -> list[torch.Tensor]:
        image = Image.open(self.paths[i]).convert("RGB")
        finest = max(self.resolutions)
        if image.size != (self.load, self.load):
            image = image.resize((self.load, self.load), Image.Resampling.BILINEAR)
        if self.load > finest:
            x, y = torch.randint(self.load - finest + 1, (2,)).tolist()
            image = image.crop((x, y, x + finest, y + finest))
        if torch.rand(()) < 0.5:
            image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        levels = [
            image if r == finest else image.resize((r, r), Image.Resampling.BILINEAR)
            for r in self.resolutions
        ]
        return [
            torch.from_numpy(np.array(level)).permute(2, 0, 1).contiguous().float().div_(127.5).sub_(1)
            for level in levels
        ]


def picture(draws: np.random.Generator) -> Image.Image:
    """Smooth random content of four scales: 18 kB as JPEG of quality 90, as photographs of this size have."""
    total = np.full((SIDE, SIDE, 3), 128.0)
    for cells, contrast in ((4, 80), (16, 35), (64, 14), (128, 6)):
        for channel in range(3):
            coarse = Image.fromarray(draws.normal(size=(cells, cells)).astype(np.float32))
            total[..., channel] += contrast * np.asarray(
                coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC)
            )
    return Image.fromarray(total.clip(0, 255).astype(np.uint8))


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder, draws = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    paths = [folder / f"{i}.jpg" for i in range(PICTURES)]
    for path in paths:
        picture(draws).save(path, quality=90)
    return paths


def ours(paths: list[Path], load: int, resolutions: tuple[int, ...]) -> Iterator[object]:
    keys = tuple(map(str, paths))
    captions = tuple((f"picture {i}",) for i in range(len(paths)))
    examples = Examples(keys, captions, lambda i: Image.open(paths[i]), "benchmark")
    store = CaptionStore(examples)
    store.tokenize(NGramsModule(16, 2, 6, 64))
    packed = pack(examples, load, paths[0].parent / "cache")
    return Loader(
        examples=examples,
        packed=packed,
        captions=store,
        resolutions=resolutions,
        batch=BATCH,
        seed=0,
        flip=True,
    ).iterate()


def plain(paths: list[Path], load: int, resolutions: tuple[int, ...], workers: int) -> Iterator[object]:
    loader = DataLoader(
        Plain(paths, load, resolutions),
        BATCH, shuffle=True, num_workers=workers, drop_last=True, persistent_workers=workers > 0,
    )  # fmt: skip
    while True:
        yield from loader


def seconds(batches: Iterator[object], count: int) -> float:
    """The steady pace: the other loader's workers have filled their queues and rest, ours are drained."""
    time.sleep(SETTLE)
    for _ in range(QUEUED):
        next(batches)
    start = time.perf_counter()
    for _ in range(count):
        next(batches)
    return time.perf_counter() - start


@pytest.fixture(scope="module", autouse=True)
def _memory_setting() -> None:
    os.environ.pop("GANZOO_KEEP_LARGE_BLOCKS", None)
    keep_large_blocks()
    torch.set_num_threads(os.cpu_count() or 1)


@pytest.mark.parametrize(("load", "resolutions", "workers"), CASES)
def test_pictures_a_second(
    paths: list[Path],
    load: int,
    resolutions: tuple[int, ...],
    workers: int,
    benchmark: Callable[..., object],
) -> None:
    epoch = PICTURES // BATCH
    both = ours(paths, load, resolutions), plain(paths, load, resolutions, workers)
    for batches in both:
        seconds(batches, epoch)
    rounds = [[seconds(batches, epoch) for batches in both] for _ in range(ROUNDS)]
    own, other = (median(PICTURES / one for one in times) for times in zip(*rounds, strict=True))
    ratio = median(theirs / mine for mine, theirs in rounds)
    levels = "/".join(map(str, resolutions))
    print(
        f"\nJPEG {SIDE}, loaded at {load}, stages {levels}: ganzoo {own:.0f}/s, "
        f"DataLoader with {workers} workers {other:.0f}/s, ratio {ratio:.1f}"
    )
    benchmark.extra_info["ratio"] = ratio
    benchmark.pedantic(seconds, (both[0], epoch), rounds=ROUNDS)
