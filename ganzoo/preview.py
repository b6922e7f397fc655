"""Sample grids while training: the same held-out captions and draws each time, beside real pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ganzoo import pictures
from ganzoo.ema import Ema
from ganzoo.model import Model

if TYPE_CHECKING:
    from ganzoo.data.feed import Feed
    from ganzoo.run import Run

CAPTIONS = 8
SEEDS = (0, 1, 2, 3)


class Preview:
    """Draws `samples/step-N.png`: a row a caption, a real picture of it first, then one column a seed.

    Where there are several stages, the first seed's coarser pictures stand before its finest.
    """

    def __init__(self, feed: Feed, model: Model, run: Run) -> None:
        self._run = run
        held_out = feed.held_out(model, CAPTIONS)
        self._captions, self._tokens, self._real = held_out.captions, held_out.tokens, held_out.real

    def draw(self, model: Model, ema: Ema | None, step: int, depth: int | None = None) -> None:
        """Draw the grid with the averaged weights where there are any, of the first `depth` stages.

        Raises GanzooError if it cannot be written.
        """
        if ema:
            with ema.applied():
                return self.draw(model, None, step, depth)
        side = self._real.shape[1]
        *coarse, finest = model.generate_stages(self._tokens, SEEDS[0], depth=depth)
        others = [model.generate_stages(self._tokens, seed, depth=depth)[-1] for seed in SEEDS[1:]]
        columns = [pictures.enlarged(images, side) for images in (*coarse, finest, *others)]
        sheet = np.stack([self._real, *columns], axis=1)
        labels = ["real", *(f"at {images.shape[-1]} px" for images in coarse), *(f"seed {s}" for s in SEEDS)]
        pictures.save(
            pictures.grid(sheet, self._captions, labels), self._run.samples / f"step-{step:08d}.png"
        )
