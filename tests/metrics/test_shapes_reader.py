"""Figures read off pictures of core/shapes."""

from random import Random

import numpy as np
import pytest

from ganzoo.data.scenes import COLOURS, SHAPES, SIZES, describe, draw, place
from ganzoo.metrics.shapes_reader import look


def names(attributes):
    size, colour, shape = attributes
    return f"a {list(SIZES)[size]} {list(COLOURS)[colour]} {SHAPES[shape]}"


@pytest.mark.parametrize("resolution", [32, 100])
def test_figures_are_named_where_they_stand(resolution):
    scenes = [place(describe(Random(seed), 1 + seed % 2), Random(seed)) for seed in range(60)]
    drawn = np.stack([np.asarray(draw(scene, resolution)) for scene in scenes])
    seen = look(drawn.transpose(0, 3, 1, 2) / 127.5 - 1)
    assert seen.count.tolist() == [len(scene.centres) for scene in scenes]
    for row, scene in enumerate(scenes):
        found = {
            names(seen.attributes[row, rank]): seen.centres[row, rank] for rank in range(seen.count[row])
        }
        for figure, centre in zip(scene.description.figures, scene.centres, strict=True):
            assert found[str(figure)] == pytest.approx(
                centre, abs=0.07
            )  # a triangle's middle lies below its box's


def test_only_the_two_largest_figures_are_described_and_all_are_counted():
    pictures = np.ones((2, 3, 64, 64))
    for start, side in ((2, 6), (10, 12), (24, 20), (48, 8)):
        pictures[1, 1:, start : start + side, start : start + side] = -1  # red squares along the diagonal
    seen = look(pictures)
    assert seen.count.tolist() == [0, 4]
    assert (seen.attributes[0] == -1).all()
    assert [names(attributes) for attributes in seen.attributes[1]] == ["a small red square"] * 2
    assert seen.centres[1] == pytest.approx(np.array([[34, 34], [16, 16]]) / 64)
