"""results.json: written, read back, refused."""

import pytest

from ganzoo.bench import results
from ganzoo.bench.columns import ranking
from ganzoo.bench.results import Results, Row
from ganzoo.errors import GanzooError
from tests.bench.comparison import results as made
from tests.bench.comparison import score


def row(name, **changes):
    return Row(name=name, state="done", scores=[score(**changes)])


def test_what_is_written_reads_back(tmp_path):
    found = made()
    assert results.load(results.save(found, tmp_path / "deep")) == found == results.load(tmp_path / "deep")


def test_a_score_that_is_no_number_survives(tmp_path):
    found = Results(made="now", settings={}, machine={}, rows=[row("a", value=float("inf"))])
    assert results.load(results.save(found, tmp_path)).rows[0].scores[0].value == float("inf")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[]", "is not a JSON object"),
        ('{"version": 2}', "is of version 2; this ganzoo reads version 1"),
        ('{"version": 1, "made": "now", "settings": {}}', "is no comparison's results: `machine`"),
        ('{"version": 1, "made": "now", "settings": {}, "machine": {}, "x": 1}', "`x`"),
    ],
)
def test_what_is_no_comparison(tmp_path, text, said):
    (tmp_path / "results.json").write_text(text)
    with pytest.raises(GanzooError) as error:
        results.load(tmp_path)
    assert said in str(error.value)


def test_places_are_by_the_usual_protocol_alone():
    rows = [
        row("worse", value=0.3),
        row("elsewhere", value=0.1, id="kid-2"),
        row("better", value=0.2),
        Row(name="nothing", state="done"),
        Row(name="broken", state="broken"),
    ]
    placed, others = ranking(Results(made="now", settings={}, machine={}, metrics=["kid"], rows=rows))
    assert [one.name for one in placed] == ["better", "worse"]
    assert [one.name for one in others] == ["elsewhere", "nothing"]


def test_without_a_metric_nobody_has_a_place():
    placed, others = ranking(Results(made="now", settings={}, machine={}, rows=[row("a")]))
    assert placed == [] and [one.name for one in others] == ["a"]
