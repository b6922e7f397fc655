"""Run folders: what they hold, where they go, when they are taken away again."""

import json

import pytest

from ganzoo.errors import GanzooError
from ganzoo.recipe import Recipe
from ganzoo.run import Run, run_folder, versions

ABOUT = {"seed": 3, "on": "cpu"}


def test_a_new_run(toy, tmp_path):
    run = Run(tmp_path / "deep" / "run")
    with run.begun(toy, ABOUT):
        assert Run.open(run.path).recipe == toy
        assert run.settings == {"seed": 3, "on": "cpu", "versions": versions(toy)}
        assert run.metrics == [] and run.saved == []
        run.log({"step": 1, "a": 0.5})
        run.log({"step": 2, "a": 0.25})
    assert run.metrics == [{"step": 1, "a": 0.5}, {"step": 2, "a": 0.25}]
    assert not [path for path in run.path.iterdir() if path.name.endswith(".partial")]


def test_taken_away_when_nothing_came_of_it(toy, tmp_path):
    run = Run(tmp_path / "run")
    with pytest.raises(ZeroDivisionError), run.begun(toy, ABOUT):
        raise ZeroDivisionError
    assert not run.path.exists()


@pytest.mark.parametrize("made", ["metrics.jsonl", "samples/step-00000001.png", "checkpoints/step-00000001"])
def test_kept_when_something_came_of_it(toy, tmp_path, made):
    run = Run(tmp_path / "run")
    with pytest.raises(ZeroDivisionError), run.begun(toy, ABOUT):
        (run.path / made).mkdir()
        raise ZeroDivisionError
    assert (run.path / "recipe.yaml").exists() and (run.path / made).exists()


def test_a_run_is_never_written_over(toy, tmp_path):
    run = Run(tmp_path / "run")
    with run.begun(toy, ABOUT):
        pass
    before = (run.path / "recipe.yaml").read_bytes()
    with pytest.raises(GanzooError, match="holds a run already"), run.begun(toy.set("noise", 3), ABOUT):
        pass
    assert (run.path / "recipe.yaml").read_bytes() == before


def test_going_on_forgets_what_came_after(toy, tmp_path):
    run = Run(tmp_path / "run")
    with run.begun(toy, ABOUT):
        for step in (1, 2, 3):
            run.log({"step": step})
        with (run.path / "metrics.jsonl").open("a") as file:
            file.write('{"step": 4, "los')
    run.go_on(toy, {**ABOUT, "seed": 4}, 2)
    run.log({"step": 3, "again": True})
    assert run.metrics == [{"step": 1}, {"step": 2}, {"step": 3, "again": True}]
    assert run.settings["seed"] == 4


def test_where_a_run_goes(toy, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Run(tmp_path / "runs" / "other").begun(toy, ABOUT):
        pass
    assert str(run_folder(toy, toy, None)) == "runs/toy"
    assert str(run_folder("toy", toy, None)) == "runs/toy"
    assert str(run_folder("runs/other", toy, None)) == "runs/other"
    assert str(run_folder("runs/other", toy, "elsewhere")) == "elsewhere"
    assert not str(run_folder(toy, toy, "~/runs")).startswith("~")


def test_no_run(tmp_path):
    with pytest.raises(
        GanzooError, match=r"is no run folder: it has no recipe\.yaml; `ganzoo train NAME --run"
    ):
        Run.open(tmp_path)


def test_versions(toy):
    recipe = Recipe("x", {**toy.to_dict(), "distributions": ["ganzoo-nowhere"]}, {(): "here"})
    assert versions(recipe)["ganzoo-nowhere"] == "not installed"
    assert json.dumps(versions(toy))
