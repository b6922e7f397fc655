"""What runs of CLIP: the package's networks, with words beside the sentence, patches beside the whole."""

from __future__ import annotations

from typing import Any, Self

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from ganzoo.flow import ImageFeatures, TextFeatures, Tokens
from ganzoo_clip.package import CLIP


class Frozen(nn.Module):
    """Stays in eval mode, whatever `train()` says: its features do not depend on who trains."""

    def train(self, mode: bool = True) -> Self:
        """Eval mode."""
        return super().train(False)


class ClipTextModule(Frozen):
    """The text half of a CLIP."""

    def __init__(self, network: Any, words: int) -> None:
        super().__init__()
        self.words, self.longest = words, int(network.context_length)
        self.embedding, self.positions = network.token_embedding, network.positional_embedding
        self.transformer, self.norm = network.transformer, network.ln_final
        self.projection = network.text_projection
        self.eval()

    def tokenize(self, captions: list[str]) -> Tokens:
        """Ids [b, t]: CLIP's and 1, since its own 0 is a '!'; 0 past a caption's end.

        `length` counts the start and the end too. Captions longer than the model reads are cut there.
        """
        rows = CLIP.tokenize(captions, self.longest, truncate=True).to(torch.int64)
        length = rows.argmax(1) + 1  # the end is the highest number
        there = torch.arange(int(length.max())) < length.unsqueeze(1)
        return Tokens((rows[:, : there.shape[1]] + 1) * there, length)

    def spell(self, captions: list[str]) -> list[list[str]]:
        """The word pieces, without start and end; the last one of a word ends in </w>."""
        pieces, tokens = CLIP.clip._tokenizer.decoder, self.tokenize(captions)
        rows = zip(tokens.ids.tolist(), tokens.length.tolist(), strict=True)
        return [[pieces[one - 1] for one in ids[1 : length - 1][: self.words]] for ids, length in rows]

    def forward(self, tokens: Tokens) -> TextFeatures:
        """Sentence [b, s]; word pieces [b, min(words, longest caption), s], 0 past each."""
        ids = tokens.ids[:, : int(tokens.length.max())]  # one long caption elsewhere costs nothing here
        x = self.embedding((ids - 1).clamp_min(0)) + self.positions[: ids.shape[1]]
        x = self.norm(self.transformer(x.transpose(0, 1)).transpose(0, 1))  # [b, t, c]
        rows = torch.arange(len(ids), device=ids.device)
        last = min(self.words + 1, ids.shape[1] - 1)
        there = torch.arange(ids.shape[1], device=ids.device) < tokens.length.unsqueeze(1)
        mask = there[:, 2 : last + 1]  # a token after the start is a word piece where another one follows it
        words = (x[:, 1:last] @ self.projection) * mask.unsqueeze(-1)
        return TextFeatures(x[rows, tokens.length - 1] @ self.projection, words, mask)


class ClipImageModule(Frozen):
    """The visual half of a CLIP, a transformer or a ResNet."""

    mean: Tensor
    std: Tensor

    def __init__(self, visual: Any, mean: tuple[float, ...], std: tuple[float, ...]) -> None:
        super().__init__()
        self.side, self.visual = int(visual.input_resolution), visual
        self.register_buffer("mean", torch.tensor(mean).view(3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(std).view(3, 1, 1), persistent=False)
        self.eval()

    def forward(self, images: Float[Tensor, "b 3 r r"]) -> ImageFeatures:
        """The features of pictures in [-1, 1]."""
        if images.shape[-1] != self.side:
            size = (self.side, self.side)
            images = F.interpolate(images, size, mode="bicubic", antialias=True).clamp(-1, 1)
        pixels = ((images + 1) / 2 - self.mean) / self.std
        resnet = isinstance(self.visual, CLIP.model.ModifiedResNet)
        return _of_resnet(self.visual, pixels) if resnet else _of_transformer(self.visual, pixels)


def _of_transformer(net: Any, pixels: Tensor) -> ImageFeatures:
    patches = net.conv1(pixels).flatten(2).mT  # [b, n, c]
    whole = net.class_embedding.expand(len(patches), 1, -1)
    x = net.ln_pre(torch.cat([whole, patches], 1) + net.positional_embedding)
    x = net.transformer(x.transpose(0, 1)).transpose(0, 1)
    return ImageFeatures(net.ln_post(x[:, 0]) @ net.proj, net.ln_post(x[:, 1:]) @ net.proj)


def _of_resnet(net: Any, pixels: Tensor) -> ImageFeatures:
    x = pixels
    for number in (1, 2, 3):
        norm, relu = getattr(net, f"bn{number}"), getattr(net, f"relu{number}")
        x = relu(norm(getattr(net, f"conv{number}")(x)))
    x = net.layer4(net.layer3(net.layer2(net.layer1(net.avgpool(x)))))
    pool = net.attnpool
    return ImageFeatures(pool(x), pool.c_proj(pool.v_proj(x.flatten(2).mT)))
