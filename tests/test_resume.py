"""Going on with a run: what may differ, what is refused, which checkpoint it goes on from."""

import copy
import json
import logging

import pytest
import torch

from ganzoo import checkpoint
from ganzoo.errors import GanzooError
from ganzoo.recipe import Recipe
from ganzoo.resume import last_sound, refusals, settings_to_go_on
from ganzoo.run import Run
from ganzoo.train import train

MEASURE = [{"use": "core/shapes_agreement", "samples": 8}]


# -- the recipe ----------------------------------------------------------------------------------------------


def test_another_recipe_is_refused(toy):
    other = (
        toy.set("noise", 9)
        .set("training.gan.updates.generator.optimizer.lr", 0.5)
        .set("stages.0.stage.channels", 8)
        .set("training.gan.steps", 100)
    )
    assert refusals(toy, toy.named("renamed")) == []
    assert refusals(toy, other) == [
        "noise: 6 in the run, now 9",
        "stages.0.stage.channels: 4 in the run, now 8",
        "training.gan.updates.generator.optimizer.lr: 0.001 in the run, now 0.5",
    ]


@pytest.mark.parametrize(
    "path, value",
    [("training.gan.steps", 9), ("training.gan.epochs", 3), ("training.gan.measure", MEASURE)],
)
def test_what_is_harmless_may_change_where_somebody_says_so(toy, path, value):
    changed = toy.set(path, value)
    assert refusals(toy, changed) == []
    assert refusals(changed, toy.set(path, value).set("training.gan.steps", 4)) == []
    unsaid = Recipe("toy", changed.to_dict(), {(): "toy.yaml:1"})
    refused = refusals(toy, unsaid)
    assert refused and all("(this may change where `--set` says so)" in line for line in refused)


def test_a_metric_may_go(toy):
    measured = Recipe("toy", toy.set("training.gan.measure", MEASURE).to_dict(), {(): "toy.yaml:1"})
    assert refusals(measured, measured.set_text("training.gan.measure=null")) == []
    assert len(refusals(measured, toy)) == 2


# -- the settings --------------------------------------------------------------------------------------------


@pytest.fixture
def run(toy, tmp_path):
    run = Run(tmp_path / "run")
    with run.begun(toy, {"seed": 3, "precision": "bf16", "on": "cpu", "data": "/there"}):
        pass
    return run


def test_settings_of_the_run_where_none_are_given(toy, run, caplog):
    caplog.set_level(logging.INFO, "ganzoo")
    settings = settings_to_go_on(run, toy, {"data": None, "log_every": 7, "seed": 3})
    assert (settings.seed, settings.precision, settings.data) == (3, "bf16", "/there")
    assert settings.log_every == 7 and not caplog.messages


def test_another_precision_is_said(toy, run, caplog):
    caplog.set_level(logging.INFO, "ganzoo")
    assert settings_to_go_on(run, toy, {"precision": "fp32"}).precision == "fp32"
    assert caplog.messages == ["going on with precision fp32 instead of bf16: not to the same last bit"]


def test_another_seed_is_refused(toy, run):
    with pytest.raises(GanzooError, match="was started with seed 3; with seed 4 it would not go on"):
        settings_to_go_on(run, toy, {"seed": 4})


def test_other_versions_are_said(toy, trained, caplog):
    about = json.loads((trained / "run.json").read_text())
    about["versions"]["ganzoo-gan-int-cls"] = "0.0.1"
    (trained / "run.json").write_text(json.dumps(about))
    caplog.set_level(logging.INFO, "ganzoo")
    train(toy, run_dir=trained, resume=True)
    said = [message for message in caplog.messages if message.startswith("trained with")]
    assert said == ["trained with ganzoo-gan-int-cls 0.0.1; here is 0.1.0"]


# -- lengths -------------------------------------------------------------------------------------------------


def test_a_phase_cannot_end_before_where_it_stands(toy, trained):
    said = "at step 4 of phase gan, which should now end at step 3; give it 4 or more"
    with pytest.raises(GanzooError, match=said):
        train(toy.set("training.gan.steps", 3), run_dir=trained, resume=True)
    assert Run(trained).recipe == toy


def test_a_finished_phase_cannot_change(toy, tmp_path):
    tree = toy.to_dict()
    tree["training"] = {"first": tree["training"]["gan"], "second": copy.deepcopy(tree["training"]["gan"])}
    recipe = Recipe("toy", tree, {(): "toy"})
    run = train(recipe, run_dir=tmp_path / "run", device="cpu")
    with pytest.raises(GanzooError, match="the phases before second took 4 steps; by the recipe and"):
        train(recipe.set("training.first.steps", 6), run_dir=run.path, resume=True)


# -- the checkpoint ------------------------------------------------------------------------------------------


@pytest.fixture
def three(toy, tmp_path):
    """A run with three checkpoints, of steps 2, 4 and 6."""
    return train(
        toy.set("training.gan.steps", 6), run_dir=tmp_path / "run", device="cpu", save_every=2, keep=0,
        log_every=1,
    )  # fmt: skip


def cut(path):
    path.write_bytes(path.read_bytes()[:-7])


@pytest.mark.parametrize("name", ["model.safetensors", "ema.safetensors", "optimizers.pt", "state.json"])
def test_a_damaged_checkpoint_is_skipped_and_said(three, caplog, name):
    before = checkpoint.load(three.newest)
    cut(three.newest / name)
    train(str(three.path), resume=True)
    after = checkpoint.load(three.newest)
    assert [path.name for path in three.saved] == ["step-00000002", "step-00000004", "step-00000006"]
    assert all(torch.equal(after.weights[name], before.weights[name]) for name in before.weights)
    assert [line["step"] for line in three.metrics] == [1, 2, 3, 4, 5, 6]
    skipped, renamed = caplog.messages[:2]
    assert f"{three.newest} cannot be read: " in skipped and skipped.endswith("; going on from step-00000004")
    assert renamed == f"{three.newest} is now called damaged-step-00000006"
    assert (three.checkpoints / "damaged-step-00000006" / name).exists()


def test_several_damaged_checkpoints(three, caplog):
    for path in three.saved[1:]:
        (path / "state.json").unlink()
    assert last_sound(three).step == 2
    assert len(caplog.messages) == 2
    (three.saved[0] / "state.json").unlink()
    with pytest.raises(GanzooError) as error:
        last_sound(three)
    said = str(error.value)
    assert "has no checkpoint to go on from:" in said and said.count("the checkpoint ") == 3


def test_a_file_that_may_not_be_read_is_not_damage(three):
    weights = three.newest / "model.safetensors"
    weights.unlink()
    weights.symlink_to(weights)  # the system refuses to follow it round and round
    with pytest.raises(GanzooError, match="Too many levels of symbolic links"):
        last_sound(three)


def test_no_checkpoint_at_all(toy, run):
    with pytest.raises(GanzooError, match="has no checkpoint to go on from; delete it to begin again"):
        train(toy, run_dir=run.path, resume=True)


def test_what_was_left_is_swept(three):
    for name in (".partial-step-00000008", ".gone-step-00000001"):
        (three.checkpoints / name).mkdir()
        (three.checkpoints / name / "model.safetensors").write_text("")
    train(str(three.path), resume=True)
    assert sorted(path.name for path in three.checkpoints.iterdir()) == [path.name for path in three.saved]
