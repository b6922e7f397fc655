import pytest
import torch

from ganzoo.errors import GanzooError
from ganzoo.flow import Layout
from ganzoo.layouts import checked, draws_keypoints, needed
from ganzoo.placing import Places, moving, parse_box


def test_a_model_that_reads_no_layout_takes_any(plan):
    assert needed(plan) == frozenset() and not draws_keypoints(plan)
    layout = Layout(torch.full((2, 4), 7.0))
    assert checked(plan, layout, 2) is layout and checked(plan, None, 2) is None


def test_one_box_serves_all_captions_or_each_its_own():
    one, each = torch.rand(1, 4), torch.rand(3, 4)
    assert torch.equal(Places(Layout(one)).of(["a", "b"], 0).boxes, one.repeat(2, 1))
    assert torch.equal(Places(Layout(each)).of(["b", "c"], 0, start=1).boxes, each[1:])
    assert Places().of(["a"], 0) is None


def test_a_box_moves_from_corner_to_corner():
    boxes = moving(Places(Layout(torch.tensor([parse_box("0.3,0.3,0.5,0.25")]))), ["a"]).given.boxes
    assert torch.allclose(boxes[0], torch.tensor([0.0, 0.0, 0.5, 0.25]))
    assert torch.allclose(boxes[-1], torch.tensor([0.5, 0.75, 0.5, 0.25]))
    with pytest.raises(GanzooError, match="moves one box over the picture of one caption"):
        moving(Places(), ["a", "b"])
