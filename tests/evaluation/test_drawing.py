"""What every model is asked to draw, and with which draws."""

import numpy as np
import pytest
import torch

from ganzoo import pictures
from ganzoo.data.examples import Examples
from ganzoo.data.shapes import Shapes
from ganzoo.errors import GanzooError
from ganzoo.evaluation.drawing import draw, draw_copies, requests


def examples(counts):
    """Examples with so many captions each: `0a`, `0b`, `1a`, ..."""
    captions = tuple(tuple(f"{n}{letter}" for letter in "abcdef"[:count]) for n, count in enumerate(counts))
    return Examples(tuple(map(str, range(len(counts)))), captions, lambda i: None, "none")


def test_fewer_than_examples_are_spread_evenly():
    asked = requests(examples([2] * 9), 3, 0)
    assert asked.captions == ("0a", "4a", "8a")
    assert asked.rows.tolist() == [0, 4, 8] and asked.seeds == (0, 1, 2)


def test_more_than_examples_take_each_ones_next_caption():
    asked = requests(examples([1, 3]), 7, 0)
    assert asked.captions == ("0a", "1a", "0a", "1b", "0a", "1c", "0a")
    assert [asked.store.distinct[slot] for slot in asked.slots] == list(asked.captions)


def test_another_seed_shares_no_draw():
    one, other = (requests(examples([1] * 5), 4, seed) for seed in (0, 1))
    assert one.captions == other.captions and not set(one.seeds) & set(other.seeds)


@pytest.mark.parametrize(("count", "seed"), [(1, 0), (0, 0), (-5, 0), (4, -1)])
def test_too_few_samples_and_negative_seeds_are_refused(count, seed):
    with pytest.raises(GanzooError, match="expected 2 samples or more, and a seed from 0"):
        requests(examples([1] * 5), count, seed)


@pytest.fixture
def model(plan):
    torch.manual_seed(3)
    return plan.build().eval()


def test_a_picture_is_that_of_its_caption_and_seed_at_any_batch(model, monkeypatch):
    asked = requests(Shapes(test_count=8).examples("test", None, 16), 8, 2)
    whole = draw(model, asked, "")
    monkeypatch.setattr("ganzoo.evaluation.drawing.AT_ONCE", 3)
    assert whole.dtype == torch.uint8 and torch.equal(draw(model, asked, ""), whole)
    alone = pictures.to_uint8(model.generate([asked.captions[5]], [asked.seeds[5]]))
    assert torch.equal(alone[0], whole[5])


def test_copies_have_one_caption_and_other_draws(model):
    asked = requests(Shapes(test_count=8).examples("test", None, 16), 8, 0)
    copies = draw_copies(model, asked, np.array([1, 6]), [50, 51, 52])
    assert copies.shape == (2, 3, 3, 16, 16)
    expected = pictures.to_uint8(model.generate([asked.captions[6]] * 3, [50, 51, 52]))
    assert torch.equal(copies[1], expected) and not torch.equal(copies[1, 0], copies[1, 1])


def test_boxes_come_with_the_captions():
    asked = requests(Shapes(test_count=8).examples("test", None, 16), 4, 0)
    assert asked.layout.boxes.shape == (4, 4) and asked.class_id.shape == (4,)
