"""The kit names the fault of a text encoder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import pytest

from ganzoo.core.text import NGrams, NGramsModule
from ganzoo.flow import TextFeatures, Tokens


@dataclass(frozen=True, kw_only=True)
class Encoder(NGrams):
    """`size`, `order`, `words` and `buckets` as in core."""

    network: ClassVar[Any] = NGramsModule

    def build(self):
        return self.network(self.size, self.order, self.words, self.buckets)


class CountsPadding(NGramsModule):
    def forward(self, tokens):
        out = super().forward(tokens)
        return TextFeatures(out.sentence / tokens.ids.shape[1], out.words, out.mask)


class MasksBackwards(NGramsModule):
    def forward(self, tokens):
        out = super().forward(tokens)
        return TextFeatures(out.sentence, out.words, ~out.mask)


class PadsWithMinusOne(NGramsModule):
    def tokenize(self, captions):
        tokens = super().tokenize(captions)
        return Tokens(tokens.ids.where(tokens.ids > 0, 7), tokens.length)


@pytest.mark.parametrize(
    "module, message",
    [
        (CountsPadding, "gives other features where captions are padded further"),
        (MasksBackwards, "gives a mask that is not True for words and False past them"),
        (PadsWithMinusOne, "ids that are not 0 exactly past each caption's length"),
    ],
)
def test_text_encoders(module, message, fault):
    @dataclass(frozen=True, kw_only=True)
    class Mine(Encoder):
        """As in core."""

        network: ClassVar = module

    assert message in fault(Mine)
