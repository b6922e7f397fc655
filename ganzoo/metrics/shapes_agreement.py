"""Which statements of their captions pictures of shapes show, and the share that holds.

A caption states the size, colour and shape of each figure it names, the relation of two, and the count: it
names everything there is. Its figures are matched to those seen so that as many statements as possible hold.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray

from ganzoo.components import Metric
from ganzoo.data.scenes import COLOURS, RELATIONS, SHAPES, SIZES, Description, parse
from ganzoo.errors import GanzooError
from ganzoo.metrics.ratios import Ratio
from ganzoo.metrics.samples import Samples
from ganzoo.metrics.shapes_reader import Sight, look

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

KINDS = ("size", "colour", "shape", "relation", "count")
STATEMENTS = ("size 1", "colour 1", "shape 1", "size 2", "colour 2", "shape 2", "relation", "count")

_KIND = np.array([KINDS.index(name.split()[0]) for name in STATEMENTS])
_DIRECTIONS = np.array(list(RELATIONS.values()), np.float32)
_PIXELS = 1 << 20  # read at a time


@dataclass(frozen=True, eq=False)
class Agreement:
    """Which statements of n captions hold; columns are `STATEMENTS`.

    `stated` [n, 8] bool: the caption makes it. `holds` [n, 8] bool: and the picture shows it.
    """

    stated: Bools
    holds: Bools

    @property
    def mean(self) -> float:
        """The share of all statements that hold."""
        return float(self.holds.sum() / self.stated.sum())

    @property
    def all(self) -> Bools:
        """[n] bool: every statement of the caption holds."""
        return np.asarray((self.holds == self.stated).all(axis=1))

    def picture(self, index: int) -> dict[str, bool]:
        """Each statement of caption `index` by name, and whether it holds."""
        return {
            name: bool(held)
            for name, stated, held in zip(STATEMENTS, self.stated[index], self.holds[index], strict=True)
            if stated
        }


@dataclass(frozen=True, kw_only=True)
class ShapesAgreement(Metric):
    """How far pictures show what their captions of core/shapes say.

    `samples`: how many are drawn when a checkpoint is measured.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"fakes", "captions"})
    source: ClassVar[str] = "ganzoo's own; in the manner of Hinz et al. 2022, SOA, arXiv:1910.13321"
    decides: ClassVar[str] = "agreement"
    judges_only: ClassVar[str] = "core/shapes"

    def __call__(self, samples: Samples) -> Mapping[str, float]:
        """Shares in 0..1 from `samples.fakes` [n, 3, r, r] in [-1, 1] and `samples.captions`; see `value`."""
        return value(statistics(samples.fakes, samples.captions))

    def ratios(self, samples: Samples) -> Mapping[str, Ratio]:
        """Shares of statements, of pictures."""
        found = agreement(samples.fakes, samples.captions)
        held, stated = found.holds.astype(np.float64), found.stated.astype(np.float64)
        shares = {
            f"agreement/{kind}": Ratio(held[:, _KIND == number].sum(1), stated[:, _KIND == number].sum(1))
            for number, kind in enumerate(KINDS)
            if stated[:, _KIND == number].any()
        }
        every = Ratio.mean(found.all.astype(np.float64))
        return {**shares, "agreement": Ratio(held.sum(1), stated.sum(1)), "agreement/all": every}


def statistics(images: torch.Tensor | NDArray[Any], captions: Sequence[str]) -> Ints:
    """How many hold and how many there are, [7, 2]: of each of `KINDS`, of all statements, of full captions.

    The statistics of two sets of pictures add up to those of both together. Raises as `agreement` does.
    """
    return _count(agreement(images, captions))


def _count(found: Agreement) -> Ints:
    held = np.bincount(_KIND, found.holds.sum(axis=0)).astype(np.int64)
    made = np.bincount(_KIND, found.stated.sum(axis=0)).astype(np.int64)
    full = (found.all.sum(), len(found.all))
    return np.array([*zip(held, made, strict=True), (held.sum(), made.sum()), full])


def value(statistics: Ints) -> dict[str, float]:
    """Shares in 0..1: "agreement" of all statements, "agreement/KIND", "agreement/all" of full captions.

    A kind of statement that no caption makes is left out.
    """
    names = [*(f"agreement/{kind}" for kind in KINDS), "agreement", "agreement/all"]
    return {name: float(held / made) for name, (held, made) in zip(names, statistics, strict=True) if made}


def agreement(images: torch.Tensor | NDArray[Any], captions: Sequence[str]) -> Agreement:
    """Which statements of `captions` [n] the pictures `images` [n, 3, r, r] in [-1, 1] show; r from 32 up.

    What is not finite counts as white. Raises GanzooError when there is no picture, for pictures of another
    shape, when there are not as many captions, and for a caption outside the grammar of core/shapes.
    """
    array = images.detach().float().cpu().numpy() if isinstance(images, torch.Tensor) else np.asarray(images)
    if array.ndim != 4 or array.shape[1] != 3 or array.shape[2] != array.shape[3] or not len(array):
        raise GanzooError(
            f"shapes agreement was given pictures {list(array.shape)}; expected [n, 3, r, r] with n > 0"
        )
    if len(array) != len(captions):
        raise GanzooError(
            f"shapes agreement was given {len(array)} pictures and {len(captions)} captions; expected as many"
        )
    descriptions = [parse(caption) for caption in captions]
    at_once = max(1, _PIXELS // array.shape[2] ** 2)
    parts = [
        _compare(look(array[start : start + at_once]), descriptions[start : start + at_once])
        for start in range(0, len(array), at_once)
    ]
    return Agreement(
        np.concatenate([part.stated for part in parts]), np.concatenate([part.holds for part in parts])
    )


def chance(captions: Sequence[str]) -> dict[str, float]:
    """What `value` gives when each caption is judged on the perfect picture of every other one: exact.

    Raises GanzooError for fewer than two captions and for a caption outside the grammar of core/shapes.
    """
    if len(captions) < 2:
        raise GanzooError(f"chance of agreement was given {len(captions)} captions; expected 2 or more")
    descriptions = [parse(caption) for caption in captions]
    seen = _imagine(descriptions)
    total = np.zeros((len(KINDS) + 2, 2), np.int64)
    for shift in range(1, len(captions)):
        turned = Sight(
            np.roll(seen.attributes, shift, 0), np.roll(seen.centres, shift, 0), np.roll(seen.count, shift)
        )
        total += _count(_compare(turned, descriptions))
    return value(total)


def _imagine(descriptions: Sequence[Description]) -> Sight:
    """What is to be seen where `descriptions` are shown without fault."""
    said, relation = _numbers(descriptions)
    centres = np.zeros((len(said), 2, 2), np.float32)
    centres[:, 0] = np.where(relation[:, None] >= 0, _DIRECTIONS[relation], 0)
    return Sight(said, centres, (said[:, :, 0] >= 0).sum(axis=1))


def _compare(seen: Sight, descriptions: Sequence[Description]) -> Agreement:
    """Which statements of description i hold in picture i as seen, under the best matching of figures."""
    said, relation = _numbers(descriptions)
    named = (said >= 0).reshape(len(said), 6)
    figures = named.sum(axis=1) // 3
    stated = np.column_stack([named, relation >= 0, figures > 0])
    best = np.zeros_like(stated)
    for pair in permutations(range(seen.attributes.shape[1]), 2):
        attributes, centres = seen.attributes[:, pair], seen.centres[:, pair]
        same = (attributes == said).reshape(len(said), 6)
        towards = ((centres[:, 0] - centres[:, 1]) @ _DIRECTIONS.T).argmax(axis=1)
        related = (towards == relation) & (attributes >= 0).all(axis=(1, 2))
        holds = stated & np.column_stack([same, related, seen.count == figures])
        better = holds.sum(axis=1) > best.sum(axis=1)
        best[better] = holds[better]
    return Agreement(stated, best)


def _numbers(descriptions: Sequence[Description]) -> tuple[Ints, Ints]:
    """Attributes [n, 2, 3] as in `Sight`, and the relation's number [n]; -1 where nothing is said."""
    sizes, colours, relations = list(SIZES), list(COLOURS), list(RELATIONS)
    nothing = (-1, -1, -1)
    said = []
    for description in descriptions:
        figures = [
            (sizes.index(figure.size), colours.index(figure.colour), SHAPES.index(figure.shape))
            for figure in description.figures
        ]
        said.append((*figures, nothing)[:2])
    related = [relations.index(said.relation) if said.relation else -1 for said in descriptions]
    return np.array(said), np.array(related)
