"""From a run and captions to labelled grids and single pictures."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo import pictures
from ganzoo.errors import GanzooError
from ganzoo.model import Model
from ganzoo.runtime import Precision, accelerator, explaining_memory, keep_large_blocks, weights_dtype

MEMORY_ADVICE = "ask for fewer captions or seeds at once, or lower `--batch`"


def read_captions(path: Path) -> list[str]:
    """One caption a line. Raises GanzooError for a missing file, an empty line, or no caption at all."""
    try:
        lines = path.read_text("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise GanzooError(f"cannot read captions from {path}: {error}") from error
    empty = [number for number, line in enumerate(lines, 1) if not line.strip()]
    if empty:
        raise GanzooError(f"{path}:{empty[0]} is empty; expected one caption a line")
    if not lines:
        raise GanzooError(f"{path} holds no caption; expected one a line")
    return [line.strip() for line in lines]


def parse_seeds(text: str) -> list[int]:
    """`0-7` or `1,5,9` or both, `0-3,9`. Raises GanzooError for anything else."""
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d{1,9})(?:-(\d{1,9}))?\s*", part)
        if not match or (match[2] and int(match[2]) < int(match[1])):
            raise GanzooError(f"cannot read seeds `{text}`; expected numbers and rising ranges such as 0-7 or 1,5,9")
        seeds += range(int(match[1]), int(match[2] or match[1]) + 1)
    return seeds


def prepare(model: Model, device: str = "auto", precision: Precision = "fp32") -> Model:
    """The model where and how it should compute."""
    keep_large_blocks()
    return model.to(accelerator(device).device, weights_dtype(precision))


def sample(
    model: Model, captions: Sequence[str], seeds: Sequence[int] = (0,), batch: int = 64
) -> NDArray[np.uint8]:
    """[captions, seeds, r, r, 3] uint8 pictures; the same caption and seed, the same picture."""
    with explaining_memory(MEMORY_ADVICE):
        columns = [pictures.to_array(model.generate(captions, seed, batch=batch)) for seed in seeds]
    return np.stack(columns, axis=1)


def save_grid(drawn: NDArray[np.uint8], captions: Sequence[str], seeds: Sequence[int], out: Path) -> None:
    """One labelled grid: a row a caption, a column a seed."""
    pictures.save(pictures.grid(drawn, captions, [f"seed {seed}" for seed in seeds]), out)


def save_separate(
    drawn: NDArray[np.uint8], captions: Sequence[str], seeds: Sequence[int], folder: Path
) -> list[Path]:
    """One file a picture, `NUMBER-caption-seed-S.png` in `folder`; returns the paths."""
    paths = []
    for row, caption in enumerate(captions):
        slug = re.sub(r"[^a-z0-9]+", "-", caption.lower()).strip("-")[:60]
        for column, seed in enumerate(seeds):
            paths.append(folder / f"{row + 1:04d}-{slug}-seed-{seed}.png")
            pictures.save(Image.fromarray(drawn[row, column]), paths[-1])
    return paths
