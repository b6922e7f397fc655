"""The generators' projection of the sentence: Reed et al. 2016, arXiv:1610.02454, section 4."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from ganzoo.components import Conditioning
from ganzoo.flow import Condition, Layout, TextFeatures
from ganzoo.specs import ConditionSpec, TextSpec


@dataclass(frozen=True, kw_only=True)
class Project(Conditioning):
    """Sentence [b, s] -> Linear -> code [b, size]; discriminators judge the raw sentence.

    GAWWN's generators put the nonlinearity behind the code themselves, some of them behind its paste into a
    box. Words, where the text encoder gives any, are passed on. `size`: width of the code, 4 ngf in the
    authors' code.

    Source: Reed et al. 2016, section 4; reedscot/nips2016 main_cub_bbox.lua.
    """

    needs: ClassVar = frozenset({"sentence"})
    source: ClassVar[str] = "Reed et al. 2016, arXiv:1610.02454, section 4"
    tiny: ClassVar = {"size": 6}

    size: PositiveInt = 512

    def yields(self, text: TextSpec) -> ConditionSpec:
        """A code `size` wide for the generator, the sentence for discriminators."""
        return ConditionSpec(generator_code=self.size, discriminator_code=text.sentence, words=text.words)

    def build(self, text: TextSpec) -> Projection:
        """The projection from `text.sentence` to `size`."""
        return Projection(text.sentence, self.size)


class Projection(nn.Module):
    """Linear, [b, s] -> [b, c]."""

    def __init__(self, sentence: int, size: int) -> None:
        super().__init__()
        self.layer = nn.Linear(sentence, size)

    def forward(
        self, text: TextFeatures, layout: Layout | None, epsilon: Float[Tensor, "b e"] | None
    ) -> Condition:
        """The generator's code beside the raw sentence; reads neither `layout` nor `epsilon`."""
        return Condition(
            generator_code=self.layer(text.sentence),  # [b, c]
            discriminator_code=text.sentence,  # [b, s]
            words=text.words,
            mask=text.mask,
        )
