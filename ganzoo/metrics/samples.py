"""What a metric is given: pictures of captions."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ganzoo.flow import ImageFeatures, TextFeatures


@dataclass(frozen=True, eq=False)
class Samples:
    """Drawn pictures `fakes` [n, 3, r, r] in [-1, 1] of n `captions`, and the real ones, `reals`, alike.

    In a phase that draws nothing `fakes` are the real ones. `class_id` [n], where the data knows it. For
    metrics that need `image_encoder`: `text` and `image_features` are what the model's own encoders say of
    the captions and of `fakes`.
    """

    fakes: Tensor
    reals: Tensor
    captions: tuple[str, ...]
    class_id: Tensor | None = None
    text: TextFeatures | None = None
    image_features: ImageFeatures | None = None
