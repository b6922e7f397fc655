import pytest
import torch
from jaxtyping import TypeCheckError

from ganzoo.flow import Batch, Condition, Layout, StageOutput, TextFeatures, Tokens


def features(rows=3):
    return TextFeatures(torch.randn(rows, 4), torch.randn(rows, 5, 2), torch.ones(rows, 5, dtype=torch.bool))


def test_a_wrong_batch_in_one_field_is_caught():
    with pytest.raises(TypeCheckError):
        TextFeatures(torch.randn(3, 4), torch.randn(2, 5, 2))


def test_a_picture_must_be_square():
    with pytest.raises(TypeCheckError):
        StageOutput(torch.randn(1, 3, 8, 4))


def test_repeat_lays_whole_batches_one_after_the_other():
    text = features()
    doubled = text.repeat(2)
    assert torch.equal(doubled.sentence, torch.cat([text.sentence, text.sentence]))
    assert doubled.mask.shape == (6, 5)
    assert text.repeat(1) is text


def test_rows_reach_nested_flows_and_keep_none():
    condition = Condition(
        torch.randn(3, 2),
        torch.randn(3, 4),
        layout=Layout(boxes=torch.rand(3, 4)),
        extra={"x/y": torch.arange(3)},
    )
    picked = condition.rows(slice(1, 2))
    assert picked.layout.boxes.shape == (1, 4) and picked.mean is None and int(picked.extra["x/y"]) == 1


def test_to_changes_floating_tensors_only():
    batch = Batch(
        (torch.rand(2, 3, 4, 4),), Tokens(torch.ones(2, 3, dtype=torch.int64), torch.tensor([3, 2]))
    )
    moved = batch.to("cpu", torch.float64)
    assert moved.images[0].dtype == torch.float64 and moved.tokens.ids.dtype == torch.int64


def test_detach_cuts_the_graph():
    text = TextFeatures(torch.randn(2, 4, requires_grad=True) * 2)
    assert text.sentence.requires_grad and not text.detach().sentence.requires_grad
