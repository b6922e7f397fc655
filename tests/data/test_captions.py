from __future__ import annotations

import logging
import resource
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from ganzoo.core.text import NGramsModule
from ganzoo.data.captions import CHUNK, CaptionStore
from ganzoo.data.examples import Examples
from ganzoo.errors import GanzooError
from ganzoo.flow import TextFeatures, Tokens

BIRDS = (("a red bird", "a bird"), ("a blue bird",), ("a bird", "a small red bird with a beak", "red"))


def examples(captions: tuple[tuple[str, ...], ...], embedding: np.ndarray | None = None) -> Examples:
    keys = tuple(f"{i}.png" for i in range(len(captions)))
    return Examples(keys, captions, lambda i: Image.new("RGB", (2, 2)), "test", embedding=embedding)


def store_of(captions: tuple[tuple[str, ...], ...] = BIRDS) -> tuple[CaptionStore, NGramsModule]:
    store, encoder = CaptionStore(examples(captions)), NGramsModule(5, 2, 6, 64)
    store.tokenize(encoder)
    return store, encoder


@given(st.lists(st.integers(1, 5), min_size=1, max_size=9), st.integers(1, 4), st.integers(0, 99))
def test_a_caption_is_one_of_its_examples_own(counts: list[int], average: int, seed: int) -> None:
    captions = tuple(tuple(f"caption {j} of {i}" for j in range(k)) for i, k in enumerate(counts))
    store, every = CaptionStore(examples(captions)), [caption for own in captions for caption in own]
    draws = np.random.default_rng(seed)
    chosen = draws.integers(0, len(counts), 7)
    for shape in ((7,), (7, average)):
        slots = store.choose(chosen, draws.random(shape))
        assert slots.shape == shape
        for i, own in zip(chosen, slots.reshape(7, -1), strict=True):
            assert {every[slot] for slot in own} <= set(captions[i])
    last = store.choose(chosen, np.full(7, np.nextafter(np.float32(1), np.float32(0)), np.float32))
    assert [every[slot] for slot in last] == [captions[i][-1] for i in chosen]


def test_draws_are_spread_evenly() -> None:
    store = CaptionStore(examples(BIRDS))
    assert store.choose(np.array([2] * 6), np.arange(6) / 6).tolist() == [3, 3, 4, 4, 5, 5]


def test_equal_captions_are_kept_once() -> None:
    store, _ = store_of()
    assert len(store) == 3
    assert store.distinct == ("a red bird", "a bird", "a blue bird", "a small red bird with a beak", "red")


def test_tokens_are_those_of_the_chosen_captions() -> None:
    store, encoder = store_of()
    tokens = store.tokens(np.array([1, 3, 5]))
    expected = encoder.tokenize(["a bird", "a bird", "red"])
    assert tokens.ids.shape == (3, 6) and tokens.embedding is None
    assert torch.equal(tokens.ids[:, :2], expected.ids) and (tokens.ids[:, 2:] == 0).all()
    assert torch.equal(tokens.length, expected.length)
    first = store.tokens(np.array([[1, 0], [5, 4]]))
    assert torch.equal(first.ids, store.tokens(np.array([1, 5])).ids)


def test_features_are_the_encoders(tmp_path: Path) -> None:
    many = tuple((f"bird number {i}", f"number {i}") for i in range(CHUNK))
    store, encoder = store_of(many)
    seen: list[tuple[int, int]] = []
    store.encode(encoder, tmp_path, progress=lambda done, total: seen.append((done, total)))
    assert seen == [(CHUNK, 2 * CHUNK), (2 * CHUNK, 2 * CHUNK)]
    slots = np.array([0, 2 * CHUNK - 1, 17])
    expected = encoder(store.tokens(slots))
    for got in (store.features(slots), store.features(slots[:, None])):
        assert torch.equal(got.sentence, expected.sentence)
        assert got.words is not None and torch.equal(got.words, expected.words)
        assert got.mask is not None and torch.equal(got.mask, expected.mask)


def test_several_captions_are_averaged(tmp_path: Path) -> None:
    store, encoder = store_of()
    store.encode(encoder, tmp_path)
    got = store.features(np.array([[0, 1], [3, 5]]))
    both = [store.features(np.array(slots)).sentence for slots in ([0, 3], [1, 5])]
    assert torch.allclose(got.sentence, (both[0] + both[1]) / 2) and got.words is None and got.mask is None


def test_words_are_left_out_when_not_wanted(tmp_path: Path) -> None:
    store, encoder = store_of()
    store.encode(encoder, tmp_path, words=False)
    assert store.features(np.array([0])).words is None
    assert {path.name for path in next(tmp_path.iterdir()).iterdir()} == {"sentence.npy", "meta.json"}


def test_features_are_kept_and_found_again(tmp_path: Path) -> None:
    store, encoder = store_of()
    store.encode(encoder, tmp_path)
    again, _ = store_of()
    again.encode(encoder, tmp_path, progress=lambda done, total: pytest.fail("encoded twice"))
    slots = np.arange(6)
    assert torch.equal(again.features(slots).sentence, store.features(slots).sentence)


def test_whatever_changes_features_changes_their_key(tmp_path: Path) -> None:
    def encode(store: CaptionStore, encoder: nn.Module, words: bool = True) -> int:
        store.tokenize(encoder)
        store.encode(encoder, tmp_path, words=words)
        return len(list(tmp_path.iterdir()))

    store, encoder = store_of()
    assert encode(store, encoder) == 1
    assert encode(store, encoder.train()) == 1
    assert encode(store, encoder, words=False) == 2
    encoder.table[0, 0] += 1
    assert encode(store, encoder) == 3
    assert encode(store, NGramsModule(5, 1, 6, 64)) == 4  # the same weights, another order
    assert encode(store, NGramsModule(5, 2, 3, 64)) == 5  # other tokens
    assert encode(store_of(BIRDS[:2])[0], encoder) == 6


@pytest.mark.parametrize("file", ["sentence.npy", "words.npy", "mask.npy", "meta.json"])
@pytest.mark.parametrize("content", [b"", b"[]", b"{}", b"1", None])
def test_damaged_features_are_encoded_again(
    tmp_path: Path, file: str, content: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    store, encoder = store_of()
    store.encode(encoder, tmp_path)
    slots = np.arange(6)
    before = store.features(slots)
    damaged = next(tmp_path.iterdir()) / file
    damaged.unlink() if content is None else damaged.write_bytes(content)
    with caplog.at_level(logging.WARNING, "ganzoo"):
        store.encode(encoder, tmp_path)
    assert "are damaged" in caplog.text and "encoding them again" in caplog.text
    assert torch.equal(store.features(slots).sentence, before.sentence)
    assert len(list(tmp_path.iterdir())) == 1


class Dropping(nn.Module):
    """A recurrent-like encoder: fewer words than tokens where all captions of a chunk are short; dropout."""

    def __init__(self) -> None:
        super().__init__()
        self.dropout = nn.Dropout(0.9)
        self.names = nn.Embedding(99, 4)

    def tokenize(self, captions: list[str]) -> Tokens:
        length = torch.tensor([len(caption.split()) for caption in captions])
        return Tokens((torch.arange(int(length.max())) < length[:, None]).long(), length)

    def forward(self, tokens: Tokens) -> TextFeatures:
        longest = int(tokens.length.max())
        words = self.dropout(self.names(tokens.ids[:, :longest]))
        return TextFeatures(words.sum(1), words, tokens.ids[:, :longest] > 0)


def test_chunks_of_unequal_length_are_padded_and_dropout_is_off(tmp_path: Path) -> None:
    captions = tuple((f"w{i}",) if i < CHUNK else (f"w{i} and more words",) for i in range(CHUNK + 3))
    store, encoder = CaptionStore(examples(captions)), Dropping()
    store.tokenize(encoder)
    store.encode(encoder, tmp_path)
    got = store.features(np.array([0, CHUNK]))
    assert got.words is not None and got.words.shape == (2, 4, 4) and encoder.training
    assert got.mask is not None and got.mask.sum(1).tolist() == [1, 4]
    assert torch.equal(got.words[0, 0], encoder.names.weight[1]) and (got.words[0, 1:] == 0).all()


def test_embeddings_belong_to_example_and_caption() -> None:
    captions = (("a", "b"), ("a", "c"))
    embedding = np.arange(12, dtype=np.float32).reshape(2, 2, 3)
    store = CaptionStore(examples(captions, embedding))
    store.tokenize(NGramsModule(4, 1, 2, 8))
    same_text = store.tokens(np.array([0, 2]))
    assert torch.equal(same_text.ids[0], same_text.ids[1]) and same_text.embedding is not None
    assert same_text.embedding.tolist() == [[0, 1, 2], [6, 7, 8]]
    averaged = store.tokens(np.array([[0, 1], [2, 2]])).embedding
    assert averaged is not None and averaged.tolist() == [[1.5, 2.5, 3.5], [6, 7, 8]]


def test_embeddings_must_be_one_a_caption() -> None:
    with pytest.raises(
        GanzooError, match="brings 2 sentence embeddings for each of 3 pictures; expected one a caption"
    ):
        CaptionStore(examples(BIRDS, np.zeros((3, 2, 4), np.float32)))


@pytest.mark.parametrize("empty", ["", " \t\n"])
def test_an_empty_caption_is_an_error(empty: str) -> None:
    with pytest.raises(GanzooError, match=r"1\.png has an empty caption"):
        CaptionStore(examples((("a",), ("b", empty))))


def test_a_picture_without_a_caption_is_an_error() -> None:
    with pytest.raises(GanzooError, match=r"1\.png has no caption"):
        CaptionStore(examples((("a",), ())))


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    store, encoder = store_of()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64, hard))
    try:
        with pytest.raises(GanzooError, match=r"cannot write the captions' features to .*GANZOO_CACHE"):
            store.encode(encoder, tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())
