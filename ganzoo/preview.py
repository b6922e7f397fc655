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
        self._held_out = feed.held_out(model, CAPTIONS)

    def draw(self, model: Model, ema: Ema | None, step: int, depth: int | None = None) -> None:
        """Draw the grid with the averaged weights where there are any, of the first `depth` stages.

        Raises GanzooError if it cannot be written.
        """
        if ema:
            with ema.applied():
                return self.draw(model, None, step, depth)
        real, tokens, layout = self._held_out.real, self._held_out.tokens, self._held_out.layout
        (*coarse, finest), *others = (
            model.generate_stages(tokens, seed, layout=layout, depth=depth) for seed in SEEDS
        )
        shown = (*coarse, finest, *(stages[-1] for stages in others))
        columns = [pictures.enlarged(images, real.shape[1]) for images in shown]
        sheet = np.stack([real, *columns], axis=1)
        labels = ["real", *(f"at {images.shape[-1]} px" for images in coarse), *(f"seed {s}" for s in SEEDS)]
        pictures.save(
            pictures.grid(sheet, self._held_out.captions, labels), self._run.samples / f"step-{step:08d}.png"
        )
