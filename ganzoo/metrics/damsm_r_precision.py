"""R-precision by the encoders that are trained with the model, AttnGAN's DAMSM: see `r_precision`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pydantic import PositiveInt

from ganzoo.components import Metric
from ganzoo.metrics.r_precision import RIVALS, rows_of, value
from ganzoo.metrics.ratios import Ratio
from ganzoo.metrics.samples import Samples


@dataclass(frozen=True, kw_only=True)
class DamsmRPrecision(Metric):
    """How often a picture's own caption is nearest to it, by the model's own encoders.

    In a phase that trains encoders alone, of real pictures: how well they tell held-out captions apart. In
    one that trains the generator, of drawn pictures; where its loss reads the same encoders it grades its own
    work, as in the paper. `damsm_r_precision` in 0..1, and of blind guesses `damsm_r_precision/chance`.

    `rivals`: mismatched captions beside the own one, fewer where there are fewer; captions of the same class
    or the same words are none. `samples`: as for every metric.

    Source: Xu et al. 2018, arXiv:1711.10485, section 4, "Evaluation".
    """

    needs: ClassVar[frozenset[str]] = frozenset({"captions", "image_encoder"})
    source: ClassVar[str] = 'Xu et al. 2018, arXiv:1711.10485, section 4, "Evaluation"'
    decides: ClassVar[str] = "damsm_r_precision"

    rivals: PositiveInt = RIVALS

    def ratios(self, samples: Samples) -> Mapping[str, Ratio]:
        """Shares of pictures."""
        rows = rows_of(samples, self.rivals)
        return {
            self.decides: Ratio.mean(rows[:, 0].numpy()),
            f"{self.decides}/chance": Ratio.mean(rows[:, 1].numpy()),
        }

    def __call__(self, samples: Samples) -> Mapping[str, float]:
        """The two numbers. Raises GanzooError where no caption has a rival."""
        found, guessed = value(rows_of(samples, self.rivals))
        return {self.decides: found, f"{self.decides}/chance": guessed}
