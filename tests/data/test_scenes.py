"""The grammar of captions both ways, and scenes as drawn."""

from random import Random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ganzoo.data import scenes
from ganzoo.data.scenes import CONVERSE, FIGURES, RELATIONS, Description, describe, draw, parse, place
from ganzoo.errors import GanzooError

figures = st.sampled_from(FIGURES)
pairs = st.tuples(figures, figures).filter(lambda pair: pair[0] != pair[1])
descriptions = st.builds(Description, st.tuples(figures)) | st.builds(
    Description, pairs, st.sampled_from(list(RELATIONS))
)


@given(descriptions)
def test_parse_reads_back_every_caption(description):
    assert parse(description.caption) == description


def test_captions_read_as_people_say_them():
    said = parse("a small red circle left of a large blue square")
    assert [str(figure) for figure in said.figures] == ["a small red circle", "a large blue square"]
    assert said.relation == "left of"
    assert parse("a small red circle").relation is None


@pytest.mark.parametrize(
    ("caption", "message"),
    [
        ("", "it has 1 words"),
        ("a small red circle above", "it has 5 words"),
        ("a smal red circle", "`smal` is not a known size (small, large); did you mean `small`?"),
        ("a small pink circle", "`pink` is not a known colour (red, green, blue, yellow, purple, black)"),
        ("a small red circl", "did you mean `circle`?"),
        ("the small red circle", "`the` is not a known article (a)"),
        ("a small red circle abov a large blue square", "`abov` is not a known relation"),
        ("a small red circle left a large blue square", "did you mean `left of`?"),
        ("a small red circle above a small red circle", "the same figure twice"),
    ],
)
def test_text_outside_the_grammar_is_an_error_that_says_what_would_fit(caption, message):
    with pytest.raises(GanzooError) as error:
        parse(caption)
    assert message in str(error.value)
    assert "such as 'a small red circle above a large blue square'" in str(error.value)


@given(pairs, st.sampled_from(list(RELATIONS)))
def test_both_wordings_are_one_class_on_one_side_of_the_split(pair, relation):
    said, turned = Description(pair, relation), Description(pair[::-1], CONVERSE[relation])
    assert said.class_id == turned.class_id
    assert said.held_out == turned.held_out


def test_descriptions_that_differ_have_different_class_ids():
    every = [Description((figure,)) for figure in FIGURES]
    every += [
        Description((first, second), relation)
        for first in FIGURES
        for second in FIGURES
        for relation in ("above", "left of")
        if first != second
    ]
    assert len({description.class_id for description in every}) == len(every)
    held_out = np.mean([description.held_out for description in every])
    assert held_out == pytest.approx(1 / scenes.HELD_OUT, abs=0.02)


@given(descriptions, st.integers(0, 10**6))
def test_figures_lie_inside_apart_and_in_their_relation(description, seed):
    scene = place(description, Random(seed))
    boxes = np.array(scene.boxes)
    assert (boxes[:, :2] >= scenes.MARGIN - 1e-9).all()
    assert (boxes[:, :2] + boxes[:, 2:] <= 1 - scenes.MARGIN + 1e-9).all()
    if description.relation is not None:
        direction = np.array(RELATIONS[description.relation])
        apart = np.subtract(*scene.centres)
        along, across = apart @ direction, apart @ direction[::-1]
        assert along >= sum(scene.sides) / 2 + scenes.GAP[0] - 1e-9
        assert abs(across) <= scenes.SLANT * along + 1e-9


@given(descriptions, st.integers(0, 10**6), st.sampled_from([24, 32, 65]))
def test_boxes_are_tight_around_the_drawn_pixels(description, seed, resolution):
    scene = place(description, Random(seed))
    drawn = np.asarray(draw(scene, resolution)).astype(int)
    strength = np.abs(drawn - scene.background).sum(axis=2) > 60
    inside = np.zeros_like(strength)
    for box in scene.boxes:
        x, y, width, height = np.array(box) * resolution
        rows = slice(
            int(y - 0.25), int(np.ceil(y + height + 0.25))
        )  # edges are drawn to a quarter of a pixel
        columns = slice(int(x - 0.25), int(np.ceil(x + width + 0.25)))
        inside[rows, columns] = True
        assert strength[rows, columns].any(axis=0).sum() >= width - 2.5
        assert strength[rows, columns].any(axis=1).sum() >= height - 2.5
    assert not strength[~inside].any()


def test_the_same_scene_looks_alike_at_every_resolution():
    scene = place(describe(Random(3), 2), Random(3))
    coarse = np.asarray(draw(scene, 32)).astype(float)
    fine = np.asarray(draw(scene, 128).reduce(4)).astype(float)
    assert np.abs(coarse - fine).mean() < 2
