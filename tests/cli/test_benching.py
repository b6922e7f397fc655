"""`ganzoo bench`."""

import json

import pytest

from tests.test_import import COMMAND, loaded_by

QUICK = ("--budget", "4steps", "--samples", 8, "--metrics", "shapes_agreement", "--device", "cpu")


def test_a_comparison_and_its_report(ganzoo, toy_file, tmp_path):
    out = tmp_path / "bench"
    ran = ganzoo("bench", toy_file, "gawwn-keypoint-generator-shapes", *QUICK, "--out", out, "--seeds", "0-1")
    assert ran.code == 0, ran
    assert "toy" in ran.out and "agreement" in ran.out and "report.html" in ran.out
    assert "gawwn-keypoint-generator-shapes is refused: it draws keypoints, not pictures" in ran.err
    page = (out / "report.html").read_text()
    assert "A toy" in page and "data:image/png" in page
    rows = json.loads((out / "results.json").read_text())["rows"]
    assert [training["seed"] for training in rows[0]["trainings"]] == [0, 1]


def test_models_is_the_command_that_may_be_left_out(ganzoo, tmp_path):
    options = ("gan-int-clss", "--out", tmp_path / "x")
    plain, named = ganzoo("bench", *options), ganzoo("bench", "models", *options)
    plain.fails("there is no model 'gan-int-clss'; did you mean")
    assert plain.err == named.err and not (tmp_path / "x").exists()


def test_what_is_wrong_is_said_at_once(ganzoo, toy_file, tmp_path):
    out = ("--out", tmp_path / "bench")
    ganzoo("bench", toy_file, "--budget", "long", *out).fails("cannot read the budget `long`; expected time")
    ganzoo("bench", toy_file, "--metrics", "kid,fidd", *out).fails("no metric `fidd`; did you mean `fid`?")
    ganzoo("bench", toy_file, "--seeds", "3-1", *out).fails("cannot read seeds `3-1`")
    ganzoo("bench", "--budget", "4steps", *out).fails("name models to compare, or `--data`")
    ganzoo("bench", toy_file, "--data", "core/shape", *out).fails("no dataset 'core/shape'")
    assert not (tmp_path / "bench").exists()
    (tmp_path / "file").write_text("")
    ganzoo("bench", toy_file, "--out", tmp_path / "file" / "x").fails("cannot write results to")


@pytest.mark.parametrize("wrong", [("--samples", -3), ("--points", -1)])
def test_numbers_that_make_no_sense(ganzoo, toy_file, wrong):
    ran = ganzoo("bench", toy_file, *wrong)
    assert ran.code == 2 and wrong[0] in ran.err


@pytest.mark.parametrize(
    "words",
    [["bench", "--help"], ["bench", "models", "--help"], ["bench", "speed", "--help"], ["eval", "--help"]],
    ids=" ".join,
)
def test_help_does_without_torch(words):
    assert loaded_by(COMMAND.format(words=words)) == []


def test_names_of_the_package_do_without_torch():
    assert loaded_by("import ganzoo; assert callable(ganzoo.bench)") == []
