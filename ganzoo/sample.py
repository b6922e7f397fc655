"""From a run and captions to labelled grids and single pictures."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ganzoo import pictures, placing
from ganzoo.errors import GanzooError
from ganzoo.model import Model
from ganzoo.placing import Places
from ganzoo.runtime import device_called, explaining_memory, keep_large_blocks

MEMORY_ADVICE = "ask for fewer captions or seeds at once, or lower `--batch`"

ENDINGS = (".png", ".jpg", ".jpeg", ".webp")
GRID_SIDE, GRID_CELLS = 60, 1024  # a grid larger than this no one can look at, and some formats cannot hold
MOST_SEEDS = 10_000
NOWHERE = Places()


def read_captions(path: Path) -> list[str]:
    """One caption a line. Raises GanzooError for a missing file, an empty line, or no caption at all."""
    try:
        lines = path.expanduser().read_text("utf-8-sig").splitlines()
    except OSError as error:
        raise GanzooError(f"cannot read captions from {path}: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise GanzooError(f"{path} is not UTF-8 text: {error.reason} at byte {error.start}") from error
    empty = [number for number, line in enumerate(lines, 1) if not line.strip()]
    if empty:
        raise GanzooError(f"{path}:{empty[0]} is empty; expected one caption a line")
    if not lines:
        raise GanzooError(f"{path} holds no caption; expected one a line")
    return [line.strip() for line in lines]


def check_captions(captions: Sequence[str]) -> None:
    """Raise GanzooError when there is no caption, or an empty one."""
    if not captions:
        raise GanzooError("no caption was given; expected captions, or `--captions FILE` with one a line")
    for number, caption in enumerate(captions, 1):
        if not caption.strip():
            raise GanzooError(f"caption {number} of {len(captions)} is empty")


def parse_seeds(text: str) -> list[int]:
    """`0-7` or `1,5,9` or both, `0-3,9`. Raises GanzooError for anything else, repeated or too many seeds."""
    seeds: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*([0-9]{1,9})(?:-([0-9]{1,9}))?\s*", part)
        if not match or (match[2] and int(match[2]) < int(match[1])):
            raise GanzooError(
                f"cannot read seeds `{text}`; expected numbers and rising ranges such as 0-7 or 1,5,9"
            )
        wanted = range(int(match[1]), int(match[2] or match[1]) + 1)
        if len(seeds) + len(wanted) > MOST_SEEDS:
            raise GanzooError(f"seeds `{text}` are more than {MOST_SEEDS}; ask for fewer at a time")
        seeds += wanted
    if len(set(seeds)) < len(seeds):
        raise GanzooError(f"seeds `{text}` name a seed twice; the same seed draws the same picture")
    return seeds


def check_out(out: Path, separate: bool, rows: int, columns: int) -> None:
    """Find out before anything is drawn whether `out` can hold a grid of rows x columns, or single files.

    Raises GanzooError: an unknown ending, a folder that cannot be written, a grid too large.
    """
    known = f"{', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}"
    if separate:
        if out.suffix.lower() in ENDINGS:
            raise GanzooError(f"with --separate, --out names a folder, not a picture such as `{out}`")
    elif out.suffix.lower() not in ENDINGS:
        raise GanzooError(f"cannot tell the picture format of `{out}`; end its name in {known}")
    elif max(rows, columns) > GRID_SIDE or rows * columns > GRID_CELLS:
        raise GanzooError(
            f"a grid of {rows} captions and {columns} seeds is too large; at most {GRID_SIDE} of either and "
            f"{GRID_CELLS} pictures; add `--separate` for one file a picture"
        )
    folder = out if separate else out.parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise GanzooError(f"cannot write pictures to {folder}: {error.strerror or error}") from error
    if not separate and out.is_dir():
        raise GanzooError(f"cannot write the picture {out}: it is a folder")


def prepare(model: Model, device: str = "auto") -> Model:
    """The model where it should compute. Raises GanzooError for a device that is not there."""
    keep_large_blocks()
    return model.to(device_called(device))


def sample(
    model: Model,
    captions: Sequence[str],
    seeds: Sequence[int] = (0,),
    batch: int = 64,
    places: Places = NOWHERE,
    start: int = 0,
) -> NDArray[np.uint8]:
    """[captions, seeds, r, r, 3] uint8 pictures; the same caption and seed, the same picture.

    `places`: where to draw; `captions` are those from number `start` on of all that it knows of.
    """
    columns = []
    with explaining_memory(MEMORY_ADVICE):
        for seed in seeds:
            layout = places.of(captions, seed, start)
            drawn = pictures.to_array(model.generate(captions, seed, layout=layout, batch=batch))
            columns.append(places.mark(drawn, layout))
    return np.stack(columns, axis=1)


def sample_stages(
    model: Model,
    captions: Sequence[str],
    seeds: Sequence[int] = (0,),
    batch: int = 64,
    places: Places = NOWHERE,
) -> NDArray[np.uint8]:
    """[captions, seeds, stages, r, r, 3] uint8 pictures, coarse ones as large as the finest."""
    side = max(model.plan.resolutions)
    found = []  # [n, stages, r, r, 3] a seed
    with explaining_memory(MEMORY_ADVICE):
        for seed in seeds:
            layout = places.of(captions, seed)
            drawn = model.generate_stages(captions, seed, layout=layout, batch=batch)
            levels = [places.mark(pictures.enlarged(level, side), layout) for level in drawn]
            found.append(np.stack(levels, axis=1))
        return np.stack(found, axis=1)


def save_moving(model: Model, caption: str, seed: int, places: Places, out: Path) -> int:
    """One labelled grid: one caption and one seed, the box at every spot of `placing.moving`."""
    spots = placing.moving(places, [caption])
    count = placing.SPOTS
    drawn = sample(model, [caption] * count**2, [seed], places=spots)[:, 0]
    assert spots.given is not None and spots.given.boxes is not None, "moving gives boxes"
    x, y = spots.given.boxes[:, :2].T.tolist()
    rows = [f"{caption} (top at {top:.2f})" for top in y[::count]]
    sheet = drawn.reshape(count, count, *drawn.shape[1:])
    pictures.save(pictures.grid(sheet, rows, [f"left {left:.2f}" for left in x[:count]]), out)
    return count**2


def save_grid(drawn: NDArray[np.uint8], captions: Sequence[str], seeds: Sequence[int], out: Path) -> None:
    """One labelled grid: a row a caption, a column a seed."""
    pictures.save(pictures.grid(drawn, captions, [f"seed {seed}" for seed in seeds]), out)


def save_stages(
    drawn: NDArray[np.uint8],
    captions: Sequence[str],
    seeds: Sequence[int],
    sides: Sequence[int],
    out: Path,
) -> None:
    """One labelled grid of what `sample_stages` gives: every stage of a seed side by side, `sides` pixels."""
    labels = [f"seed {seed}, {side} px" for seed in seeds for side in sides]
    pictures.save(pictures.grid(drawn.reshape(len(captions), -1, *drawn.shape[3:]), captions, labels), out)


def file_name(number: int, caption: str, seed: int) -> str:
    """What the picture of caption `number` is called among single files."""
    slug = re.sub(r"\W+", "-", caption.lower()).strip("-")[:40] or "caption"
    return f"{number:04d}-{slug}-seed-{seed}.png"


def draw_separate(
    model: Model,
    captions: Sequence[str],
    seeds: Sequence[int],
    folder: Path,
    batch: int = 64,
    progress: Callable[[int, int], None] | None = None,
    places: Places = NOWHERE,
) -> int:
    """Draw one file a picture, `NUMBER-caption-seed-S.png` in `folder`; returns how many.

    Only `batch` pictures are held in memory. `progress(done, total)` is called as they are written.
    """
    done, total = 0, len(captions) * len(seeds)
    for start in range(0, len(captions), batch):
        chunk = captions[start : start + batch]
        for seed in seeds:
            drawn = sample(model, chunk, [seed], batch, places, start)[:, 0]
            for number, (caption, picture) in enumerate(zip(chunk, drawn, strict=True), start + 1):
                pictures.save(Image.fromarray(picture), folder / file_name(number, caption, seed))
            done += len(chunk)
            if progress:
                progress(done, total)
    return done
