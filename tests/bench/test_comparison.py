"""Comparing models: all alike, row after row, resumed where it was stopped."""

import json
import logging
import math
import shutil

import numpy as np
import pytest
from PIL import Image
from scipy.stats import t

import ganzoo
from ganzoo.bench import comparison, results, trained
from ganzoo.bench.columns import ranking
from ganzoo.bench.comparison import bench
from ganzoo.bench.speed.earlier import NUMBERS
from ganzoo.errors import GanzooError
from ganzoo.evaluation import given
from ganzoo.interrupts import Stopped
from ganzoo.run import Run
from ganzoo.train import train
from tests.conftest import TOY

QUICK = {"budget": "4steps", "samples": 8, "metrics": ["shapes_agreement"], "device": "cpu"}


@pytest.fixture
def other_file(tmp_path):
    """The toy, wider noise, under another name."""
    path = tmp_path / "other.yaml"
    path.write_text(TOY.replace("toy:", "other:").replace("noise: 6", "noise: 9"))
    return path


@pytest.fixture
def out(tmp_path):
    return tmp_path / "bench"


def test_all_are_asked_for_the_same(toy_file, other_file, out, monkeypatch):
    asked = []
    draw = given.draw

    def watched(model, requests, what):
        asked.append((model.plan.recipe.name, requests.captions, requests.seeds))
        return draw(model, requests, what)

    monkeypatch.setattr(given, "draw", watched)
    found = bench([toy_file, other_file], out, **QUICK)
    assert [row.state for row in found.rows] == ["done", "done"]
    (toy, captions, seeds), (other, *same) = asked
    assert (toy, other) == ("toy", "other") and same == [captions, seeds] and len(captions) == 8
    ids = [[score.id for score in row.scores] for row in found.rows]
    assert ids[0] == ids[1]
    assert [row.trainings[0].steps for row in found.rows] == [4, 4]
    assert [row.trainings[0].images for row in found.rows] == [16, 16]
    (pair,) = found.ablations
    assert (pair.one, pair.other, pair.path, pair.values) == ("toy", "other", "noise", ("6", "9"))


def test_what_is_written_reads_back_and_pictures_are_there(toy_file, out):
    found = bench([toy_file], out, **QUICK)
    assert results.load(out) == found
    row = found.rows[0]
    assert len(row.pictures) == len(found.real) == len(found.captions) == 6
    for file in (*row.pictures, *found.real):
        with Image.open(out / file) as picture:
            assert picture.size == (128, 128)
    assert row.parameters["all"] > row.parameters["generator"] and row.flops and row.sampling.latency > 0
    assert found.settings["budget"] == "4steps" and found.metrics == ["agreement"]


def test_finished_rows_are_kept_and_broken_ones_tried_again(toy_file, other_file, out, monkeypatch):
    whole = trained.train

    def failing(recipe, *args, **options):
        if recipe.name == "other":
            raise RuntimeError("a fault in a plugin")
        return whole(recipe, *args, **options)

    monkeypatch.setattr(trained, "train", failing)
    found = bench([other_file, toy_file], out, **QUICK)
    states = {row.name: (row.state, row.reason) for row in found.rows}
    assert states == {"other": ("broken", "RuntimeError: a fault in a plugin"), "toy": ("done", "")}
    trainings = []
    monkeypatch.setattr(
        trained, "train", lambda r, *args, **o: trainings.append(r.name) or whole(r, *args, **o)
    )
    again = bench([other_file, toy_file], out, **QUICK)
    assert trainings == ["other"]
    assert again.row("toy") == found.row("toy") and again.row("other").state == "done"


def test_an_interrupted_training_goes_on(toy_file, out, monkeypatch):
    whole = trained.train
    saved = []

    def stopped(recipe, data, path, **options):
        short = recipe.set("training.gan.steps", 2)
        whole(short, data, path, **options)
        (path / "recipe.yaml").write_text(recipe.to_yaml())
        raise Stopped(2)

    monkeypatch.setattr(trained, "train", stopped)
    with pytest.raises(Stopped):
        bench([toy_file], out, **QUICK)
    assert results.load(out).rows == []
    monkeypatch.setattr(trained, "train", lambda *args, **o: saved.append(o["resume"]) or whole(*args, **o))
    found = bench([toy_file], out, **QUICK)
    assert saved == [True] and found.rows[0].trainings[0].steps == 4
    steps = [line["step"] for line in Run.open(out / "runs" / "toy-seed-0").metrics if "phase" in line]
    assert steps == sorted(steps) and steps[-1] == 4


def test_a_training_that_saved_nothing_begins_anew(toy_file, toy, out):
    path = out / "runs" / "toy-seed-0"
    train(toy, run_dir=path, device="cpu")
    shutil.rmtree(path / "checkpoints")
    (path / "checkpoints").mkdir()
    assert bench([toy_file], out, **QUICK).rows[0].trainings[0].steps == 4


def test_several_seeds_give_a_mean_and_students_interval(toy_file, out, looking):
    found = bench([toy_file], out, **{**QUICK, "metrics": [looking("kid")], "seeds": [0, 1, 2]})
    row = found.rows[0]
    values = [training.scores[0].value for training in row.trainings]
    assert [training.seed for training in row.trainings] == [0, 1, 2] and len(set(values)) == 3
    half = t.isf(0.025, 2) * np.std(values, ddof=1) / math.sqrt(3)
    score = row.scores[0]
    assert score.interval == "Student's t over 3 seeds"
    expected = (np.mean(values), np.mean(values) - half, np.mean(values) + half)
    assert (score.value, score.low, score.high) == pytest.approx(expected)


def test_curves_over_training(toy_file, out):
    found = bench([toy_file], out, **{**QUICK, "budget": "6steps", "points": 2})
    (curve,) = found.rows[0].curves
    steps, seconds, values = zip(*curve.points, strict=True)
    assert (curve.name, steps) == ("agreement", (2, 4, 6))
    assert list(seconds) == sorted(seconds) and seconds[0] > 0
    assert values[-1] == found.rows[0].score("agreement").value


def test_metrics_that_do_not_fit_a_model_are_left_out(toy_file, out, tmp_path):
    attngan = tiny_attngan(tmp_path)
    metrics = ["damsm_r_precision", "shapes_agreement"]
    found = bench([toy_file, attngan], out, **{**QUICK, "metrics": metrics, "points": 1})
    assert [row.state for row in found.rows] == ["done", "done"], [row.reason for row in found.rows]
    assert not found.rows[0].score("damsm_r_precision") and found.rows[0].score("agreement")
    score = found.rows[1].score("damsm_r_precision")
    assert "also trained the generator" in score.leaks and "attngan/cnn" in score.protocol["encoders"]
    assert found.rows[0].curves[0].name == "agreement"
    placed, others = ranking(found)
    assert [row.name for row in placed] == [found.rows[1].name] and [row.name for row in others] == ["toy"]


def tiny_attngan(folder):
    """AttnGAN on shapes at its smallest, on the data of the toy."""
    from ganzoo.catalogue import recipe
    from ganzoo.plugins import load
    from ganzoo.rehearse import tiny

    made = tiny(recipe("attngan-shapes"), load())
    made = made.set("data.count", 64).set("data.test_count", 16).set("data.batch", 4)
    for phase in made.phases:
        made = made.set(f"training.{phase}.measure", None).set(f"training.{phase}.steps", 2)
    path = folder / "attngan.yaml"
    path.write_text(made.named("attngan").to_yaml())
    return path


def test_a_metric_that_fits_no_model_is_an_error(toy_file, out):
    with pytest.raises(GanzooError, match="has none that see in one space"):
        bench([toy_file], out, **{**QUICK, "metrics": ["damsm_r_precision"]})


def test_what_cannot_be_measured_is_said_before_any_training(toy_file, out, looking, monkeypatch):
    def train(*_, **__):
        raise AssertionError("trained")

    monkeypatch.setattr(trained, "train", train)
    for metrics, said in (
        ([looking("ndb")], "NDB wants 100 bins of 64"),
        (["kidd"], "did you mean `kid`"),
        ([{"use": "kid", "weights": "nowhere.pth"}], r"nowhere\.pth cannot be read"),
    ):
        with pytest.raises(GanzooError, match=said):
            bench([toy_file], out, **{**QUICK, "metrics": metrics})


def test_other_terms_in_the_same_folder_are_refused(toy_file, out):
    bench([toy_file], out, **QUICK)
    for change, said in (
        ({"budget": "5steps"}, "budget 4steps there and 5steps here"),
        ({"samples": 9}, "samples 8 there and 9 here"),
        ({"seeds": [1]}, r"seeds \[0\] there and \[1\] here"),
    ):
        with pytest.raises(GanzooError, match=said):
            bench([toy_file], out, **{**QUICK, **change})


def test_another_recipe_of_the_same_name_is_refused(toy_file, out):
    bench([toy_file], out, **QUICK)
    toy_file.write_text(TOY.replace("noise: 6", "noise: 7"))
    with pytest.raises(GanzooError, match="holds a row toy of another recipe; it differs in noise"):
        bench([toy_file], out, **QUICK)
    (out / "results.json").unlink()
    found = bench([toy_file], out, **QUICK)
    assert found.rows[0].state == "broken" and "was begun with another recipe" in found.rows[0].reason


def test_refused_rows_stand_among_the_others(toy_file, out):
    found = bench(["gawwn-keypoint-generator-shapes", toy_file], out, **QUICK)
    assert [(row.state, row.reason) for row in found.rows] == [
        ("refused", "it draws keypoints, not pictures"),
        ("done", ""),
    ]


def test_when_nothing_can_be_compared_all_reasons_are_said(out):
    with pytest.raises(
        GanzooError, match="nothing can be compared:\n  gawwn-keypoint-generator-shapes: it draws"
    ):
        bench(["gawwn-keypoint-generator-shapes"], out, **QUICK)
    assert not out.exists()


def test_run_folders_are_measured_as_they_are(toy, trained_run, out):
    run, options = trained_run, {**QUICK, "budget": "20m"}
    found = bench([run], out, **options)
    assert found.rows[0].trainings[0].steps == 4 and not (out / "runs").exists()
    assert bench([run], out, **options).rows == found.rows
    train(toy.set("training.gan.steps", 6), run_dir=run, device="cpu", resume=True)
    assert bench([run], out, **options).rows[0].trainings[0].steps == 6  # it went on meanwhile


@pytest.fixture
def trained_run(trained):
    return trained


def test_a_run_with_other_held_out_pictures_is_refused(toy_file, toy, out, tmp_path):
    run = train(toy.set("data.seed", 5).named("elsewhere"), run_dir=tmp_path / "elsewhere", device="cpu").path
    found = bench([toy_file, run], out, **QUICK)
    assert found.row("elsewhere").state == "refused"
    assert "make other held-out pictures" in found.row("elsewhere").reason


def test_published_scores_come_along(out, tmp_path, toy):
    path = tmp_path / "told.yaml"
    said = {"inception_score": {"value": 2.88, "error": 0.04, "source": "a paper"}, "fid": 9.5}
    path.write_text(toy.named("told").set("reported", said).to_yaml())
    found = bench([path], out, **QUICK)
    assert found.rows[0].reported == {"inception_score": "2.88 ± 0.04 (a paper)", "fid": 9.5}


def test_another_machine_is_told(toy_file, out, caplog, monkeypatch):
    bench([toy_file], out, **QUICK)
    monkeypatch.setattr(comparison.machine, "described", lambda _: {"device": "abacus"})
    with caplog.at_level(logging.WARNING, "ganzoo"):
        bench([toy_file], out, **QUICK)
    assert "this is abacus: times of the rows cannot be compared" in caplog.text


def test_the_package_is_a_function_and_still_a_package(toy_file, out):
    from ganzoo.bench.results import Results

    found = ganzoo.bench([toy_file], out, **QUICK)
    assert isinstance(found, Results) and ganzoo.bench.results.Results is Results
    assert "bench" in dir(ganzoo) and ganzoo.evaluate.__name__ == "evaluate"


@pytest.mark.parametrize("given", [{"seeds": []}, {"seeds": [1, 1]}, {"seeds": [-1]}, {"points": -1}])
def test_terms_that_make_no_sense(given):
    with pytest.raises(GanzooError, match="a comparison was given"):
        bench(["gan-int-cls-shapes"], "nowhere", **given)


def test_a_speed_report_comes_along(toy_file, out, tmp_path):
    report = tmp_path / "speed.json"
    report.write_text("{}")
    with pytest.raises(GanzooError, match="is no report of pytest-benchmark"):
        bench([toy_file], out, **QUICK, speed=report)
    stats = dict.fromkeys(NUMBERS, 1.0)
    timed = {"name": "toy", "fullname": "suite::toy", "group": "sampling", "stats": stats}
    report.write_text(json.dumps({"benchmarks": [timed], "machine_info": {}, "datetime": "now"}))
    found = bench([toy_file], out, **QUICK, speed=report)
    assert found.speed["benchmarks"] == [timed] == bench([toy_file], out, **QUICK).speed["benchmarks"]
