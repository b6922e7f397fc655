"""The deep attentional multimodal similarity model's loss: Xu et al. 2018, arXiv:1711.10485, section 3.2."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from pydantic import NonNegativeFloat, PositiveFloat
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from ganzoo.components import Loss
from ganzoo.flow import ImageFeatures, TextFeatures

if TYPE_CHECKING:
    from ganzoo.step import Step

SMALLEST_NORM = 1e-8
SCORES_AT_ONCE = 2**26  # word-region scores kept for the backward pass; 256 MB in float32 each time


@dataclass(frozen=True, kw_only=True)
class Damsm(Loss):
    """Each picture is to be told among the batch's by its caption, each caption by its picture.

    For every picture and caption a similarity of words and regions and one of sentence and picture; of each,
    cross-entropy over the row and over the column, four terms. In the encoders' update the pictures are the
    real ones, in the generator's the finest stage's. Pairs are those of one process's rows.

    `gamma1`: how sharply a word picks its regions; `gamma2`: how much the best words count; `gamma3`: how
    sharply the batch is told apart. `words`, `sentence`: weights of the two similarities' terms. `classes`:
    leave captions of other pictures of the same class out, for which the data must know classes. `weight`,
    `every`: as for every loss.

    Source: Xu et al. 2018, section 3.2, equations 7 to 13, without the exponent 1 / gamma2 of equation 10, as
    in taoxugit/AttnGAN miscc/losses.py, words_loss and sent_loss.
    """

    updates: ClassVar = frozenset({"generator", "encoders"})
    needs: ClassVar = frozenset({"fake", "words", "sentence", "image_vector", "image_regions"})
    source: ClassVar[str] = "Xu et al. 2018, arXiv:1711.10485, section 3.2, equations 7 to 13"

    gamma1: PositiveFloat = 4.0
    gamma2: PositiveFloat = 5.0
    gamma3: PositiveFloat = 10.0
    words: NonNegativeFloat = 1.0
    sentence: NonNegativeFloat = 1.0
    classes: bool = True

    def requires(self) -> frozenset[str]:
        """Classes only where they count."""
        return self.needs | ({"class_id"} if self.classes else set())

    def __call__(self, step: Step) -> Tensor:
        """The scalar of the batch's real pictures, or in the generator's update of this step's."""
        if step.update == "encoders":
            text, pictures = step.text, step.image_features
        else:
            text = step.generated.text
            pictures = step.image_features_of(step.generated.images[-1])
        classes = step.batch.class_id if self.classes else None
        rows = len(step.text.sentence)
        if classes is None:
            classes = torch.arange(rows, device=text.sentence.device)
        others = same_class(classes.repeat(len(text.sentence) // rows))
        return self.of_features(text, pictures, others)

    def of_features(
        self, text: TextFeatures, pictures: ImageFeatures, left_out: Bool[Tensor, "b b"] | None = None
    ) -> Tensor:
        """The scalar of captions and pictures, row by row; pairs `left_out` are no rivals."""
        assert text.words is not None and text.mask is not None and pictures.regions is not None
        kind = text.sentence.device.type
        known = torch.amp.is_autocast_available(kind)  # not where shapes alone are computed
        with torch.autocast(kind, enabled=False) if known else nullcontext():
            by_words = word_similarity(
                *_exact(pictures.regions, text.words), text.mask, self.gamma1, self.gamma2
            )
            by_sentence = cosine(*_exact(pictures.vector, text.sentence))
            terms = self.words * told_apart(self.gamma3 * by_words, left_out)
            return terms + self.sentence * told_apart(self.gamma3 * by_sentence, left_out)


def _exact(*features: Tensor) -> tuple[Tensor, ...]:
    """In float32 where they are of half precision: exponents of sums of many."""
    return tuple(x.float() if x.dtype in (torch.bfloat16, torch.float16) else x for x in features)


def same_class(classes: Int64[Tensor, " b"]) -> Bool[Tensor, "b b"]:
    """Pairs of different rows of one class."""
    same = classes.unsqueeze(1) == classes
    return same & ~torch.eye(len(classes), dtype=torch.bool, device=classes.device)


def told_apart(scores: Float[Tensor, "b b"], left_out: Bool[Tensor, "b b"] | None = None) -> Tensor:
    """Cross-entropy of the diagonal within its row, and within its column: their sum."""
    if left_out is not None:
        scores = scores.masked_fill(left_out, -torch.inf)
    labels = torch.arange(len(scores), device=scores.device)
    return F.cross_entropy(scores, labels) + F.cross_entropy(scores.mT, labels)


def cosine(one: Float[Tensor, "b s"], other: Float[Tensor, "c s"]) -> Float[Tensor, "b c"]:
    """The cosine of every row of one with every row of the other."""
    norms = one.norm(dim=1).unsqueeze(1) * other.norm(dim=1)
    return one @ other.mT / norms.clamp_min(SMALLEST_NORM)


def word_similarity(
    regions: Float[Tensor, "b n w"],
    words: Float[Tensor, "c t w"],
    mask: Bool[Tensor, "c t"],
    gamma1: float = 4.0,
    gamma2: float = 5.0,
) -> Float[Tensor, "b c"]:
    """How well each picture fits each caption: log sum over words of exp(gamma2 cos(word, what it sees)).

    Vectorised over all pairs. Where their scores, b c n t of them, are more than `SCORES_AT_ONCE`, they are
    made for a few pictures at a time and once more in the backward pass.
    """
    of_a_picture = regions.shape[1] * words.shape[0] * words.shape[1]
    at_once = max(1, SCORES_AT_ONCE // of_a_picture)
    if len(regions) <= at_once or not torch.is_grad_enabled():
        parts = [_similarity(part, words, mask, gamma1, gamma2) for part in regions.split(at_once)]
    else:
        parts = [
            checkpoint(_similarity, part, words, mask, gamma1, gamma2, use_reentrant=False)
            for part in regions.split(at_once)
        ]
    return torch.cat(parts)


def _similarity(regions: Tensor, words: Tensor, mask: Tensor, gamma1: float, gamma2: float) -> Tensor:
    seen = torch.bmm(word_maps(regions, words, mask, gamma1).mT, regions)  # [b, c t, w]
    flat = words.flatten(0, 1)  # [c t, w]
    norms = seen.norm(dim=2) * flat.norm(dim=1)
    cosines = (seen * flat).sum(2) / norms.clamp_min(SMALLEST_NORM)  # [b, c t]
    exponents = (gamma2 * cosines).unflatten(1, mask.shape).masked_fill(~mask, -torch.inf)
    return exponents.logsumexp(2)


def word_maps(
    regions: Float[Tensor, "b n w"],
    words: Float[Tensor, "c t w"],
    mask: Bool[Tensor, "c t"],
    gamma1: float = 4.0,
) -> Float[Tensor, "b n ct"]:
    """Where every word of every caption looks in every picture: over the regions the maps add up to 1.

    First each region is shared out among the words of a caption, then each word picks its regions.
    """
    padding = torch.zeros(mask.shape, dtype=words.dtype, device=words.device).masked_fill(~mask, -torch.inf)
    scores = regions @ words.flatten(0, 1).mT + padding.flatten()  # [b, n, c t]
    shares = scores.unflatten(2, mask.shape).softmax(3).flatten(2)
    return (gamma1 * shares).softmax(1)
