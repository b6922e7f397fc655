import pytest

from ganzoo.bench import comparing, results
from ganzoo.bench.protocols import Differing
from tests.bench.comparison import NAMES, PROTOCOL, score
from tests.bench.comparison import results as made
from tests.bench.comparison import row as model


def of(*scores, name=NAMES[0]):
    """Results of one model with these scores."""
    return made(rows=[model(0, 0.05, 0.5, scores=list(scores)).model_copy(update={"name": name})])


def only(first, second):
    (pair,) = comparing.compare(first, second).pairs
    return pair


@pytest.mark.parametrize(
    "values, difference, overlap, verdict",
    [
        ((0.05, 0.03), -0.02, False, "second is better"),
        ((0.05, 0.07), 0.02, False, "first is better"),
        ((0.05, 0.052), 0.002, True, "not told apart: the intervals overlap"),
    ],
)
def test_scores_of_one_id_are_subtracted(values, difference, overlap, verdict):
    pair = only(*(of(score(value=value)) for value in values))
    assert pair.difference == pytest.approx(difference)
    assert (pair.overlap, pair.verdict) == (overlap, verdict)


def test_where_higher_is_better_a_higher_second_is():
    assert only(of(score("agreement", 0.5)), of(score("agreement", 0.7))).verdict == "second is better"


def test_without_intervals_the_verdict_is_weaker():
    pair = only(of(score(value=0.05)), of(score(value=0.03, low=None, high=None)))
    assert (pair.overlap, pair.verdict) == (None, "second is better, but not both have an interval")


def test_scores_of_two_ids_are_not_subtracted_and_the_field_is_named():
    other = score(value=0.03, id="kid-2", protocol=PROTOCOL | {"metric": "core/kid", "samples": 500})
    pair = only(of(score(value=0.05)), of(other))
    assert (pair.difference, pair.overlap, pair.better) == (None, None, "")
    assert pair.differs == (Differing("samples", "2000", "500"),)
    assert pair.verdict == "not comparable: samples: 500, not 2000"


def test_of_several_protocols_the_shared_one_is_compared():
    other = score(value=0.2, id="kid-2", protocol=PROTOCOL | {"samples": 500})
    pair = only(of(other, score(value=0.05)), of(score(value=0.03)))
    assert pair.difference == pytest.approx(-0.02)


def test_numbers_have_the_digits_that_their_intervals_leave():
    pair = only(of(score("fid", 31.24, 1.5)), of(score("fid", 30.0, 1.0)))
    assert comparing.with_interval(pair.first, pair.digits) == "31.2 [29.7, 32.7]"


def test_a_score_that_only_one_has_is_said():
    found = comparing.compare(of(score(), score("agreement", 0.5)), of(score()))
    assert [pair.verdict for pair in found.pairs][1] == "only the first has it"


def test_models_are_in_the_order_of_the_first_and_missing_ones_say_why():
    found = comparing.compare(made(), made(rows=made().rows[1:]))
    assert list(dict.fromkeys(pair.model for pair in found.pairs)) == [NAMES[2], NAMES[1]]
    assert dict(found.missing) == {
        NAMES[0]: "first: done; second: not in it",
        "gawwn-shapes": "first: broken, step 120: generator/nonsaturating is not finite; "
        "second: broken, step 120: generator/nonsaturating is not finite",
        "attngan-birds": "first: refused, it was trained on core/birds, not core/shapes; "
        "second: refused, it was trained on core/birds, not core/shapes",
    }


@pytest.fixture
def files(tmp_path):
    """`files(first, second)`: both written, as the command's words."""

    def save(*found):
        return [results.save(each, tmp_path / str(number)) for number, each in enumerate(found)]

    return save


def test_the_command_prints_a_line_a_score(ganzoo, files):
    second = of(score(value=0.03), score("agreement", 0.5, id="new", protocol={"metric": "core/agreement"}))
    second = second.model_copy(update={"settings": second.settings | {"samples": 500}})
    done = ganzoo("compare", *files(of(score(value=0.05), score("agreement", 0.5)), second))
    lines = [line.split() for line in done.out.splitlines()]
    assert done.code == 0 and done.err == ""
    assert lines[0] == ["model", "score", "first", "second", "difference"]
    assert lines[1][:4] == [NAMES[0], "kid", "↓", "0.0500"] and "−0.0200 second is better" in " ".join(
        lines[1]
    )
    assert lines[2][:2] == ["agreement", "↑"]
    assert "not comparable: samples: not set, not 2000; data.use: not set" in " ".join(lines[2])
    assert done.out.splitlines()[-1] == "settings that differ: samples 2000 → 500"


def test_the_command_takes_folders_and_leaves_markup_alone(ganzoo, files):
    name = "[red]a[/red]\x1b[31m"
    found = of(score(), name=name)
    done = ganzoo("compare", *(path.parent for path in files(found, found)))
    assert "[red]a[/red]\\x1b[31m  kid ↓" in done.out


def test_the_command_says_when_nothing_is_shared(ganzoo, files):
    done = ganzoo("compare", *files(of(score(), name="a"), of(score(), name="b")))
    assert done.out.startswith("no model is finished in both ")
    assert "warning: a is not compared: first: done; second: not in it" in done.err


def test_the_command_names_a_file_that_is_missing(ganzoo, tmp_path):
    ganzoo("compare", tmp_path / "a.json", tmp_path).fails("a.json cannot be read: No such file")
