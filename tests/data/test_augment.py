from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import Tensor

from ganzoo.data.augment import augment, move_layout, move_layout_as_gawwn
from ganzoo.flow import Layout


def pictures(n: int, size: int, seed: int = 0) -> Tensor:
    return torch.randint(
        0, 256, (n, 3, size, size), dtype=torch.uint8, generator=torch.Generator().manual_seed(seed)
    )


def no_views(n: int) -> tuple[Tensor, Tensor]:
    return torch.zeros(n, 2, dtype=torch.int64), torch.zeros(n, dtype=torch.bool)


@given(st.integers(1, 6), st.integers(1, 9), st.integers(0, 4), st.integers(0, 99))
def test_windows_and_flips_equal_a_loop(n: int, resolution: int, slack: int, seed: int) -> None:
    images = pictures(n + 1, resolution + slack, seed)
    draws = np.random.default_rng(seed)
    rows, offsets = draws.integers(0, n + 1, n), draws.integers(0, slack + 1, (n, 2))
    flips = draws.random(n) < 0.5
    (got,) = augment(
        images, (resolution,), torch.from_numpy(offsets), torch.from_numpy(flips), rows=torch.from_numpy(rows)
    )
    for i, (row, (top, left), flip) in enumerate(zip(rows, offsets, flips, strict=True)):
        cut = images[row, :, top : top + resolution, left : left + resolution]
        expected = (cut.flip(-1) if flip else cut).float() / 127.5 - 1
        assert torch.equal(got[i], expected)


def test_every_byte_is_mapped_exactly() -> None:
    images = torch.arange(256, dtype=torch.uint8).repeat(3).view(1, 3, 16, 16)
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        exact = torch.float64 if dtype == torch.float64 else torch.float32
        (got,) = augment(images, (16,), *no_views(1), dtype)
        assert torch.equal(got, (images.to(exact) / 127.5 - 1).to(dtype))


def test_more_pictures_than_a_block_holds_and_none() -> None:
    images = pictures(40, 130)
    offsets, flips = torch.full((40, 2), 2), torch.arange(40) % 2 == 0
    (got,) = augment(images, (128,), offsets, flips)
    expected = images[:, :, 2:, 2:].float() / 127.5 - 1
    assert torch.equal(got[1::2], expected[1::2]) and torch.equal(got[::2], expected[::2].flip(-1))
    assert augment(images[:0], (128, 64), offsets[:0], flips[:0])[1].shape == (0, 3, 64, 64)


@pytest.mark.parametrize("resolutions", [(16, 32, 64), (64, 20, 48), (64, 33, 2)])
def test_the_pyramid_is_pillows(resolutions: tuple[int, ...]) -> None:
    images = pictures(3, 64)
    levels = augment(images, resolutions, *no_views(3))
    assert [level.shape[-1] for level in levels] == list(resolutions)
    for level, r in zip(levels, resolutions, strict=True):
        for image, got in zip(images, level, strict=True):
            small = Image.fromarray(image.permute(1, 2, 0).numpy()).resize((r, r), Image.Resampling.BILINEAR)
            expected = torch.from_numpy(np.array(small)).permute(2, 0, 1).float()
            assert (got.add(1).mul(127.5) - expected).abs().max() <= 1 + 1e-4


def test_layouts_follow_the_crop() -> None:
    layout = Layout(
        torch.tensor([[0.25, 0.5, 0.25, 0.25], [0.0, 0.0, 0.5, 1.0], [0.0, 0.0, 0.1, 0.1]]),
        torch.tensor(
            [[[0.5, 0.5, 1.0], [0.9, 0.5, 1.0]], [[0.5, 0.25, 1.0], [0.0, 0.0, 0.0]], [[0.25, 0.5, 1.0]] * 2]
        ),
    )
    offsets = torch.tensor([[0, 0], [2, 2], [4, 4]])  # of 8 pixels in 4 of them, top and left
    moved = move_layout(layout, 8, 4, offsets, torch.tensor([False, True, False]))
    assert moved.boxes is not None and moved.keypoints is not None
    expected = [[0.5, 1.0, 0.5, 0.0], [0.5, 0.0, 0.5, 1.0], [0.0, 0.0, 0.0, 0.0]]
    assert torch.allclose(moved.boxes, torch.tensor(expected))
    seen = [[[1.0, 1.0, 1.0], [0, 0, 0]], [[0.5, 0.0, 1.0], [0, 0, 0]], [[0, 0, 0]] * 2]
    assert torch.allclose(moved.keypoints, torch.tensor(seen))


@given(st.integers(1, 20), st.integers(0, 10), st.integers(0, 99))
def test_boxes_stay_within_the_picture_and_keypoints_in_their_boxes(
    resolution: int, slack: int, seed: int
) -> None:
    draws = np.random.default_rng(seed)
    low, high = np.sort(draws.random((2, 7, 2)), axis=0)
    inside = low + draws.random((7, 2)) * (high - low)
    boxes = torch.from_numpy(np.concatenate([low, high - low], 1)).float()
    keypoints = torch.from_numpy(np.concatenate([inside, np.ones((7, 1))], 1)).float()[:, None]
    offsets = torch.from_numpy(draws.integers(0, slack + 1, (7, 2)))
    flips = torch.from_numpy(draws.random(7) < 0.5)
    moved = move_layout(Layout(boxes, keypoints), resolution + slack, resolution, offsets, flips)
    assert moved.boxes is not None and moved.keypoints is not None
    corner = moved.boxes[:, :2] + moved.boxes[:, 2:]
    assert (moved.boxes >= 0).all() and (corner <= 1 + 1e-6).all()
    place, seen = moved.keypoints[:, 0, :2], moved.keypoints[:, 0, 2] > 0
    assert ((place >= moved.boxes[:, :2] - 1e-5) & (place <= corner + 1e-5))[seen].all()


def test_a_layout_moves_with_its_picture() -> None:
    images = torch.zeros(2, 3, 12, 12, dtype=torch.uint8)
    images[:, :, 5:8, 3:6] = 255
    layout = Layout(torch.tensor([[3 / 12, 5 / 12, 3 / 12, 3 / 12]] * 2))
    offsets, flips = torch.tensor([[4, 1], [4, 1]]), torch.tensor([False, True])
    (cut,) = augment(images, (8,), offsets, flips)
    moved = move_layout(layout, 12, 8, offsets, flips).boxes
    assert moved is not None
    for image, (x, y, width, height) in zip(cut, (moved * 8).round().int().tolist(), strict=True):
        assert (image[:, y : y + height, x : x + width] == 1).all() and (
            image == 1
        ).sum() == 3 * width * height


def test_left_and_right_parts_trade_places_in_a_mirrored_picture() -> None:
    points = torch.tensor([[[0.25, 0.1, 1.0], [0.5, 0.2, 1.0], [0.0, 0.0, 0.0]]] * 2)
    moved = move_layout(
        Layout(keypoints=points), 4, 4, *no_views(2)[:1], torch.tensor([False, True]), [(0, 2)]
    ).keypoints
    assert moved is not None and torch.equal(moved[0], points[0])
    assert torch.equal(moved[1], torch.tensor([[0.0, 0.0, 0.0], [0.5, 0.2, 1.0], [0.75, 0.1, 1.0]]))


def test_layouts_move_in_whole_pixels_as_in_gawwn() -> None:
    # A side of 10 cut to 8. By hand: a box cut off at the left keeps its width, at the right it loses some.
    boxes = torch.tensor([[0.2, 0.35, 0.5, 0.3], [0.71, 0.0, 0.29, 0.5]])
    points = torch.tensor([[[0.1, 0.99, 1.0], [0.0, 0.0, 0.0]]] * 2)
    offsets, flips = torch.tensor([[1, 2]] * 2), torch.tensor([False, True])
    moved = move_layout_as_gawwn(Layout(boxes, points), 10, 8, offsets, flips)
    assert moved.boxes is not None and moved.keypoints is not None
    assert (moved.boxes * 8).tolist() == [[1, 2, 5, 3], [1, 1, 2, 5]]
    assert (moved.keypoints[..., :2] * 8).tolist() == [[[1, 8], [1, 1]], [[8, 8], [8, 1]]]
    assert torch.equal(moved.keypoints[..., 2], points[..., 2])
