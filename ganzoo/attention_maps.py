"""Where stages look for each word, drawn over their pictures: Xu et al. 2018, arXiv:1711.10485, figure 4."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image

from ganzoo import pictures
from ganzoo.errors import GanzooError
from ganzoo.model import Model
from ganzoo.placing import Places
from ganzoo.runtime import explaining_memory
from ganzoo.sample import GRID_SIDE, MEMORY_ADVICE, NOWHERE, file_name

DARK = 0.12  # what is left of a picture where nothing is looked at


@dataclass(frozen=True, eq=False)
class Seen:
    """One picture's stages: what it is called, the words, and for each stage its picture and attention.

    `images`: [r, r, 3] uint8 each. `maps`: [t, q, q] each, how much of a pixel's look goes to each of the t
    words; over the words they add up to 1. None where a stage looks at none.
    """

    label: str
    words: tuple[str, ...]
    images: tuple[NDArray[np.uint8], ...]
    maps: tuple[NDArray[np.float32] | None, ...]


def sample(
    model: Model,
    captions: Sequence[str],
    seeds: Sequence[int] = (0,),
    batch: int = 64,
    places: Places = NOWHERE,
) -> list[Seen]:
    """Each caption with its seeds, drawn as `ganzoo.sample.sample` draws it, the first caption's first.

    Raises GanzooError for a model whose stages look at no words.
    """
    words = spelt(model, captions)
    found = []
    with explaining_memory(MEMORY_ADVICE):
        for seed in seeds:
            layout = places.of(captions, seed)
            stages = model.generate_attention(captions, seed, layout=layout, batch=batch)
            images = [pictures.to_array(stage.image) for stage in stages]
            maps = [None if s.attention is None else s.attention.float().cpu().numpy() for s in stages]
            for row, caption in enumerate(captions):
                own = tuple(None if m is None else m[row, : len(words[row])] for m in maps)
                drawn = tuple(image[row] for image in images)
                found.append(Seen(f"{caption}, seed {seed}", words[row], drawn, own))
    return [one for row in range(len(captions)) for one in found[row :: len(captions)]]


def draw(
    model: Model,
    captions: Sequence[str],
    seeds: Sequence[int],
    out: Path,
    batch: int = 64,
    *,
    separate: bool = False,
    places: Places = NOWHERE,
) -> None:
    """One labelled sheet, or `separate` ones in the folder `out`, named as single pictures are.

    Raises GanzooError for a model whose stages look at no words, a sheet too large, what cannot be written.
    """
    rows = len(captions) * len(seeds) * sum(stage.spec.attention for stage in model.plan.stages)
    if rows > GRID_SIDE and not separate:
        raise GanzooError(
            f"a sheet of {rows} rows, one for each caption, seed and stage that looks at words, is too "
            f"large; at most {GRID_SIDE}; ask for fewer, or add `--separate` for one file a picture"
        )
    seen = sample(model, captions, seeds, batch, places)
    if not separate:
        return pictures.save(sheet(seen), out)
    drawn = product(enumerate(captions, 1), seeds)
    for one, ((number, caption), seed) in zip(seen, drawn, strict=True):
        pictures.save(sheet([one]), out / file_name(number, caption, seed))


def spelt(model: Model, captions: Sequence[str]) -> list[tuple[str, ...]]:
    """What the text encoder calls each word feature of each caption; numbers where it has no names."""
    spell = getattr(model.text_encoder, "spell", None)
    if spell is not None:
        return [tuple(words) for words in spell(list(captions))]
    mask = model.encode(list(captions)).mask
    lengths = [0] * len(captions) if mask is None else mask.sum(1).tolist()
    return [tuple(f"word {number}" for number in range(1, length + 1)) for length in lengths]


def sheet(seen: Sequence[Seen], *, shares: bool = True) -> Image.Image:
    """A row for each stage that looks: the picture before it, its own, then its own by each word's light.

    All maps of a row have one scale: full light is the most that any pixel gives any word. With `shares` a
    word's mean over the pixels stands beside it, in percent.
    """
    rows = [row for one in seen for row in _rows(one, shares)]
    side = max(cell.shape[0] for _, cells in rows for _, cell in cells)
    cells = np.full((len(rows), max(len(cells) for _, cells in rows), side, side, 3), 255, np.uint8)
    labels = [[""] * cells.shape[1] for _ in rows]
    for at, (_, own) in enumerate(rows):
        for place, (label, cell) in enumerate(own):
            cells[at, place], labels[at][place] = _enlarged(cell, side), label
    return pictures.grid(cells, [label for label, _ in rows], cells=labels)


def _rows(seen: Seen, shares: bool) -> Iterator[tuple[str, list[tuple[str, NDArray[np.uint8]]]]]:
    """A label, and labelled pictures, for each stage that looks at words."""
    label = seen.label
    stages = [(f"{image.shape[0]} px", image) for image in seen.images]
    for level, maps in enumerate(seen.maps):
        if maps is not None:
            means = [f" {mean:.0%}" if shares else "" for mean in maps.mean((1, 2))]
            named = [word + mean for word, mean in zip(seen.words, means, strict=True)]
            bright = lit(seen.images[level], maps)
            yield label, [*stages[max(0, level - 1) : level + 1], *zip(named, bright, strict=True)]
            label = ""


def lit(image: NDArray[np.uint8], maps: NDArray[np.float32]) -> NDArray[np.uint8]:
    """A picture [r, r, 3] once for each map [t, q, q], bright where it is high: [t, r, r, 3]."""
    side = image.shape[0]
    smooth = F.interpolate(torch.from_numpy(maps)[:, None], size=side, mode="bilinear")[:, 0].numpy()
    light = DARK + (1 - DARK) * smooth / max(float(smooth.max()), 1e-12)
    return np.asarray((image * light[..., None]).round(), np.uint8)


def _enlarged(image: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    return np.asarray(Image.fromarray(image).resize((side, side), Image.Resampling.NEAREST))
