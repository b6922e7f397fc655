"""Boxes and keypoints: the authors' affines, warps and heat maps; their loaders' arithmetic."""

from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from ganzoo_gawwn.places import crop, heat_maps, paste
from hypothesis import given
from hypothesis import strategies as st

from ganzoo.data.augment import move_layout_as_gawwn
from ganzoo.flow import Layout
from ganzoo.testing.golden import Golden

GOLDEN = Path(__file__).parent / "golden"
PACKED, SIDE = 150, 128  # the authors' loadSize and fineSize


def warped(maps, affine):
    """stn's: affine rows (y, x), places from border pixel to border pixel, zeros outside."""
    side = maps.shape[-1]
    line = torch.linspace(-1, 1, side, dtype=maps.dtype)
    base = torch.stack(
        [*torch.meshgrid(line, line, indexing="ij"), torch.ones(side, side, dtype=maps.dtype)], -1
    )
    grid = base.flatten(0, 1) @ affine.transpose(1, 2)  # [b, g g, (y, x)]
    return F.grid_sample(maps, grid.flip(-1).unflatten(1, (side, side)), align_corners=True)


def test_warps_are_the_authors():
    golden = Golden(GOLDEN / "gawwn_bbox_a")
    boxes = golden.io["in/bbox_norm_xywh"].double()
    maps = torch.randn(len(boxes), 3, 16, 16, dtype=torch.float64)
    for warp, key in ((crop, "in/loc"), (paste, "mid/loc_g_inverse")):
        expected = warped(maps, golden.io[key][:, 0].double())
        assert torch.allclose(warp(maps, boxes), expected, atol=1e-5)
    with torch.no_grad():
        assert not paste(maps, boxes)[0, :, :3].any()  # the first box begins at a quarter of the height


def test_warps_can_be_differentiated_twice():
    maps = torch.randn(2, 1, 5, 5, dtype=torch.float64, requires_grad=True)
    boxes = torch.tensor([[0.1, 0.3, 0.5, 0.6], [0.0, 0.0, 1.0, 1.0]], dtype=torch.float64)
    for warp in (crop, paste):
        assert torch.autograd.gradcheck(lambda x, w=warp: w(x, boxes), maps)
        assert torch.autograd.gradgradcheck(lambda x, w=warp: w(x, boxes) ** 2, maps)
    assert torch.allclose(crop(maps[1:], boxes[1:]), maps[1:])


def test_a_box_that_was_cut_away_pastes_nothing():
    pasted = paste(torch.ones(1, 1, 8, 8), torch.tensor([[0.4, 0.0, 0.0, 0.5]]))
    assert pasted.isfinite().all() and not pasted.any()


def views(golden):
    x, y = golden.io["mid/crop_x1y1"].long().T
    return torch.stack([y, x], 1), golden.io["mid/flip"]


def test_boxes_follow_the_authors_crops():
    golden = Golden(GOLDEN / "gawwn_data_bbox_a")
    size = golden.io["in/img_wh"].float()
    boxes = golden.io["in/bbox_px"].clone()
    boxes[:, :2] = boxes[:, :2].clamp(min=1)
    moved = move_layout_as_gawwn(Layout(boxes / size.repeat(1, 2)), PACKED, SIDE, *views(golden)).boxes
    x, y, w, h = moved.double().T
    zero = torch.zeros_like(x)
    affine = torch.stack([h, zero, 2 * (y + h / 2 - 0.5), zero, w, 2 * (x + w / 2 - 0.5)], 1)
    expected = golden.io["out/loc_affine"].flatten(1).double()
    assert torch.allclose(affine, expected, atol=1e-6)


def test_keypoints_follow_the_authors_crops():
    golden = Golden(GOLDEN / "gawwn_data_kp_a")
    parts = golden.io["in/parts_px"].clone()
    parts[..., :2] /= golden.io["in/img_wh"].float()[:, None]
    moved = move_layout_as_gawwn(Layout(keypoints=parts), PACKED, SIDE, *views(golden)).keypoints
    assert torch.allclose(moved, golden.io["out/locs_norm"], atol=1e-6)
    assert torch.equal(heat_maps(moved, 16), golden.io["out/heatmap"])


@given(st.floats(0, 1), st.floats(0, 1), st.integers(1, 20))
def test_a_keypoint_has_one_pixel(x, y, side):
    maps = heat_maps(torch.tensor([[[x, y, 1.0], [x, y, 0.0]]]), side)
    assert maps[0, 0].sum() == 1 and not maps[0, 1].any()
    row, column = divmod(int(maps[0, 0].argmax()), side)
    assert abs((row + 1) / side - y) <= 0.5 / side + 1e-6 or row == 0
    assert abs((column + 1) / side - x) <= 0.5 / side + 1e-6 or column == 0


@pytest.mark.parametrize("presence", [0.0, 0.1, 0.11])
def test_faint_keypoints_have_none(presence):
    assert heat_maps(torch.tensor([[[0.5, 0.5, presence]]]), 4).sum() == float(presence > 0.1)
