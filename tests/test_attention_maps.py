"""Sheets of attention maps; models with attention are in ganzoo-attngan's tests."""

import numpy as np
import pytest
import torch

from ganzoo import attention_maps
from ganzoo.attention_maps import DARK, Seen, lit, sheet
from ganzoo.pictures import LABEL_HEIGHT, LABEL_WIDTH, PADDING
from ganzoo.run import Run


def seen(words, maps, sides=(8, 16)):
    images = tuple(np.full((side, side, 3), 200, np.uint8) for side in sides)
    return Seen("a caption, seed 3", words, images, maps)


def cell(drawn, row, column):
    """A tile, 16 pixels enlarged six times."""
    side, tall = 96 + PADDING, 96 + PADDING + LABEL_HEIGHT
    top, left = PADDING + LABEL_HEIGHT + row * tall, LABEL_WIDTH + column * side
    return np.asarray(drawn)[top : top + 96, left : left + 96]


def test_bright_where_it_looks():
    maps = np.zeros((2, 4, 4), np.float32)
    maps[0, :, :2], maps[1, :, 2:], maps[1, :, :2] = 0.8, 0.4, 0.2
    first, second = lit(np.full((8, 8, 3), 200, np.uint8), maps)
    assert (first[:, :3] == 200).all() and (first[:, 5:] == round(200 * DARK)).all()
    assert (second[:, 5:] == round(200 * (DARK + (1 - DARK) * 0.5))).all(), "all words have one scale"


def test_a_row_a_stage_that_looks():
    """The picture before, the own, then the words; a shorter caption leaves the rest of its row white."""
    maps = np.full((3, 8, 8), 1 / 3, np.float32)
    maps[:, :4] = np.float32([1, 0, 0])[:, None, None]
    drawn = sheet([seen(("a", "red", "cat"), (None, maps)), seen(("cat",), (None, maps[:1] * 0 + 1))])
    assert drawn.height == PADDING + 2 * (96 + PADDING + LABEL_HEIGHT)
    assert drawn.width == LABEL_WIDTH + 5 * (96 + PADDING) + PADDING
    assert (cell(drawn, 0, 0) == 200).all() and (cell(drawn, 0, 1) == 200).all()
    assert (cell(drawn, 0, 2)[:40] == 200).all() and cell(drawn, 0, 3)[:40].max() < 30
    assert (cell(drawn, 1, 2) == 200).all() and (cell(drawn, 1, 3) == 255).all()


def test_words_are_named_by_the_text_encoder(plan):
    model = plan.build()
    assert attention_maps.spelt(model, ["A red cat!", "cat"]) == [("a", "red", "cat", "!"), ("cat",)]
    encoder = model.text_encoder
    model.text_encoder = torch.nn.Module()
    model.text_encoder.tokenize, model.text_encoder.forward = encoder.tokenize, encoder.forward
    assert attention_maps.spelt(model, ["red cat", "cat"]) == [("word 1", "word 2"), ("word 1",)]


@pytest.mark.parametrize("more", [[], ["--separate"]])
def test_a_model_without_attention(trained, ganzoo, tmp_path, more):
    out = tmp_path / ("x" if more else "x.png")
    ran = ganzoo("sample", trained, "a cat", "--attention", "--device", "cpu", "--out", out, *more)
    ran.fails(
        "toy has no attention to show: none of its stages (gan_int_cls/generator) looks at single words"
    )
    assert not (out.exists() and (out.is_file() or any(out.iterdir())))


def test_one_or_the_other(trained, ganzoo):
    ran = ganzoo("sample", trained, "a cat", "--attention", "--stages", "--device", "cpu")
    ran.fails("`--attention` shows every stage; leave out `--stages`")
    assert Run(trained).load().plan.stages[0].spec.attention is False
