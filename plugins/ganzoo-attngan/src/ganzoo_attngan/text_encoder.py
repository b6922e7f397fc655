"""AttnGAN's text encoder: Xu et al. 2018, arXiv:1711.10485, section 3.2."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import torch
from pydantic import Field, PositiveInt
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from ganzoo.components import TextEncoder
from ganzoo.flow import TextFeatures, Tokens
from ganzoo.specs import TextSpec
from ganzoo_attngan.vocabulary import learnt, read, words_of

log = logging.getLogger("ganzoo")

SHOWN = 10  # unknown words named in one warning
END = "(end)"


@dataclass(frozen=True, kw_only=True)
class Rnn(TextEncoder):
    """Captions -> a word vector for each word [b, t, size], and of the whole a sentence vector [b, size].

    A bidirectional recurrent network over learnt embeddings: a word's vector is both directions' state at it,
    the sentence both directions' last state.

    `size`: of words and sentence. `embedding`: width of the embeddings. `cell`: `lstm`, or `gru`. `dropout`:
    of the embeddings, while it trains. `words`: at most so many words of a caption are read, the first.
    `vocabulary`: the words it knows. None = all words of the training captions, learnt when training begins
    and kept in the run folder; before, it knows no word. A list; or a file, with one a line or the authors'
    captions.pickle. Words it does not know are left out and named in a warning.

    Source: Xu et al. 2018, section 3.2, "The text encoder"; taoxugit/AttnGAN model.py, RNN_ENCODER.
    """

    needs: ClassVar = frozenset({"captions"})
    source: ClassVar[str] = 'Xu et al. 2018, arXiv:1711.10485, section 3.2, "The text encoder"'
    learns_words: ClassVar[bool] = True
    free: ClassVar[frozenset[str]] = frozenset({"dropout", "words", "vocabulary"})
    tiny: ClassVar = {
        "size": 22,
        "embedding": 9,
        "vocabulary": ("a", "above", "blue", "circle", "green", "large", "red", "small", "square", "star"),
    }

    size: Annotated[int, Field(gt=0, multiple_of=2)] = 256
    embedding: PositiveInt = 300
    cell: Literal["lstm", "gru"] = "lstm"
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.5
    words: PositiveInt = 18
    vocabulary: tuple[str, ...] | str | None = None

    def yields(self) -> TextSpec:
        """Sentence and words, both `size` wide."""
        return TextSpec(sentence=self.size, words=self.size)

    def vocabulary_of(self, captions: Iterable[str]) -> tuple[str, ...]:
        """All words of `captions`, or those of `vocabulary`. Raises GanzooError for a file without words."""
        if self.vocabulary is None:
            return learnt(captions)
        return read(Path(self.vocabulary)) if isinstance(self.vocabulary, str) else self.vocabulary

    def knowing(self, words: Sequence[str]) -> Rnn:
        """The same with this vocabulary."""
        return replace(self, vocabulary=tuple(words))

    def build(self) -> RnnModule:
        """The network with a row for each known word. Raises GanzooError for a file without words."""
        return RnnModule(
            self.vocabulary_of(()), self.size, self.embedding, self.cell, self.dropout, self.words
        )


class RnnModule(nn.Module):
    """`embedding` of words 1, 2, ...; 0 is the end of a caption, and all there is of one without a word."""

    def __init__(
        self,
        vocabulary: Sequence[str],
        size: int,
        embedding: int,
        cell: Literal["lstm", "gru"],
        dropout: float,
        words: int,
    ) -> None:
        super().__init__()
        self.words, self._unknown = words, set[str]()
        self._number = {word: number for number, word in enumerate(vocabulary, 1)}
        self.embedding = nn.Embedding(len(vocabulary) + 1, embedding)
        self.dropout = nn.Dropout(dropout)
        network = nn.LSTM if cell == "lstm" else nn.GRU
        self.rnn = network(embedding, size // 2, batch_first=True, bidirectional=True)
        nn.init.uniform_(self.embedding.weight, -0.1, 0.1)

    def tokenize(self, captions: list[str]) -> Tokens:
        """Ids [b, t] of the words it knows, 0 past a caption's end. Each other word is named once."""
        self._warn({w for caption in captions for w in words_of(caption) if w not in self._number})
        rows = [[self._number[word] for word in own] for own in self._read(captions)]
        ids = pad_sequence([torch.tensor(row or [0]) for row in rows], batch_first=True)
        return Tokens(ids, torch.tensor([len(row) for row in rows]))

    def spell(self, captions: list[str]) -> list[list[str]]:
        """The words that are read; of a caption without a word, its end."""
        return [own or [END] for own in self._read(captions)]

    def _read(self, captions: list[str]) -> list[list[str]]:
        return [[w for w in words_of(caption) if w in self._number][: self.words] for caption in captions]

    def _warn(self, unknown: set[str]) -> None:
        new = sorted(unknown - self._unknown)
        self._unknown |= unknown
        if new:
            more = f" and {len(new) - SHOWN} more" if len(new) > SHOWN else ""
            log.warning("left out, for attngan/rnn does not know them: %s%s", ", ".join(new[:SHOWN]), more)

    def forward(self, tokens: Tokens) -> TextFeatures:
        """Words [b, longest caption, size], 0 past each; the sentence."""
        length = tokens.length.clamp_min(1)
        embedded = self.dropout(self.embedding(tokens.ids))
        if embedded.is_meta:  # where shapes alone are computed, every caption is as long as the longest
            words, last = self.rnn(embedded)
        else:
            packed = pack_padded_sequence(embedded, length.cpu(), batch_first=True, enforce_sorted=False)
            states, last = self.rnn(packed)
            words, _ = pad_packed_sequence(states, batch_first=True)
        final: Tensor = last[0] if isinstance(last, tuple) else last  # [2, b, size / 2]
        mask = torch.arange(words.shape[1], device=words.device) < length.unsqueeze(1)
        return TextFeatures(final.transpose(0, 1).flatten(1), words, mask)
