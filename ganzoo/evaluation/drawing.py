"""The pictures that a model is judged by: held-out captions, each with a draw of its own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo import pictures
from ganzoo.data.captions import CaptionStore
from ganzoo.data.examples import Examples
from ganzoo.data.loader import layout_of
from ganzoo.errors import GanzooError
from ganzoo.flow import Layout, Tokens
from ganzoo.model import Model
from ganzoo.progress import counting

AT_ONCE = 64  # pictures
LEAST = 2  # that have a spread


@dataclass(frozen=True, eq=False)
class Requests:
    """What is asked of every model: n `captions` of the examples `rows` [n], drawn with `seeds`.

    `slots` [n]: places in the list of all captions of `store`.
    """

    captions: tuple[str, ...]
    rows: NDArray[np.int64]
    slots: NDArray[np.int64]
    seeds: tuple[int, ...]
    store: CaptionStore
    layout: Layout | None
    class_id: Tensor | None

    def tokens(self, model: Model, index: NDArray[np.int64] | None = None) -> Tokens:
        """The captions as the model reads them; with `index`, those alone."""
        self.store.tokenize(model.text_encoder)
        return self.store.tokens(self.slots if index is None else self.slots[index])


def requests(examples: Examples, count: int, seed: int) -> Requests:
    """`count` captions: of examples spread evenly, or of all in turn, each time with their next caption.

    Number i is drawn with seed `seed * count + i`, so another seed shares no draw. Raises GanzooError for
    fewer than two, and for a seed below 0.
    """
    if count < LEAST or seed < 0:
        raise GanzooError(
            f"an evaluation was given {count} samples and seed {seed}; expected {LEAST} samples or more, and "
            "a seed from 0"
        )
    n = len(examples)
    if count < n:
        rows = np.linspace(0, n - 1, count).round().astype(np.int64)
        turn = np.zeros(count, np.int64)
    else:
        rows, turn = np.arange(count) % n, np.arange(count) // n
    store = CaptionStore(examples)
    own = np.array([len(captions) for captions in examples.captions], np.int64)
    slots = store.choose(rows, ((turn % own[rows]) + 0.5) / own[rows])
    layout, where = layout_of(examples), torch.from_numpy(rows)
    return Requests(
        tuple(examples.captions[row][step % own[row]] for row, step in zip(rows, turn, strict=True)),
        rows,
        slots,
        tuple(range(seed * count, (seed + 1) * count)),
        store,
        layout.rows(where) if layout else None,
        None if examples.class_id is None else torch.from_numpy(examples.class_id[rows]),
    )


def draw(model: Model, asked: Requests, what: str) -> Tensor:
    """[n, 3, r, r] uint8, by the model in evaluation mode, a part at a time, with a progress bar."""
    parts = []
    tokens = asked.tokens(model)
    count = len(asked.captions)
    with counting(what) as progress:
        for start in range(0, count, AT_ONCE):
            part = slice(start, min(start + AT_ONCE, count))
            layout = asked.layout.rows(part) if asked.layout else None
            drawn = model.generate(tokens.rows(part), asked.seeds[part], layout=layout, batch=AT_ONCE)
            parts.append(pictures.to_uint8(drawn).cpu())
            progress(part.stop, count)
    return torch.cat(parts)


def draw_copies(model: Model, asked: Requests, index: NDArray[np.int64], seeds: Sequence[int]) -> Tensor:
    """[m, k, 3, r, r] uint8: the captions `index` [m] of those asked, each with every one of k seeds."""
    tokens = asked.tokens(model, index)
    layout = asked.layout.rows(torch.from_numpy(index)) if asked.layout else None
    columns = []
    with counting("drawing each caption anew") as progress:
        for number, seed in enumerate(seeds, 1):
            drawn = model.generate(tokens, seed, layout=layout, batch=AT_ONCE)
            columns.append(pictures.to_uint8(drawn).cpu())
            progress(number, len(seeds))
    return torch.stack(columns, 1)
