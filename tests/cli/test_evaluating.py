"""`ganzoo eval` and `ganzoo compare`."""

import json

import pytest
from PIL import Image

CHEAP = ("--metrics", "shapes_agreement", "--samples", 8, "--device", "cpu")


def test_scores_of_a_run(ganzoo, trained, tmp_path):
    ran = ganzoo("eval", trained, *CHEAP, "--out", tmp_path / "scores", "--gallery", tmp_path / "near.png")
    assert ran.code == 0, ran
    for said in (
        "agreement/shape",
        "95 %",
        "8 samples of core/shapes, test split",
        "ganzoo compare",
        "near.png",
    ):
        assert said in ran.out
    kept = json.loads((tmp_path / "scores" / "results.json").read_text())
    assert kept["metrics"] == ["agreement"] and kept["rows"][0]["scores"][0]["id"] in ran.out
    with Image.open(tmp_path / "near.png") as sheet:
        assert sheet.width > 2 * 96


def test_two_evaluations_side_by_side(ganzoo, trained, tmp_path):
    for name, *more in (("a",), ("b",), ("c", "--seed", 1)):
        assert ganzoo("eval", trained, *CHEAP, "--no-floors", "--out", tmp_path / name, *more).code == 0
    assert "agreement/all" in ganzoo("compare", tmp_path / "a", tmp_path / "b").out
    assert "not comparable" in " ".join(ganzoo("compare", tmp_path / "a", tmp_path / "c").out.split())


def test_what_is_wrong_is_said_at_once(ganzoo, trained, tmp_path):
    ganzoo("eval", trained, "--metrics", "kidd").fails("no metric `kidd`; did you mean `kid`?")
    ganzoo("eval", trained, "--metrics", "").fails("no metric ``; there is")
    ganzoo("eval", tmp_path / "nowhere").fails("is no run folder")
    ganzoo("eval", trained, *CHEAP, "--checkpoint", "step-9").fails("has no checkpoint 'step-9'")
    ganzoo("eval", trained, *CHEAP, "--data", tmp_path).fails("core/shapes draws its pictures")
    ganzoo("eval", trained, *CHEAP, "--device", "abacus").fails("no device `abacus`")
    ganzoo("eval", trained, *CHEAP, "--gallery", tmp_path / "x").fails("cannot tell the picture format")


def test_where_nothing_can_be_written_nothing_is_measured(ganzoo, trained, tmp_path):
    (tmp_path / "file").write_text("")
    ganzoo("eval", trained, *CHEAP, "--out", tmp_path / "file" / "deeper").fails("cannot write results to")


@pytest.mark.parametrize(
    "wrong", [("--samples", -3), ("--samples", 1), ("--seed", -1), ("--samples", "many")]
)
def test_numbers_that_make_no_sense(ganzoo, trained, wrong):
    ran = ganzoo("eval", trained, *wrong)
    assert ran.code == 2 and wrong[0] in ran.err
