"""Metrics of how well pictures fit their captions, by encoders of both that a metric names, such as CLIP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from pydantic import PositiveInt

from ganzoo.components import Metric
from ganzoo.metrics import clip_score, r_precision
from ganzoo.metrics.ratios import Ratio
from ganzoo.metrics.samples import Samples

PREFIX = "A photo depicts "


@dataclass(frozen=True, kw_only=True)
class EncoderMetric(Metric):
    """What metrics share that grade with a text and an image encoder of one space.

    `text`, `image`: the two components. `options`: of both, such as {model: ViT-B/16}.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"fakes", "captions", "encoders"})

    text: str = "clip/text"
    image: str = "clip/image"
    options: Mapping[str, Any] = field(default_factory=dict)

    def encoders(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Both, with their options."""
        return {"use": self.text, **self.options}, {"use": self.image, **self.options}


@dataclass(frozen=True, kw_only=True)
class ClipScore(EncoderMetric):
    """How near a picture is to its caption in CLIP's space; higher is better.

    Beside it stands what real pictures have, and in `clip_cosine/mismatched` what other captions have.

    `prefix`: what captions begin with before they are read. `text`, `image`: the two encoders, in one space.
    `options`: of both. `samples`: as for every metric.

    Source: Hessel et al. 2021, arXiv:2104.08718, section 3.
    """

    source: ClassVar[str] = "Hessel et al. 2021, arXiv:2104.08718, section 3"
    decides: ClassVar[str] = "clip_score"

    prefix: str = PREFIX

    def ratios(self, samples: Samples) -> Mapping[str, Ratio]:
        """Means over pictures."""
        cosines = self._cosines(samples)
        return {
            "clip_score": Ratio.mean((clip_score.WEIGHT * cosines.clamp_min(0)).numpy()),
            "clip_cosine": Ratio.mean(cosines.numpy()),
        }

    def __call__(self, samples: Samples) -> Mapping[str, float]:
        """`clip_score`, 2.5 max(cos, 0); `clip_cosine`; `clip_cosine/mismatched`, of other captions."""
        assert samples.image_features is not None and samples.text is not None
        found = clip_score.value(self._cosines(samples))
        other = clip_score.mismatched(samples.image_features.vector, samples.text.sentence)
        return {
            "clip_score": found["clip_score"],
            "clip_cosine": found["clip_cosine"],
            "clip_cosine/mismatched": other,
        }

    def _cosines(self, samples: Samples) -> torch.Tensor:
        assert samples.image_features is not None and samples.text is not None
        return clip_score.statistics(samples.image_features.vector, samples.text.sentence)


@dataclass(frozen=True, kw_only=True)
class ClipRPrecision(EncoderMetric):
    """How often a picture's own caption is the nearest of a hundred in CLIP's space; higher is better.

    `rivals`: mismatched captions beside the own one. `text`, `image`: the two encoders, in one space.
    `options`: of both. `samples`: as for every metric.

    Source: Xu et al. 2018, arXiv:1711.10485, section 4; Park et al. 2021, with CLIP's encoders.
    """

    source: ClassVar[str] = 'Xu et al. 2018, arXiv:1711.10485, section 4, "Evaluation"'
    decides: ClassVar[str] = "clip_r_precision"

    rivals: PositiveInt = r_precision.RIVALS

    def ratios(self, samples: Samples) -> Mapping[str, Ratio]:
        """Shares of pictures."""
        assert samples.image_features is not None and samples.text is not None
        rows = r_precision.rows_of(samples, self.rivals)
        return {
            self.decides: Ratio.mean(rows[:, 0].numpy()),
            f"{self.decides}/chance": Ratio.mean(rows[:, 1].numpy()),
        }

    def __call__(self, samples: Samples) -> Mapping[str, float]:
        """The share, and that of blind guesses. Raises GanzooError where no caption has a rival."""
        assert samples.image_features is not None and samples.text is not None
        found, guessed = r_precision.value(r_precision.rows_of(samples, self.rivals))
        return {self.decides: found, f"{self.decides}/chance": guessed}
