"""What a metric is given: pictures of captions, and what networks see in them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ganzoo.flow import ImageFeatures, TextFeatures

T = TypeVar("T")
Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class FeatureSet:
    """What a backbone sees in n pictures: `vector` [n, d]; `logits` [n, k] over classes, where it has any.

    Float64, in the order of the pictures. What is derived from them once, such as a covariance's root, is
    kept with them: `once`.
    """

    vector: Floats
    logits: Floats | None = None
    _kept: dict[str, Any] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.vector)

    def rows(self, index: NDArray[np.int64]) -> FeatureSet:
        """Those of the pictures `index` [m]."""
        return FeatureSet(self.vector[index], None if self.logits is None else self.logits[index])

    def once(self, name: str, make: Callable[[FeatureSet], T]) -> T:
        """`make(self)`, made when it is first asked for by that name."""
        if name not in self._kept:
            self._kept[name] = make(self)
        found: T = self._kept[name]
        return found


@dataclass(frozen=True, eq=False)
class Samples:
    """Drawn pictures `fakes` [n, 3, r, r] in [-1, 1] of n `captions`, and real held-out ones, `reals`.

    In a phase that draws nothing `fakes` are the real ones. `class_id` [n], where the data knows it. For
    metrics that need `image_encoder` or name encoders of their own: `text` and `image_features` are what
    those say of the captions and of `fakes`; `real_text` is what they say of the captions of `reals`.

    For metrics that need `backbone` pictures are in 8 bits, as networks take them. `features` by "fakes",
    "reals" and, where needed, "train"; `maps` gives the maps [n, c, h, w] of all levels of pictures. For
    those that need `copies`: `copies` [m, k, 3, r, r] in 8 bits, k pictures each of m captions.
    """

    fakes: Tensor
    reals: Tensor
    captions: tuple[str, ...]
    class_id: Tensor | None = None
    text: TextFeatures | None = None
    image_features: ImageFeatures | None = None
    real_text: TextFeatures | None = None
    features: Mapping[str, FeatureSet] = field(default_factory=dict)
    copies: Tensor | None = None
    maps: Callable[[Tensor], list[Tensor]] | None = None

    def rows(self, index: NDArray[np.int64]) -> Samples:
        """With the drawn pictures `index` [m] alone, and what belongs to them."""
        where = torch.from_numpy(index)
        seen = self.image_features
        regions = None if seen is None or seen.regions is None else seen.regions[where]
        return replace(
            self,
            fakes=self.fakes[where],
            captions=tuple(self.captions[i] for i in index.tolist()),
            class_id=None if self.class_id is None else self.class_id[where],
            text=None if self.text is None else self.text.rows(where),
            image_features=None if seen is None else ImageFeatures(seen.vector[where], regions),
            features={name: f.rows(index) if name == "fakes" else f for name, f in self.features.items()},
        )
