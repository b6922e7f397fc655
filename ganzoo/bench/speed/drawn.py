"""A data set that stands in for a recipe's own: drawn shapes, with all that the recipe's data gives.

So every recipe is timed without its pictures at hand, and what is packed, cropped, flipped and carried along
with a picture is what the recipe asks for.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from pathlib import Path

import numpy as np
from pydantic import PositiveInt

from ganzoo.components import Dataset
from ganzoo.data.examples import Examples
from ganzoo.data.shapes import Shapes
from ganzoo.specs import DataSpec

HELD_OUT = 64


@dataclass(frozen=True, kw_only=True)
class Drawn(Dataset):
    """`count` pictures of shapes with what `spec` names: class ids, boxes, keypoints, embeddings."""

    spec: DataSpec
    count: PositiveInt

    def yields(self) -> DataSpec:
        """What the recipe's own data gives."""
        return self.spec

    def examples(self, split: str, folder: Path | None, resolution: int) -> Examples:
        """Shapes drawn at `resolution`; keypoints and embeddings are random."""
        shapes = Shapes(count=self.count, test_count=HELD_OUT).examples(split, None, resolution)
        draws, n = np.random.default_rng(0), len(shapes)
        spec = self.spec
        return replace(
            shapes,
            class_id=shapes.class_id if spec.class_id else None,
            boxes=shapes.boxes if spec.boxes else None,
            keypoints=(
                np.concatenate(
                    [draws.random((n, spec.keypoints, 2)), np.ones((n, spec.keypoints, 1))], 2
                ).astype(np.float32)
                if spec.keypoints
                else None
            ),
            embedding=(draws.standard_normal((n, 1, spec.embedding), np.float32) if spec.embedding else None),
        )


def drawn_as(data: Dataset, spec: DataSpec, count: int) -> Drawn:
    """`count` drawn pictures that are batched, cropped and flipped as `data` is, and come with `spec`."""
    asked = {field.name: getattr(data, field.name) for field in fields(Dataset)}
    return Drawn(**asked, spec=spec, count=count)
