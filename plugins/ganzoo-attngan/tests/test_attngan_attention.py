"""Attention that people look at: `ganzoo sample --attention`, with several text encoders."""

import logging

import numpy as np
import pytest
import torch
from PIL import Image

import ganzoo
from ganzoo import attention_maps
from ganzoo import sample as s
from ganzoo.cli.drawing import sample as command
from ganzoo.errors import GanzooError

CAPTIONS = ["a small red circle above a large blue square", "a green star"]


@pytest.fixture(scope="module")
def model(run):
    return run.load()


def test_maps_of_a_caption_are_its_own_words(model):
    seen = attention_maps.sample(model, CAPTIONS, [0, 5], batch=1)
    assert [one.label for one in seen] == [
        f"{caption}, seed {seed}" for caption in CAPTIONS for seed in (0, 5)
    ]
    assert seen[0].words == tuple(CAPTIONS[0].split()) and seen[2].words == ("a", "green", "star")
    drawn = s.sample(model, CAPTIONS, [0, 5])
    for number, one in enumerate(seen):
        first, second = one.maps
        assert first is None and second.shape == (len(one.words), 8, 8)
        assert np.allclose(second.sum(0), 1, atol=1e-5), "nothing looks past the words"
        assert np.abs(one.images[-1].astype(int) - drawn[number // 2, number % 2]).max() <= 1


def test_arrays_are_the_stages_own(model):
    """What `generate_attention` gives is `StageOutput.attention` of the same draws."""
    *_, last = model.generate_attention(CAPTIONS, 3)
    one = model.generate_attention(CAPTIONS[:1], 3)[-1]
    assert torch.allclose(last.attention[:1], one.attention, atol=1e-5)
    assert torch.allclose(last.image, model.generate(CAPTIONS, 3), atol=1e-6)


def test_the_command(run, tmp_path, caplog):
    captions = ["a small red zebra", *CAPTIONS]
    with caplog.at_level(logging.WARNING, "ganzoo"):
        command(run.path, captions, seeds="0,2", out=tmp_path / "sheet.png", attention=True, device="cpu")
    assert [r.message for r in caplog.records] == ["left out, for attngan/rnn does not know them: zebra"]
    with Image.open(tmp_path / "sheet.png") as sheet:
        expected = attention_maps.sheet(attention_maps.sample(run.load(), captions, [0, 2]))
        assert np.array_equal(np.asarray(sheet), np.asarray(expected))
    command(
        run.path, CAPTIONS, seeds="0,2", out=tmp_path / "many", attention=True, separate=True, device="cpu"
    )
    assert sorted(path.name for path in (tmp_path / "many").iterdir()) == [
        f"{number:04d}-{caption.replace(' ', '-')[:40]}-seed-{seed}.png"
        for number, caption in enumerate(CAPTIONS, 1)
        for seed in (0, 2)
    ]


def test_too_large_a_sheet(model, tmp_path):
    with pytest.raises(GanzooError, match="a sheet of 61 rows, one for each caption, seed and stage"):
        attention_maps.draw(model, ["a cat"] * 61, [0], tmp_path / "x.png")


@pytest.mark.parametrize(
    "text, words",
    [
        ({"use": "core/ngrams", "size": 8, "words": 2}, ("zebras", "gallop")),
        ({"use": "minilm/text", "words": 3}, ("zebra", "##s", "gallo")),
    ],
)
def test_other_text_encoders(recipe, text, words):
    """They name what they give: words, pieces of words."""
    gan = {"training.damsm": None, "image": None, "training.gan.measure": []}
    losses = [{"use": "core/nonsaturating"}, {"use": "stackgan/kl"}]
    for path, value in {**gan, "training.gan.updates.generator.losses": losses, "text": text}.items():
        recipe = recipe.set(path, value)
    seen = attention_maps.sample(ganzoo.plan(recipe).build(), ["Zebras gallop!", "red"])
    assert seen[0].words == words and seen[0].maps[1].shape[0] == len(words)
    assert np.allclose(seen[0].maps[1].sum(0), 1, atol=1e-5)
