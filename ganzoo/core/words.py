"""A text encoder small enough to train with anything: a table of word vectors, averaged or read in order."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

import torch
from pydantic import PositiveInt
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from ganzoo.components import TextEncoder
from ganzoo.core.text import WORD
from ganzoo.flow import TextFeatures, Tokens
from ganzoo.specs import TextSpec

UNKNOWN = 1  # the number of every word that is not in the vocabulary; 0 is padding
SHOWN = 10  # unknown words named in one warning

log = logging.getLogger("ganzoo")


@dataclass(frozen=True, kw_only=True)
class Words(TextEncoder):
    """A vector for every word [b, t, size] from a learnt table, and of the whole caption one [b, size].

    Trained by an update of encoders, with any loss that compares texts and pictures; without such a phase
    each word keeps the random vector that it began with, which tells words apart, but not what they mean.

    `size`: of words and sentence. `over`: `mean`, the sentence is the words' mean, whatever their order;
    `lstm`, an LSTM reads them, words are its states and the sentence is the last. `words`: at most so many of
    a caption are read, the first. `vocabulary`: the words it knows; None = all of the training captions,
    learnt when training begins and kept in the run folder. Others share one vector and are named in a
    warning.

    Source: Mikolov et al. 2013, arXiv:1301.3781, section 2 (a table of word vectors); `lstm`: Hochreiter and
    Schmidhuber 1997, Long short-term memory, section 4.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"captions"})
    source: ClassVar[str] = "Mikolov et al. 2013, arXiv:1301.3781, section 2"
    learns_words: ClassVar[bool] = True
    free: ClassVar[frozenset[str]] = frozenset({"words"})
    tiny: ClassVar = {"size": 22, "vocabulary": ("a", "blue", "circle", "green", "large", "red", "small")}

    size: PositiveInt = 128
    over: Literal["mean", "lstm"] = "mean"
    words: PositiveInt = 18
    vocabulary: tuple[str, ...] | None = None

    def yields(self) -> TextSpec:
        """Sentence and words, both `size` wide."""
        return TextSpec(sentence=self.size, words=self.size)

    def vocabulary_of(self, captions: Iterable[str]) -> tuple[str, ...]:
        """All words of `captions`, the most frequent first, equals by the alphabet; or `vocabulary`."""
        if self.vocabulary is not None:
            return self.vocabulary
        counts = Counter(word for caption in captions for word in WORD.findall(caption.lower()))
        return tuple(sorted(counts, key=lambda word: (-counts[word], word)))

    def knowing(self, words: Sequence[str]) -> Words:
        """The same with this vocabulary."""
        return replace(self, vocabulary=tuple(words))

    def build(self) -> nn.Module:
        """The table, its rows standard normal, and the LSTM."""
        return WordsModule(self.vocabulary or (), self.size, self.over, self.words)


class WordsModule(nn.Module):
    """`table`: rows for padding, unknown words, and each of the vocabulary. `reader`: an LSTM or none."""

    def __init__(
        self, vocabulary: Sequence[str], size: int, over: Literal["mean", "lstm"], words: int
    ) -> None:
        super().__init__()
        self.words, self._unknown = words, set[str]()
        self._number = {word: number for number, word in enumerate(vocabulary, UNKNOWN + 1)}
        self.table = nn.Embedding(len(vocabulary) + UNKNOWN + 1, size)
        self.reader = nn.LSTM(size, size, batch_first=True) if over == "lstm" else None

    def tokenize(self, captions: list[str]) -> Tokens:
        """Numbers [b, t] of words and punctuation marks in lower case; 0 past a caption's end."""
        found = self.spell(captions)
        self._warn({word for own in found for word in own if word not in self._number})
        rows = [torch.tensor([self._number.get(word, UNKNOWN) for word in own]) for own in found]
        return Tokens(pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows]))

    def spell(self, captions: list[str]) -> list[list[str]]:
        """The lower-case words and punctuation marks that are read."""
        return [WORD.findall(caption.lower())[: self.words] for caption in captions]

    def _warn(self, unknown: set[str]) -> None:
        new = sorted(unknown - self._unknown)
        self._unknown |= unknown
        if new:
            more = f" and {len(new) - SHOWN} more" if len(new) > SHOWN else ""
            log.warning("core/words does not know %s%s", ", ".join(new[:SHOWN]), more)

    def forward(self, tokens: Tokens) -> TextFeatures:
        """Words [b, t, size], 0 past each caption; the sentence."""
        mask = torch.arange(tokens.ids.shape[1], device=tokens.ids.device) < tokens.length.unsqueeze(1)
        words: Tensor = self.table(tokens.ids) * mask.unsqueeze(-1)
        if self.reader is None:
            return TextFeatures(words.sum(1) / tokens.length.unsqueeze(1), words, mask)
        if words.is_meta:  # where shapes alone are computed, every caption is as long as the longest
            states, (last, _) = self.reader(words)
            return TextFeatures(last[0], states, mask)
        length = tokens.length.cpu()
        packed = pack_padded_sequence(words, length, batch_first=True, enforce_sorted=False)
        states, (last, _) = self.reader(packed)
        padded, _ = pad_packed_sequence(states, batch_first=True, total_length=tokens.ids.shape[1])
        return TextFeatures(last[0], padded, mask)
