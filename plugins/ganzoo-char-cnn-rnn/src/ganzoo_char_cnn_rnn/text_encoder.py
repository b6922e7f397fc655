"""The char-CNN-RNN: Reed et al. 2016, arXiv:1605.05395, section 4."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Annotated, ClassVar, Literal

import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import Field, PositiveInt
from torch import Tensor, nn

from ganzoo.components import TextEncoder
from ganzoo.flow import TextFeatures, Tokens
from ganzoo.specs import TextSpec
from ganzoo_char_cnn_rnn.alphabet import ALPHABET, numbers_of
from ganzoo_char_cnn_rnn.recurrence import Gated, Rectified

KERNEL = 4  # characters, then places, that a convolution sees
SHORTEST = 66  # characters of which the deeper of the two variants leaves one place
THRESHOLD = 1e-6  # of the authors' rectifier
START = 0.08  # all weights begin uniform within +-

Characters = Float[Tensor, "b t 70"]


@dataclass(frozen=True, kw_only=True)
class CharCnnRnn(TextEncoder):
    """Captions, read character by character -> a sentence vector [b, size], and one a place [b, n, size].

    Three convolutions over the characters, a recurrent network over the places that are left of them; its
    states' mean through a linear layer is the sentence. `words` are the states through that layer one by one,
    one every 9 or 18 characters: all of them have the sentence for their mean, those that begin past the
    caption's end are left out.

    `variant`: `gru18`, 18 places and a gated network, the authors' encoder of birds and COCO; `rnn8`, 8
    places and a rectified one, that of flowers. `size`: of the vectors. `channels`: of the first two
    convolutions; None = the authors' 384 and 512. `recurrent`: of the third and of the states; None = the
    authors', 512 or 256. `characters`: so many of a caption are read, the first. `lower_case`: of captions in
    capitals, too; the alphabet has none, and what it does not have is read as nothing.

    Source: Reed et al. 2016, section 4; reedscot/icml2016 HybridCNNLong.lua, FixedGRU.lua, reedscot/cvpr2016
    HybridCNN.lua, FixedRNN.lua.
    """

    needs: ClassVar = frozenset({"captions"})
    source: ClassVar[str] = "Reed et al. 2016, arXiv:1605.05395, section 4"
    tiny: ClassVar = {"size": 22, "channels": (9, 7), "recurrent": 6}

    variant: Literal["gru18", "rnn8"] = "gru18"
    size: PositiveInt = 1024
    channels: tuple[PositiveInt, PositiveInt] = (384, 512)
    recurrent: PositiveInt | None = None
    characters: Annotated[int, Field(ge=SHORTEST)] = 201
    lower_case: bool = True

    def yields(self) -> TextSpec:
        """Sentence and places, both `size` wide."""
        return TextSpec(sentence=self.size, words=self.size)

    def build(self) -> CharCnnRnnModule:
        """The network with random weights, uniform within +-0.08."""
        return CharCnnRnnModule(self)


class CharCnnRnnModule(nn.Module):
    """`convolutions`, `recurrence`, `output`. Places before the recurrence: 18 or 8 of 201 characters."""

    def __init__(self, options: CharCnnRnn) -> None:
        super().__init__()
        gated = options.variant == "gru18"
        wide = options.recurrent or (512 if gated else 256)
        self.characters, self.lower_case = options.characters, options.lower_case
        self.last_pool, self.stride = (1, 9) if gated else (2, 18)
        widths = (len(ALPHABET), *options.channels, wide)
        self.convolutions = nn.ModuleList(
            TemporalConvolution(given, made) for given, made in pairwise(widths)
        )
        self.recurrence = Gated(wide) if gated else Rectified(wide)
        self.output = nn.Linear(wide, options.size)
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -START, START)

    def tokenize(self, captions: list[str]) -> Tokens:
        """Ids [b, t] of characters, from 1 on, t at most `characters`; 0 past a caption's end."""
        told = [caption.lower() if self.lower_case else caption for caption in captions]
        rows = [torch.tensor(numbers_of(caption[: self.characters]), dtype=torch.int64) for caption in told]
        return Tokens(
            nn.utils.rnn.pad_sequence(rows, batch_first=True), torch.tensor([len(row) for row in rows])
        )

    def spell(self, captions: list[str]) -> list[list[str]]:
        """The characters from where each place begins to where the next one does."""
        places = self.places
        return [
            [caption[at : at + self.stride] for at in range(0, len(caption), self.stride)][:places]
            for caption in (caption[: self.characters] for caption in captions)
        ]

    @property
    def places(self) -> int:
        """How many the recurrence is given: 18 or 8 of 201 characters."""
        left = ((self.characters - 3) // 3 - 3) // 3 - 3
        return left if self.last_pool == 1 else (left - 3) // self.last_pool + 1

    def forward(self, tokens: Tokens) -> TextFeatures:
        """The sentence; of each caption the places that begin within it, 0 past them."""
        states = self.states(self.one_hot(tokens))
        count = -(-tokens.ids.shape[1] // self.stride)
        places = self.output(states[:, :count])
        begins = torch.arange(places.shape[1], device=places.device) * self.stride
        mask = begins < tokens.length.unsqueeze(1)
        return TextFeatures(self.output(states.mean(1)), places * mask.unsqueeze(-1), mask)

    def one_hot(self, tokens: Tokens) -> Characters:
        """[b, characters, 70]; a row of zeros for what the alphabet does not have, and past the end."""
        ids = F.pad(tokens.ids, (0, max(0, self.characters - tokens.ids.shape[1])))[:, : self.characters]
        numbers = torch.arange(1, len(ALPHABET) + 1, device=ids.device)
        return (ids.unsqueeze(-1) == numbers).to(self.output.weight.dtype)

    def embed(self, characters: Characters) -> Float[Tensor, "b s"]:
        """The sentence of characters as they are, for what is to be differentiated by them."""
        sentence: Tensor = self.output(self.states(characters).mean(1))
        return sentence

    def states(self, characters: Characters) -> Float[Tensor, "b n c"]:
        """The recurrent network's state at each place."""
        first, second, third = self.convolutions
        x = F.max_pool1d(_rectified(first(characters.mT)), 3)  # [b, c, (t - 3) / 3]
        x = F.max_pool1d(_rectified(second(x)), 3)
        x = _rectified(third(x))
        if self.last_pool > 1:
            x = F.max_pool1d(x, 3, self.last_pool)
        states: Tensor = self.recurrence(x.mT)
        return states


class TemporalConvolution(nn.Module):
    """A convolution over time whose `weight` [out, 4 x in] lies as the authors' does, place after place."""

    def __init__(self, given: int, made: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(made, KERNEL * given))
        self.bias = nn.Parameter(torch.empty(made))

    def forward(self, x: Float[Tensor, "b c t"]) -> Float[Tensor, "b d t-3"]:
        """[b, c, t] -> [b, d, t - 3]."""
        return F.conv1d(x, self.weight.unflatten(1, (KERNEL, -1)).mT, self.bias)


def _rectified(x: Tensor) -> Tensor:
    return F.threshold(x, THRESHOLD, 0.0)
