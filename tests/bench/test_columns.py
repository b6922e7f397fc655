import math

import pytest

from ganzoo.bench.columns import columns, overlap
from ganzoo.bench.protocols import differing, flat, told
from tests.bench.comparison import PROTOCOL, score


def few(value, **changes):
    return score(value=value, id="kid-2", protocol=PROTOCOL | {"samples": 500}, **changes)


def test_a_column_holds_one_id_and_the_usual_one_is_what_most_have():
    usual, other = columns([[few(0.01)], [score(value=0.05)], [score(value=0.04)]])
    assert (usual.usual, list(usual.scores), usual.why) == (True, [1, 2], "")
    assert (other.usual, list(other.scores)) == (False, [0])
    assert other.why == "samples: 500, not 2000"


def test_among_equals_the_protocol_met_first_is_usual():
    usual, _ = columns([[few(0.01)], [score(value=0.05)]])
    assert usual.first.id == "kid-2"


def test_names_asked_for_come_first():
    lines = [[score("agreement", 0.5), score(), score("fid", 3.0)]]
    assert [column.name for column in columns(lines, ["kid", "absent"])] == ["kid", "agreement", "fid"]


@pytest.mark.parametrize("name, best", [("kid", 0), ("agreement", 2)])
def test_ranks_follow_the_direction(name, best):
    (column,) = columns([[score(name, value)] for value in (0.1, math.nan, 0.3)])
    assert (column.ranked[0], column.ranked[-1]) == (best, 1)
    assert column.leaders == {best}


def test_leaders_are_the_best_and_what_overlaps_it():
    (column,) = columns([[score(value=value, half=0.01)] for value in (0.05, 0.065, 0.08)])
    assert column.leaders == {0, 1}


def test_without_an_interval_nothing_is_known_of_overlaps():
    assert overlap(score(), score(low=None, high=None)) is None


@pytest.mark.parametrize(
    "value, half, digits",
    [(0.05, 0.004, 4), (31.2, 1.5, 1), (0.8, 0.02, 3), (1234.0, 40.0, 0), (0.8, None, 4)],
)
def test_digits_follow_the_interval(value, half, digits):
    none = {"low": None, "high": None} if half is None else {}
    (column,) = columns([[score("agreement", value, half or 0, **none)]])
    assert column.digits == digits


def test_floors_are_shared_only_where_they_are_the_same():
    same, other = [[score()], [score()]], [[score()], [score(floor=0.2)]]
    assert [columns(lines)[0].floor for lines in (same, other)] == [0.001, None]


# -- protocols ---------------------------------------------------------------------------


def test_protocols_differ_field_by_field():
    one, other = {"a": {"b": 1, "c": [1, 2]}, "d": None}, {"a": {"b": 1, "c": [2]}, "e": "x"}
    found = differing(one, other)
    assert told(found) == "a.c: [2], not [1, 2]; d: not set, not null; e: x, not set elsewhere"
    assert differing(one, one) == ()


def test_an_id_that_its_protocol_does_not_explain_is_said():
    assert told(()) == "their ids differ, their protocols do not say in what"


def test_text_stays_as_it_is_beside_json():
    assert flat({"a": {}, "b": "ü", "c": {"d": True}}) == {"a": "{}", "b": "ü", "c.d": "true"}
