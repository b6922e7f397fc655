import math
import re
from itertools import pairwise

import pytest

from ganzoo.bench.figures import MOST_POINTS, Line, Mark, Point, curves, intervals, scatter, spread

A, B = Mark("A", 1), Mark("B", 2)


def texts(svg):
    return re.findall(r"<text[^>]*>(.*?)</text>", str(svg))


def test_a_drawing_takes_the_colours_and_the_fonts_of_its_page():
    svg = str(scatter([Point(A, 10, 0.1, 0.08, 0.12), Point(B, 300, 0.2)], "speed", "kid", "one", "both"))
    assert not re.search(r"#[0-9a-f]{6}\b", svg)
    assert {"--c1", "--c2", "--ink", "--paper"} <= set(re.findall(r"var\((--\w+)\)", svg))
    assert "<style" not in svg and "<metadata" not in svg and "http" not in svg


def test_ids_of_two_drawings_differ():
    first, second = (str(scatter([Point(A, 1, 1)], "x", "y", name, "")) for name in ("one", "two"))
    ids = [set(re.findall(r' id="(.*?)"', svg)) for svg in (first, second)]
    assert ids[0] and not ids[0] & ids[1]
    assert set(re.findall(r'href="#(.*?)"|url\(#(.*?)\)', first)) and "#one-" in first and '"#m' not in first


def test_speeds_are_written_as_numbers():
    assert {"10", "100", "1,000"} <= set(
        texts(scatter([Point(A, 8, 1), Point(B, 2000, 2)], "x", "y", "n", ""))
    )


def test_names_of_strangers_are_text_even_with_dollars_and_letters_no_font_has():
    said = texts(scatter([Point(A, 1, 1)], "$x$ <b> \U0001f600 \u6771", "$\\frac{", "n", '"<script>'))
    assert "$x$ &lt;b&gt; \U0001f600 \u6771" in said and "$\\frac{" in said


def test_intervals_have_a_line_a_model_and_a_dashed_floor():
    with_floor = str(intervals([Point(A, 0, 0.1, 0.05, 0.2), Point(B, 2, 0.3)], 3, 0.01, "kid", "n", ""))
    without = str(intervals([Point(A, 0, 0.1, 0.05, 0.2), Point(B, 2, 0.3)], 3, None, "kid", "n", ""))
    assert [text for text in texts(with_floor) if text in "AB"] == ["A", "B"]
    assert with_floor.count("stroke-dasharray") == without.count("stroke-dasharray") + 1


def test_the_mean_is_over_seeds_that_pair_up():
    assert Line(A, [[(0, 1.0), (10, 3.0)], [(0, 2.0), (12, 5.0)]]).mean == [(0, 1.5), (11, 4.0)]
    assert Line(A, [[(0, 1.0)], [(0, 2.0), (12, 5.0)]]).mean == []


@pytest.mark.parametrize("odd", [math.nan, -math.inf, 1.7e308])
def test_numbers_that_fit_no_axis_are_left_out(odd):
    drawn = curves([Line(A, [[(0, odd), (1, 1.0), (2, 3.0), (odd, 2.0)]])], "steps", "kid", "n", "")
    plain = curves([Line(A, [[(1, 1.0), (2, 3.0)]])], "steps", "kid", "n", "")
    assert texts(drawn) == texts(plain)
    bar = [intervals([Point(A, 0, 0.1, low, 0.2)], 1, None, "kid", "n", "") for low in (odd, None)]
    assert bar[0] == bar[1]


def test_curves_survive_numbers_that_are_none_and_are_thinned():
    many = [(float(x), float(x % 7)) for x in range(20 * MOST_POINTS)]
    lines = [Line(A, [[(0, 1.0), (1, float("nan"))]]), Line(B, [many, many[:5]])]
    svg = curves(lines, "steps", "kid", "n", "")
    assert len(svg) < 60_000 and [text for text in texts(svg) if text in "AB"] == ["B", "A"]


@pytest.mark.parametrize(
    "heights, places",
    [
        ([0.2, 0.8], [0.2, 0.8]),
        ([0.5, 0.5], [0.45, 0.55]),
        ([0.0, 0.0], [0.0, 0.1]),
        ([0.99, 1.0], [0.9, 1.0]),
        ([], []),
    ],
)
def test_letters_are_moved_apart_as_little_as_possible(heights, places):
    assert spread(heights, 0.1) == pytest.approx(places)


def test_letters_that_do_not_fit_are_as_far_apart_as_fits():
    places = spread([0.5] * 40)
    assert places[0] >= 0 and places[-1] <= 1
    assert [b - a for a, b in pairwise(places)] == pytest.approx([1 / 40] * 39)
