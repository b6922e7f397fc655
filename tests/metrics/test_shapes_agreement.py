"""Statements of captions read off pictures of core/shapes."""

from dataclasses import replace
from random import Random
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from ganzoo.data.scenes import COLOURS, CONVERSE, RELATIONS, SHAPES, Description, describe, draw, parse, place
from ganzoo.data.shapes import Shapes
from ganzoo.errors import GanzooError
from ganzoo.metrics.shapes_agreement import ShapesAgreement, agreement, chance, statistics, value

ALL = {"agreement", "agreement/all"} | {
    f"agreement/{kind}" for kind in ("size", "colour", "shape", "relation", "count")
}


def drawings(resolution, count, **options):
    """`count` drawings [n, 3, r, r] in [-1, 1] and their captions."""
    examples = Shapes(test_count=count, **options).examples("test", None, resolution)
    pictures = np.stack([np.asarray(examples.image(index)) for index in range(count)])
    return pictures.transpose(0, 3, 1, 2) / 127.5 - 1, [captions[0] for captions in examples.captions]


def picture(description, seed=0, resolution=64):
    drawn = np.asarray(draw(place(description, Random(seed)), resolution))
    return drawn.transpose(2, 0, 1)[None] / 127.5 - 1


@pytest.mark.parametrize("resolution", [32, 64, 128])
def test_real_drawings_agree_with_their_captions(resolution):
    shares = value(statistics(*drawings(resolution, 400)))
    assert set(shares) == ALL
    assert min(shares.values()) >= 0.99, shares


def test_real_drawings_agree_under_noise_and_blur():
    pictures, captions = drawings(64, 200)
    noisy = pictures + np.random.default_rng(0).normal(0, 0.2, pictures.shape)
    blurred = (pictures + sum(np.roll(pictures, step, axis) for step in (-1, 1) for axis in (2, 3))) / 5
    for changed in (noisy, blurred):
        assert agreement(changed, captions).all.mean() >= 0.97


@pytest.mark.parametrize("objects", [1, 2, "both"])
def test_shuffled_captions_agree_by_chance_alone(objects):
    pictures, captions = drawings(32, 300, objects=objects)
    order = np.random.default_rng(0).permutation(300)
    shuffled = value(statistics(pictures, [captions[index] for index in order]))
    expected = chance(captions)
    assert set(shuffled) == set(expected)
    assert shuffled == pytest.approx(expected, abs=0.06)


def test_chance_is_what_the_grammar_gives():
    captions = ["a small red circle", "a large red star", "a small blue circle above a small red star"]
    shares = chance(captions)
    # Each caption holds in two statements on either other picture: the first in colour and count, in size and
    # colour or shape; the second in colour and count, in colour and shape; the third in size and shape, in
    # colour and shape.
    assert shares["agreement"] == pytest.approx(6 * 2 / (2 * (4 + 4 + 8)))
    assert shares["agreement/count"] == pytest.approx(2 / 6)
    assert shares["agreement/relation"] == 0
    assert shares["agreement/all"] == 0


def wrong_versions(description):
    """Descriptions that differ from `description` in one thing, and the statement that is wrong."""
    vocabularies = {"size": ("small", "large"), "colour": tuple(COLOURS), "shape": SHAPES}
    for index, figure in enumerate(description.figures):
        for kind, known in vocabularies.items():
            for other in known:
                figures = list(description.figures)
                figures[index] = replace(figure, **{kind: other})
                if other != getattr(figure, kind) and len(set(figures)) == len(figures):
                    yield f"{kind} {index + 1}", replace(description, figures=tuple(figures))
    for relation in set(RELATIONS) - {description.relation} if description.relation else ():
        yield "relation", replace(description, relation=relation)


@pytest.mark.parametrize("seed", range(12))
def test_each_wrong_statement_is_noticed_and_no_other(seed):
    description = describe(Random(seed), 1 + seed % 2)
    shown = picture(description, seed)
    for name, wrong in wrong_versions(description):
        held = agreement(shown, [wrong.caption]).picture(0)
        assert [statement for statement, holds in held.items() if not holds] == [name], wrong.caption


def test_a_figure_too_many_or_too_few_is_noticed():
    both = parse("a small red circle above a large blue square")
    alone = Description(both.figures[:1])
    too_many = agreement(picture(both), [alone.caption])
    assert too_many.picture(0) == {"size 1": True, "colour 1": True, "shape 1": True, "count": False}
    assert not too_many.all[0]
    too_few = agreement(picture(alone), [both.caption]).picture(0)
    assert [name for name, holds in too_few.items() if holds] == ["size 1", "colour 1", "shape 1"]


@pytest.mark.parametrize("seed", range(4))
def test_the_other_wording_holds_as_well(seed):
    said = describe(Random(seed), 2)
    turned = Description(said.figures[::-1], CONVERSE[said.relation])
    assert agreement(picture(said), [turned.caption]).all[0]


@pytest.mark.parametrize("resolution", [1, 4, 16, 33])
def test_any_picture_can_be_read(resolution):
    shape = (6, 3, resolution, resolution)
    draws = torch.Generator().manual_seed(0)
    odd = [torch.full(shape, fill) for fill in (-1.0, 0.0, 1.0, 7.0, float("nan"), float("-inf"))]
    odd += [torch.randn(shape, generator=draws), torch.rand(shape, generator=draws, dtype=torch.float64)]
    for pictures in odd:
        found = agreement(pictures, ["a small red circle above a large blue square"] * 6)
        assert not found.all.any()


@pytest.mark.parametrize("fill", [-1, 0, 1])
def test_a_picture_of_one_colour_shows_nothing(fill):
    found = agreement(np.full((1, 3, 64, 64), fill), ["a large black square"])
    assert not found.holds.any()
    assert found.mean == 0


def test_specks_are_no_figures():
    shown = picture(parse("a small red circle"))
    shown[0, :, 2:5, 2:5] = -1
    assert agreement(shown, ["a small red circle"]).all[0]


def test_torch_and_numpy_pictures_read_alike_in_any_precision():
    pictures, captions = drawings(64, 20)
    expected = agreement(pictures, captions).holds
    for tensor in (torch.tensor(pictures, requires_grad=True), torch.tensor(pictures).bfloat16()):
        assert (agreement(tensor, captions).holds == expected).all()


def test_statistics_of_parts_add_up():
    pictures, captions = drawings(32, 30)
    parts = statistics(pictures[:11], captions[:11]) + statistics(pictures[11:], captions[11:])
    assert (parts == statistics(pictures, captions)).all()


def test_large_batches_are_read_piece_by_piece_alike():
    pictures, captions = drawings(128, 70)  # more than are read at once
    whole = agreement(pictures, captions)
    alone = [agreement(pictures[i : i + 1], captions[i : i + 1]).holds[0] for i in (0, 63, 64, 69)]
    assert (whole.holds[[0, 63, 64, 69]] == alone).all()


def test_the_component_scores_fakes_against_captions():
    pictures, captions = drawings(32, 8, objects=1)
    samples = SimpleNamespace(fakes=torch.tensor(pictures), captions=captions)
    shares = ShapesAgreement()(samples)
    assert set(shares) == ALL - {"agreement/relation"}
    assert shares["agreement"] == 1
    assert ShapesAgreement.needs == {"fakes", "captions"}


@pytest.mark.parametrize(
    ("shape", "captions", "message"),
    [
        ((0, 3, 32, 32), [], r"pictures \[0, 3, 32, 32\]; expected \[n, 3, r, r\] with n > 0"),
        ((3, 32, 32), ["a small red circle"], r"pictures \[3, 32, 32\]"),
        ((1, 1, 32, 32), ["a small red circle"], r"pictures \[1, 1, 32, 32\]"),
        ((1, 3, 32, 64), ["a small red circle"], r"pictures \[1, 3, 32, 64\]"),
        ((2, 3, 32, 32), ["a small red circle"], "2 pictures and 1 captions; expected as many"),
        ((1, 3, 32, 32), ["a red circle"], "'a red circle' cannot be read"),
    ],
)
def test_what_cannot_be_judged_is_an_error(shape, captions, message):
    with pytest.raises(GanzooError, match=message):
        agreement(np.zeros(shape), captions)


def test_chance_wants_two_captions():
    with pytest.raises(GanzooError, match="was given 1 captions; expected 2 or more"):
        chance(["a small red circle"])
