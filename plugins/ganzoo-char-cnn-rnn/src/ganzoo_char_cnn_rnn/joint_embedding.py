"""The structured loss of a joint embedding: Reed et al. 2016, arXiv:1605.05395, section 3, equation 5."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

import torch
from jaxtyping import Bool, Float
from pydantic import PositiveFloat
from torch import Tensor

from ganzoo.components import Loss

if TYPE_CHECKING:
    from ganzoo.step import Step


@dataclass(frozen=True, kw_only=True)
class JointEmbedding(Loss):
    """Each picture's product with its own caption is to exceed that with others' by a margin, and vice versa.

    1 / b^2 sum_i sum_(j != i) max(0, margin + <v_i, t_j> - <v_i, t_i>) of pictures v and captions t: the
    `captions` are rivals for a picture. The same with the roles exchanged: `pictures` are, for a caption.
    Pairs are those of one process's rows.

    `margin`: by how much. `rivals`: `both` sums, or one of them. `classes`: captions and pictures of one
    class are no rivals, for which the data must know classes; the authors' batches have each class once.
    `weight`, `every`: as for every loss.

    Source: Reed et al. 2016, section 3, equations 3 to 5; reedscot/cvpr2016 and icml2016
    main_txt_coco.lua, JointEmbeddingLoss.
    """

    updates: ClassVar = frozenset({"encoders"})
    needs: ClassVar = frozenset({"sentence", "image_vector"})
    source: ClassVar[str] = "Reed et al. 2016, arXiv:1605.05395, section 3, equations 3 to 5"

    margin: PositiveFloat = 1.0
    rivals: Literal["both", "captions", "pictures"] = "both"
    classes: bool = True

    def requires(self) -> frozenset[str]:
        """Classes only where they count."""
        return self.needs | ({"class_id"} if self.classes else set())

    def __call__(self, step: Step) -> Tensor:
        """The scalar of the batch's captions and real pictures."""
        no_rivals = None
        if self.classes:
            classes = step.batch.class_id
            assert classes is not None
            no_rivals = classes.unsqueeze(1) == classes
        return self.of_features(step.image_features.vector, step.text.sentence, no_rivals)

    def of_features(
        self,
        pictures: Float[Tensor, "b s"],
        captions: Float[Tensor, "b s"],
        no_rivals: Bool[Tensor, "b b"] | None = None,
    ) -> Tensor:
        """The scalar of pairs, row by row; those of `no_rivals` are left out."""
        scores = pictures @ captions.mT
        parts = {
            "captions": lambda: structured(scores, self.margin, no_rivals),
            "pictures": lambda: structured(scores.mT, self.margin, no_rivals),
        }
        chosen = parts if self.rivals == "both" else {self.rivals}
        return torch.stack([parts[name]() for name in chosen]).sum()


def structured(
    scores: Float[Tensor, "b b"], margin: float = 1.0, no_rivals: Bool[Tensor, "b b"] | None = None
) -> Tensor:
    """1 / b^2 of what each score of a row exceeds that on the diagonal less `margin` by, without itself."""
    left_out = torch.eye(len(scores), dtype=torch.bool, device=scores.device)
    if no_rivals is not None:
        left_out = left_out | no_rivals
    excess = (margin + scores - scores.diagonal().unsqueeze(1)).relu()
    return excess.masked_fill(left_out, 0).sum() / len(scores) ** 2
