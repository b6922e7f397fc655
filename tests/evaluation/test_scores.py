"""Scores and their ids."""

import math

import pytest
from pydantic import ValidationError

from ganzoo.evaluation.scores import Score, id_of


def test_an_id_depends_on_the_terms_and_not_on_their_order():
    assert id_of({"a": 1, "b": [2]}) == id_of({"b": [2], "a": 1})
    assert len({id_of(terms) for terms in ({"a": 1}, {"a": 2}, {"b": 1}, {"a": 1, "b": 1})}) == 4


@pytest.mark.parametrize("value", [0.25, math.nan, math.inf, -math.inf])
def test_scores_survive_json_even_where_they_are_no_number(value):
    score = Score(name="kid", value=value, id="1", protocol={"metric": "core/kid"})
    again = Score.model_validate_json(score.model_dump_json())
    assert again == score or (math.isnan(value) and math.isnan(again.value))


def test_a_score_has_nothing_but_its_fields():
    with pytest.raises(ValidationError):
        Score(name="kid", value=0, id="1", protocol={}, vlaue=1)
