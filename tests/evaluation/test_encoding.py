"""Encoders that grade."""

import pytest
import torch

from ganzoo.core.text import NGrams
from ganzoo.errors import GanzooError
from ganzoo.evaluation.encoding import Encoders

RANDOM = {"use": "clip/text", "model": "random"}, {"use": "clip/image", "model": "random"}


def called(text, image, registry):
    return Encoders.called(text, image, registry, torch.device("cpu"))


def test_named_encoders_read_and_see(registry):
    both = called(*RANDOM, registry)
    captions = ["a small red circle", "a large blue square"]
    told = both.read(captions).sentence
    pictures = torch.randint(0, 256, (2, 3, 16, 16), dtype=torch.uint8)
    seen = both.see(pictures).vector
    assert told.shape == seen.shape == (2, told.shape[1])
    assert torch.equal(seen, both.image(pictures.float() / 127.5 - 1).vector)
    assert torch.equal(told[1:], both.read(captions[1:]).sentence)


def test_parts_are_put_together(registry, monkeypatch):
    encoder = called({"use": "core/ngrams", "size": 12}, {}, registry)
    captions = [f"{n} red circles" for n in range(5)]
    monkeypatch.setattr("ganzoo.evaluation.encoding.AT_ONCE", 2)
    module = NGrams(size=12).build()
    assert torch.equal(encoder.read(captions).sentence, module(module.tokenize(captions)).sentence)


def test_the_checksum_is_that_of_the_weights(registry):
    same = {called(*RANDOM, registry).checksum for _ in range(2)}
    sizes = {called({"use": "core/ngrams", "size": s}, {}, registry).checksum for s in (8, 9)}
    assert len(same) == 1 and len(sizes) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ({"use": "core/ngram"}, "did you mean"),
        ({"use": "core/ngrams", "sise": 3}, "core/ngrams has no option `sise`; did you mean `size`?"),
        ({"use": "nowhere/text"}, "no installed plugin is called 'nowhere'"),
        ({"use": "attngan/rnn"}, "attngan/rnn has no weights before it is trained"),
    ],
)
def test_encoders_that_cannot_grade(registry, text, said):
    with pytest.raises(GanzooError) as error:
        called(text, {}, registry)
    assert said in str(error.value)
