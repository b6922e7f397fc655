"""The real pictures of a split, and what networks see in them, which is kept on disk."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from ganzoo.data.array_files import map_array
from ganzoo.data.cache import Packed, appearing, cache_folder, discard, pack
from ganzoo.data.examples import Examples
from ganzoo.errors import GanzooError
from ganzoo.metrics.backbones import Backbone
from ganzoo.metrics.samples import FeatureSet
from ganzoo.progress import counting

log = logging.getLogger("ganzoo")

VERSION = 1  # of how features are made; another number, other files
AT_ONCE = 64  # pictures


@dataclass(frozen=True, eq=False)
class Split:
    """Examples of one split called `name`, and `images` [n, 3, s, s] uint8 beside them, row for row."""

    name: str
    examples: Examples
    images: NDArray[np.uint8]

    @classmethod
    def packed(cls, name: str, examples: Examples, side: int) -> Split:
        """A whole split at one size, from the cache or packed now. Raises GanzooError where it is empty.

        Pictures that cannot be read are left out, and a warning names them: `content` tells such a split.
        """
        if not len(examples):
            raise GanzooError(f"the data has no {name} split")
        with counting(f"packing {name} pictures") as progress:
            packed = pack(examples, side, cache_folder() / "pictures", skip_broken=True, progress=progress)
        return cls(name, packed.select(examples), packed.images)

    def evenly(self, count: int) -> Split:
        """So many of the examples, or all there are, spread evenly over the split."""
        rows = np.linspace(0, len(self) - 1, min(count, len(self))).round().astype(np.int64)
        return Split(self.name, Packed(self.images[:0], rows).select(self.examples), self.images[rows])

    def __len__(self) -> int:
        return len(self.images)

    @cached_property
    def content(self) -> str:
        """A checksum of the pictures themselves."""
        state = hashlib.blake2b(str(self.images.shape).encode(), digest_size=16)
        for start in range(0, len(self), 256):
            state.update(self.images[start : start + 256].tobytes())
        return state.hexdigest()

    def seen_by(self, backbone: Backbone) -> FeatureSet:
        """What a backbone sees in all pictures, from the cache or looked at now."""
        terms = f"{VERSION} {self.content} {backbone.checksum} {backbone.side}"
        target = cache_folder() / "features" / hashlib.sha256(terms.encode()).hexdigest()[:32]
        found = _reopen(target, len(self))
        if found is None:
            found = look(backbone, torch.from_numpy(self.images), f"{backbone.name}: {self.name} pictures")
            _keep(target, found)
        return found


def look(backbone: Backbone, images: torch.Tensor, what: str) -> FeatureSet:
    """What a backbone sees in pictures [n, 3, r, r], a part at a time, with a progress bar called `what`."""
    vectors, logits = [], []
    with counting(what) as progress:
        for start in range(0, len(images), AT_ONCE):
            seen = backbone(images[start : start + AT_ONCE])
            vectors.append(seen.vector.cpu())
            if seen.logits is not None:
                logits.append(seen.logits.cpu())
            progress(min(start + AT_ONCE, len(images)), len(images))
    classes = torch.cat(logits).double().numpy() if logits else None
    return FeatureSet(torch.cat(vectors).double().numpy(), classes)


def _keep(target: Path, features: FeatureSet) -> None:
    """Keep features in a folder that appears whole or not at all. On a full disk they are not kept."""
    try:
        discard(target)
        with appearing(target) as building:
            np.save(building / "vector.npy", features.vector.astype(np.float32))
            if features.logits is not None:
                np.save(building / "logits.npy", features.logits.astype(np.float32))
    except OSError as error:
        log.warning("features could not be kept in %s: %s", target, error.strerror or error)


def _reopen(target: Path, count: int) -> FeatureSet | None:
    if not target.exists():
        return None

    def read(name: str) -> NDArray[np.float64]:
        return np.asarray(map_array(target / name), np.float64)

    arrays: list[NDArray[np.float64] | None] = []
    try:
        arrays = [read("vector.npy"), read("logits.npy") if (target / "logits.npy").exists() else None]
        if any(array is not None and (array.ndim != 2 or len(array) != count) for array in arrays):
            raise GanzooError("they are of other pictures")
    except GanzooError as error:
        log.warning("the features in %s are damaged (%s); looking at the pictures again", target, error)
        return None
    vector, logits = arrays
    assert vector is not None
    return FeatureSet(vector, logits)
