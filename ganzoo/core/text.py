"""Text encoders with nothing to learn and nothing to download."""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from pydantic import PositiveInt
from torch import Tensor, nn

from ganzoo.components import TextEncoder
from ganzoo.errors import GanzooError
from ganzoo.flow import TextFeatures, Tokens
from ganzoo.specs import TextSpec

WORD = re.compile(r"[a-z0-9']+|[^\sa-z0-9']")


@dataclass(frozen=True, kw_only=True)
class Precomputed(TextEncoder):
    """The sentence embeddings that come with the data, `size` wide (char-CNN-RNN's have 1024), as they are.

    Source: Reed et al. 2016, arXiv:1605.05396, section 4.1: the generator reads embeddings computed
    beforehand.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"embedding"})
    source: ClassVar[str] = "Reed et al. 2016, arXiv:1605.05396, section 4.1"
    pretrained: ClassVar[bool] = True

    size: PositiveInt = 1024

    def yields(self) -> TextSpec:
        """A sentence of `size`, no words."""
        return TextSpec(sentence=self.size)

    def build(self) -> nn.Module:
        """A module without weights."""
        return PrecomputedModule(self.size)


class PrecomputedModule(nn.Module):
    """Hands `Tokens.embedding` on."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size

    def tokenize(self, captions: list[str]) -> Tokens:
        """[b, 1] zeros: this encoder reads no words, but captions can still be counted."""
        return Tokens(
            torch.zeros(len(captions), 1, dtype=torch.int64), torch.zeros(len(captions), dtype=torch.int64)
        )

    def forward(self, tokens: Tokens) -> TextFeatures:
        """[b, s] embeddings. Raises GanzooError where the tokens carry none, or of another width."""
        if tokens.embedding is None:
            raise GanzooError(
                "core/precomputed reads sentence embeddings that come with the data and cannot encode a "
                "caption by itself; give Tokens with an `embedding` [b, size], or use a text encoder such as "
                "minilm/text"
            )
        if tokens.embedding.shape[1] != self.size:
            raise GanzooError(
                f"core/precomputed was given embeddings of width {tokens.embedding.shape[1]}; "
                f"expected `size: {self.size}`"
            )
        return TextFeatures(tokens.embedding)


@dataclass(frozen=True, kw_only=True)
class NGrams(TextEncoder):
    """A fixed random vector for every run of up to `order` words, summed over the caption.

    Nothing is learnt: equal n-grams get equal vectors, different ones nearly orthogonal ones, so a linear
    layer can read which words stand together and in which order. `size` is the width of sentence and words,
    `words` the longest caption in words (the rest is cut off), `buckets` how many hash values there are.

    Source: feature hashing, Weinberger et al. 2009, arXiv:0902.2206, section 2; random projection of n-gram
    counts.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"captions"})
    source: ClassVar[str] = "Weinberger et al. 2009, arXiv:0902.2206, section 2"
    pretrained: ClassVar[bool] = True
    tiny: ClassVar[dict[str, int]] = {"size": 22, "buckets": 512}

    size: PositiveInt = 256
    order: PositiveInt = 3
    words: PositiveInt = 18
    buckets: PositiveInt = 16384

    def yields(self) -> TextSpec:
        """Sentence and words, both `size` wide."""
        return TextSpec(sentence=self.size, words=self.size)

    def build(self) -> nn.Module:
        """A module whose table is drawn from a fixed seed."""
        return NGramsModule(self.size, self.order, self.words, self.buckets)


class NGramsModule(nn.Module):
    """Hashed n-grams through a fixed Gaussian table."""

    table: Tensor

    def __init__(self, size: int, order: int, words: int, buckets: int) -> None:
        super().__init__()
        self.order, self.words, self.buckets = order, words, buckets
        generator = torch.Generator().manual_seed(0)
        # Not in the state dict: `size` and `buckets` say all there is to know of it.
        self.register_buffer("table", torch.randn(buckets, size, generator=generator), persistent=False)

    def tokenize(self, captions: list[str]) -> Tokens:
        """[b, t] checksums of lower-case words and punctuation marks, 1 or more; 0 = padding."""
        rows = [torch.tensor([zlib.crc32(word.encode()) + 1 for word in own]) for own in self.spell(captions)]
        ids = nn.utils.rnn.pad_sequence([row.to(torch.int64) for row in rows], batch_first=True)
        return Tokens(ids, torch.tensor([len(row) for row in rows]))

    def spell(self, captions: list[str]) -> list[list[str]]:
        """The lower-case words and punctuation marks that are read."""
        return [WORD.findall(caption.lower())[: self.words] for caption in captions]

    def forward(self, tokens: Tokens) -> TextFeatures:
        """Words [b, t, s], a vector each; sentence [b, s], the n-grams' sum over the root of their number."""
        mask = tokens.ids > 0
        key = torch.zeros_like(tokens.ids)
        total: Tensor | float = 0.0
        count: Tensor | float = 0.0
        words = self._look_up(tokens.ids)
        for n in range(min(self.order, tokens.ids.shape[1])):
            following = tokens.ids[:, n:]
            key = (key[:, : following.shape[1]] * 1_000_003 + following) % 2_147_483_647
            there = (following > 0).unsqueeze(-1).to(words.dtype)
            total = total + (self._look_up(key) * there).sum(1)
            count = count + there.sum(1)
        assert isinstance(total, Tensor) and isinstance(count, Tensor)
        return TextFeatures(total / count.clamp_min(1).sqrt(), words * mask.unsqueeze(-1), mask)

    def _look_up(self, keys: Tensor) -> Tensor:
        return F.embedding(keys % self.buckets, self.table)
