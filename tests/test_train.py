"""Whole trainings at toy size: what a run leaves behind, resuming to the bit, precision, phases, trackers."""

import logging
import math
import shutil

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

import ganzoo as package
from ganzoo import checkpoint
from ganzoo.errors import GanzooError
from ganzoo.recipe import Recipe
from ganzoo.run import Run
from ganzoo.train import train

GENERATOR = "training.gan.updates.generator"


def two_phases(toy):
    """Two levels, of which phase `low` trains the first and `high` the second, the first being frozen."""
    tree = toy.to_dict()
    second = {"stage": {"use": "gan_int_cls/generator", "channels": 4, "resolution": 32}}
    second["discriminator"] = dict(tree["stages"][0]["discriminator"])
    tree["stages"].append(second)
    updates = tree["training"]["gan"]["updates"]
    tree["training"] = {
        "low": {"steps": 3, "stages": [0], "ema": 0.9, "updates": updates},
        "high": {"steps": 4, "stages": [1], "ema": 0.9, "updates": updates},
    }
    return Recipe("toy-two", tree, {(): "toy"})


def same_state(one, other):
    """Whether two checkpoints are equal bit for bit."""
    a, b = checkpoint.load(one), checkpoint.load(other)
    assert (a.phase, a.step, a.total) == (b.phase, b.step, b.total)
    for mine, theirs in ((a.weights, b.weights), (a.averages, b.averages)):
        assert mine.keys() == theirs.keys()
        assert [name for name in mine if not torch.equal(mine[name], theirs[name])] == []
    torch.testing.assert_close(a.optimizers, b.optimizers, rtol=0, atol=0)


def losses(run):
    return [{k: v for k, v in line.items() if "per_second" not in k} for line in run.metrics]


# -- what a run leaves ---------------------------------------------------------------------------------------


def test_run_folder(toy, tmp_path):
    run = train(
        toy, run_dir=tmp_path / "run", device="cpu", seed=2, log_every=1, sample_every=2, save_every=2
    )
    assert run.recipe == toy
    assert [line["step"] for line in run.metrics] == [1, 2, 3, 4]
    assert set(run.metrics[0]) == {
        "phase", "step", "discriminator/core/nonsaturating", "generator/core/nonsaturating",
        "steps_per_second", "images_per_second",
    }  # fmt: skip
    for line in run.metrics:
        assert line["phase"] == "gan" and all(math.isfinite(v) for k, v in line.items() if k != "phase")
    assert [path.name for path in run.saved] == ["step-00000002", "step-00000004"]
    assert sorted(path.name for path in run.samples.iterdir()) == ["step-00000002.png", "step-00000004.png"]
    about = run.settings
    assert (about["seed"], about["on"], about["log_every"]) == (2, "cpu", 1)
    assert {"python", "torch", "ganzoo", "ganzoo-gan-int-cls"} == set(about["versions"])
    assert sorted(path.name for path in run.newest.iterdir()) == [
        "ema.safetensors", "model.safetensors", "optimizers.pt", "state.json",
    ]  # fmt: skip


def test_sample_grids_show_the_same_captions_beside_real_pictures(toy, tmp_path):
    run = train(toy, run_dir=tmp_path / "run", device="cpu", sample_every=2)
    grids = [Image.open(path) for path in sorted(run.samples.iterdir())]
    assert len(grids) == 2 and grids[0].size == grids[1].size
    real = [grid.crop((0, 0, 168 + 96, grid.height)).tobytes() for grid in grids]
    assert real[0] == real[1]
    assert grids[0].tobytes() != grids[1].tobytes()


def test_nothing_is_written_that_was_not_asked_for(toy, tmp_path):
    run = train(toy, run_dir=tmp_path / "run", device="cpu", log_every=0, sample_every=0, save_every=4)
    assert run.metrics == [] and list(run.samples.iterdir()) == [] and len(run.saved) == 1


def test_the_public_functions(toy, tmp_path):
    run = package.train(toy, run_dir=tmp_path / "run", device="cpu")
    pictures = package.load(run).generate(["a small red circle"], seed=0)
    assert pictures.shape == (1, 3, 16, 16) and bool((pictures.abs() <= 1).all())
    assert torch.equal(pictures, package.load(tmp_path / "run").generate(["a small red circle"], seed=0))


def test_seed_decides_everything(toy, tmp_path):
    runs = [
        train(toy, run_dir=tmp_path / name, device="cpu", seed=seed, log_every=1)
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    ]
    same_state(runs[0].newest, runs[1].newest)
    assert losses(runs[0]) == losses(runs[1]) != losses(runs[2])


def test_looking_changes_nothing(toy, tmp_path):
    """Logging, drawing and saving leave training as it is."""
    quiet = train(toy, run_dir=tmp_path / "a", device="cpu", log_every=0, sample_every=0)
    loud = train(toy, run_dir=tmp_path / "b", device="cpu", log_every=1, sample_every=1, save_every=1)
    same_state(quiet.newest, loud.newest)


# -- going on ------------------------------------------------------------------------------------------------


def interrupted(recipe, path, step, **settings):
    """A run whose newest checkpoint is that of `step`, as if it had been stopped a little later."""
    run = train(recipe, run_dir=path, device="cpu", log_every=1, save_every=1, keep=0, **settings)
    for saved in run.saved:
        if int(saved.name.removeprefix("step-")) > step:
            shutil.rmtree(saved)
    return run


@pytest.mark.parametrize("step", [1, 3])
def test_resume_is_exact(toy, tmp_path, step):
    whole = train(toy, run_dir=tmp_path / "whole", device="cpu", log_every=1, save_every=1, seed=5)
    run = interrupted(toy, tmp_path / "run", step, seed=5)
    with (run.path / "metrics.jsonl").open("a") as file:
        file.write('{"phase": "gan", "st')  # cut short
    train(str(run.path), resume=True)
    same_state(whole.newest, run.newest)
    assert losses(whole) == losses(run)


def test_resume_accumulating_with_lazy_updates(toy, tmp_path):
    recipe = (
        toy.set("training.gan.accumulate", 2)
        .set(f"{GENERATOR}.every", 2)
        .set(f"{GENERATOR}.optimizer.decay", {"factor": 0.5, "every": 1})
        .set("training.gan.steps", 18)  # more than two epochs of 16 batches
    )
    whole = train(recipe, run_dir=tmp_path / "whole", device="cpu")
    run = interrupted(recipe, tmp_path / "run", 9)
    train(recipe, run_dir=run.path, resume=True)
    same_state(whole.newest, run.newest)


@pytest.mark.parametrize("step", [2, 3, 5, 7])
def test_resume_in_either_phase(toy, tmp_path, step):
    recipe = two_phases(toy)
    whole = train(recipe, run_dir=tmp_path / "whole", device="cpu", log_every=1)
    run = interrupted(recipe, tmp_path / "run", step)
    train(recipe, run_dir=run.path, resume=True)
    same_state(whole.newest, run.newest)
    assert losses(whole) == losses(run)


def test_resume_keeps_the_settings_of_the_run(toy, trained):
    before = Run(trained).settings
    run = train(str(trained), resume=True, log_every=1)
    assert run.path == trained
    assert run.settings == before | {"log_every": 1}


def test_train_longer(toy, tmp_path):
    whole = train(toy.set("training.gan.steps", 6), run_dir=tmp_path / "whole", device="cpu")
    run = train(toy, run_dir=tmp_path / "run", device="cpu")
    train(toy.set("training.gan.steps", 6), run_dir=run.path, resume=True)
    same_state(whole.newest, run.newest)
    assert run.recipe.phases["gan"].steps == 6


def test_resume_of_a_finished_run(toy, trained):
    before = Run(trained).newest.stat().st_mtime_ns
    assert train(toy, run_dir=trained, resume=True).newest.stat().st_mtime_ns == before


# -- phases --------------------------------------------------------------------------------------------------


def test_two_phases(toy, tmp_path):
    run = train(two_phases(toy), run_dir=tmp_path / "run", device="cpu", log_every=1, save_every=1, keep=0)
    assert [(line["phase"], line["step"]) for line in run.metrics] == [
        ("low", 1), ("low", 2), ("low", 3), ("high", 4), ("high", 5), ("high", 6), ("high", 7),
    ]  # fmt: skip
    low, high = (checkpoint.load(run.checkpoints / f"step-{n:08d}") for n in (3, 7))
    left = {**low.weights, **low.averages}  # a finished phase leaves its averages
    assert any(not torch.equal(low.weights[name], average) for name, average in low.averages.items())
    moved = {name for name in left if not torch.equal(left[name], high.weights[name])}
    assert any(name.startswith("stages.1.") for name in moved)
    assert not any(name.startswith(("stages.0.", "discriminators.0.")) for name in moved)


def test_a_phase_may_have_a_batch_of_its_own(toy, tmp_path):
    """With 8 examples instead of 4 an epoch of 64 has 8 steps instead of 16."""
    recipe = two_phases(toy).set("training.low.epochs", 1).set("training.high.epochs", 1)
    run = train(recipe.set("training.high.batch", 8), run_dir=tmp_path, device="cpu", log_every=1)
    assert [line["phase"] for line in run.metrics] == ["low"] * 16 + ["high"] * 8


def test_epochs(toy, tmp_path):
    """64 pictures in batches of 4, two at a time."""
    recipe = toy.set("training.gan.epochs", 1).set("training.gan.accumulate", 2)
    assert train(recipe, run_dir=tmp_path / "run", device="cpu").newest.name == "step-00000008"


# -- how it is computed --------------------------------------------------------------------------------------


def test_precisions_agree(toy, tmp_path):
    """One step in each: fp64 as the reference. One process trains in one precision after the other."""
    recipe = toy.set("training.gan.steps", 1)
    runs = {
        precision: train(recipe, run_dir=tmp_path / precision, device="cpu", precision=precision, log_every=1)
        for precision in ("fp64", "fp32", "bf16")
    }
    name = "discriminator/core/nonsaturating"
    reference = runs["fp64"].metrics[0][name]
    assert runs["fp32"].metrics[0][name] == pytest.approx(reference, rel=1e-5)
    assert runs["bf16"].metrics[0][name] == pytest.approx(reference, rel=2e-2)
    assert runs["bf16"].metrics[0][name] != runs["fp32"].metrics[0][name]
    dtypes = {
        precision: {v.dtype for v in load_file(run.newest / "ema.safetensors").values()} - {torch.int64}
        for precision, run in runs.items()
    }
    assert dtypes == {"fp64": {torch.float64}, "fp32": {torch.float32}, "bf16": {torch.float32}}


def test_resume_in_double_precision(toy, tmp_path):
    whole = train(toy, run_dir=tmp_path / "whole", device="cpu", precision="fp64")
    run = interrupted(toy, tmp_path / "run", 2, precision="fp64")
    train(toy, run_dir=run.path, resume=True)
    same_state(whole.newest, run.newest)


def test_channels_last_is_only_a_memory_format(toy, tmp_path):
    usual = train(toy, run_dir=tmp_path / "a", device="cpu", log_every=1, precision="fp64")
    other = train(
        toy, run_dir=tmp_path / "b", device="cpu", log_every=1, precision="fp64", channels_last=True
    )
    for one, two in zip(losses(usual), losses(other), strict=True):
        assert one.pop("phase") == two.pop("phase") == "gan"
        assert one == pytest.approx(two, rel=1e-9)


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # from within torch's tracing
def test_penalties_beside_compiled_stages(toy, tmp_path):
    """Discriminators stay eager, so gradients of gradients are there. Stages keep the names of their weights.

    They are traced but not made into machine code, so any machine can run this.
    """
    recipe = toy.set("training.gan.steps", 2).set(
        "training.gan.updates.discriminator.losses",
        [{"use": "core/nonsaturating"}, {"use": "core/r1"}, {"use": "core/gradient_penalty"}],
    )
    usual = train(recipe, run_dir=tmp_path / "a", device="cpu", log_every=1, precision="fp64")
    with torch.compiler.set_stance("default", force_backend="aot_eager"):
        other = train(
            recipe, run_dir=tmp_path / "b", device="cpu", log_every=1, precision="fp64", compile=True
        )
    names = [set(load_file(run.newest / "model.safetensors")) for run in (usual, other)]
    assert names[0] == names[1]
    for one, two in zip(losses(usual), losses(other), strict=True):
        assert one.pop("phase") == two.pop("phase") == "gan"
        assert one == pytest.approx(two, rel=1e-9)


def test_what_is_compiled_cannot_be_penalised():
    """Why discriminators stay eager. When this fails torch has learnt it, and they may be compiled too."""
    judge = torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.Softplus(), torch.nn.Linear(4, 1))
    images = torch.randn(2, 4, requires_grad=True)
    logits = torch.compile(judge, backend="aot_eager")(images)
    (gradient,) = torch.autograd.grad(logits.sum(), images, create_graph=True)
    with pytest.raises(RuntimeError, match="does not currently support double backward"):
        gradient.square().sum().backward()


def test_tensorboard(toy, tmp_path):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = train(toy, run_dir=tmp_path / "run", device="cpu", log_every=2, trackers=["tensorboard"])
    (events,) = run.path.rglob("events.out.tfevents.*")
    logged = EventAccumulator(str(events.parent)).Reload().Scalars("generator/core/nonsaturating")
    assert [(event.step, event.value) for event in logged] == [
        (line["step"], pytest.approx(line["generator/core/nonsaturating"])) for line in run.metrics
    ]


# -- when it goes wrong --------------------------------------------------------------------------------------


def test_a_loss_that_is_not_finite_stops(toy, tmp_path):
    recipe = toy.set(f"{GENERATOR}.optimizer.lr", 1e30)
    with pytest.raises(GanzooError) as error:
        train(recipe, run_dir=tmp_path / "run", device="cpu", log_every=1)
    said = str(error.value)
    assert (
        said.startswith("loss ") and "/core/nonsaturating is " in said and " at step 2 of phase gan" in said
    )
    assert "nothing was saved yet" in said and "Try a smaller learning rate" in said
    assert [line["step"] for line in Run(tmp_path / "run").metrics] == [1]


def test_the_message_names_what_is_kept(toy, tmp_path):
    recipe = toy.set(f"{GENERATOR}.optimizer.lr", 1e30)
    with pytest.raises(GanzooError) as error:
        train(recipe, run_dir=tmp_path / "run", device="cpu", log_every=2, save_every=1)
    assert f"the last save is {tmp_path / 'run' / 'checkpoints' / 'step-00000001'}" in str(error.value)


def test_a_phase_without_a_step(toy, tmp_path):
    recipe = toy.set("training.gan.epochs", 1).set("training.gan.accumulate", 17)  # there are 16 batches
    with pytest.raises(GanzooError, match="phase gan has no step to take; give it more epochs, or lower"):
        train(recipe, run_dir=tmp_path / "run", device="cpu")
    assert not (tmp_path / "run").exists()


def test_steps_in_which_no_update_is_due(toy, tmp_path):
    recipe = toy.set(f"{GENERATOR}.every", 4).set("training.gan.updates.discriminator.every", 2)
    run = train(recipe, run_dir=tmp_path / "run", device="cpu", log_every=1)
    assert [sorted(key[0] for key in line if "/" in key) for line in run.metrics] == [
        [],
        ["d"],
        [],
        ["d", "g"],
    ]


def test_what_the_log_says(toy, tmp_path, caplog):
    with caplog.at_level(logging.INFO, "ganzoo"):
        train(toy, run_dir=tmp_path / "run", device="cpu", log_every=2)
    assert caplog.messages[0] == f"toy on cpu, into {tmp_path / 'run'}"
    assert [message.split("  ")[0] for message in caplog.messages[1:]] == ["gan 2/4", "gan 4/4"]
