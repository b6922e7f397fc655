import pytest
import torch

from ganzoo.core.text import NGrams, Precomputed
from ganzoo.errors import GanzooError
from ganzoo.flow import Tokens

encoder = NGrams(size=64, words=6).build()


def encode(*captions):
    return encoder(encoder.tokenize(list(captions)))


def test_shapes_and_mask():
    text = encode("a red circle", "a small, red circle above it")
    assert text.sentence.shape == (2, 64) and text.words.shape == (2, 6, 64)
    assert text.mask.tolist() == [[True] * 3 + [False] * 3, [True] * 6]
    assert float(text.words[0, 3:].abs().max()) == 0


def test_the_same_caption_alone_or_among_longer_ones():
    alone = encode("a red circle").sentence[0]
    torch.testing.assert_close(alone, encode("a red circle", "a small red circle above").sentence[0])


def test_word_order_matters_and_case_does_not():
    one, other = encode("red circle above blue square", "blue square above red circle").sentence
    assert not torch.allclose(one, other, atol=0.1)
    torch.testing.assert_close(encode("A Red circle").sentence, encode("a red circle").sentence)


def test_two_builds_agree():
    again = NGrams(size=64, words=6).build()
    text = again(again.tokenize(["a red circle"]))
    assert torch.equal(text.sentence, encode("a red circle").sentence)
    assert not again.state_dict()


def test_precomputed_hands_embeddings_on():
    module = Precomputed(size=4).build()
    embedding = torch.randn(2, 4)
    tokens = module.tokenize(["a", "b"])
    assert torch.equal(module(Tokens(tokens.ids, tokens.length, embedding)).sentence, embedding)


def test_precomputed_cannot_encode_a_caption():
    module = Precomputed(size=4).build()
    with pytest.raises(GanzooError, match="cannot encode a caption by itself"):
        module(module.tokenize(["a bird"]))
    tokens = module.tokenize(["a bird"])
    with pytest.raises(GanzooError, match="width 3; expected `size: 4`"):
        module(Tokens(tokens.ids, tokens.length, torch.zeros(1, 3)))
