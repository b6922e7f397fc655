"""Captions to sentence and word vectors, by a network of transformers and a tokenizer of tokenizers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Self

import torch
import torch.nn.functional as F
from safetensors import SafetensorError
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import AutoModel, PreTrainedModel
from transformers.utils import logging

from ganzoo.errors import GanzooError
from ganzoo.flow import TextFeatures, Tokens
from ganzoo_minilm.folder import ModelFolder


class MiniLMModule(nn.Module):
    """A frozen BERT with mean pooling. It stays in eval mode, whatever `train()` says."""

    def __init__(self, folder: ModelFolder, words: int, scale: float = 1.0) -> None:
        super().__init__()
        self.words, self.scale = words, scale
        self.tokenizer = _tokenizer(folder)
        self.network = _network(folder).requires_grad_(False)
        self.eval()

    def train(self, mode: bool = True) -> Self:
        """Eval mode: features of a frozen encoder do not depend on who trains."""
        return super().train(False)

    def tokenize(self, captions: list[str]) -> Tokens:
        """Ids [b, t] of word pieces between [CLS] and [SEP], 0 = padding; `length` counts all three kinds.

        Captions longer than the model reads are cut there.
        """
        rows = self.tokenizer.encode_batch(captions)
        ids = torch.tensor([row.ids for row in rows], dtype=torch.int64)
        return Tokens(ids, torch.tensor([sum(row.attention_mask) for row in rows], dtype=torch.int64))

    def spell(self, captions: list[str]) -> list[list[str]]:
        """The word pieces, without [CLS] and [SEP]; those that go on with a word begin with ##."""
        rows = self.tokenizer.encode_batch(captions)
        return [row.tokens[1 : min(self.words + 1, sum(row.attention_mask) - 1)] for row in rows]

    def forward(self, tokens: Tokens) -> TextFeatures:
        """Sentence [b, s] of length `scale`; word pieces [b, min(words, longest caption), s], 0 past each.

        Source: mean pooling, Reimers and Gurevych 2019, section 3.
        """
        ids = tokens.ids[:, : int(tokens.length.max())]  # one long caption elsewhere costs nothing here
        there = torch.arange(ids.shape[1], device=ids.device) < tokens.length.unsqueeze(1)  # [B, T]
        hidden: Tensor = self.network(input_ids=ids, attention_mask=there).last_hidden_state  # [B, T, S]
        weight = there.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * weight).sum(1) / weight.sum(1)
        last = min(self.words + 1, ids.shape[1] - 1)
        mask = there[:, 2 : last + 1]  # a token after [CLS] is a word piece where another one follows it
        sentence = self.scale * F.normalize(mean, dim=-1)
        return TextFeatures(sentence, hidden[:, 1:last] * mask.unsqueeze(-1), mask)


def _tokenizer(folder: ModelFolder) -> Tokenizer:
    path = folder.path / "tokenizer.json"
    try:
        tokenizer = Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises a bare Exception for a malformed file
        raise GanzooError(f"minilm/text cannot read {path}: {error}") from error
    tokenizer.enable_truncation(folder.longest)
    tokenizer.enable_padding(pad_id=0, length=None)
    around = tokenizer.encode("a").special_tokens_mask
    if around != [1, 0, 1]:
        raise GanzooError(
            f"minilm/text cannot use the tokenizer in {path}; expected one special token before a caption "
            "and one after it, as BERT's [CLS] and [SEP]"
        )
    return tokenizer


def _network(folder: ModelFolder) -> PreTrainedModel:
    try:
        with _quiet():
            network, report = AutoModel.from_pretrained(
                folder.path,
                local_files_only=True,
                use_safetensors=True,
                attn_implementation="sdpa",
                dtype=torch.float32,
                output_loading_info=True,
            )
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise GanzooError(f"minilm/text cannot load the model in {folder.path}: {error}") from error
    missing = sorted(key for key in report["missing_keys"] if not key.startswith("pooler."))
    if missing:
        raise GanzooError(
            f"minilm/text misses {len(missing)} weights in {folder.path / 'model.safetensors'}, "
            f"{missing[0]} for one; expected those of the network that config.json describes"
        )
    assert isinstance(network, PreTrainedModel)
    network.pooler = None  # BERT's layer over [CLS], which mean pooling does not read
    return network


@contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' progress bars and its report of the keys it loaded."""
    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()
