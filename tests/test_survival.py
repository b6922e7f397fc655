"""What a run survives: being killed at any moment, a full disk, losses that are not finite."""

import math
import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from ganzoo import checkpoint
from ganzoo.errors import GanzooError
from ganzoo.run import Run
from ganzoo.train import train

GENERATOR = "training.gan.updates.generator"
SETTINGS = {"device": "cpu", "log_every": 1, "sample_every": 0}


def same(one, other):
    a, b = checkpoint.load(one.newest), checkpoint.load(other.newest)
    assert (a.step, a.weights.keys()) == (b.step, b.weights.keys())
    return all(torch.equal(a.weights[name], b.weights[name]) for name in a.weights)


def test_killed_again_and_again():
    """`python tests/torture.py --kills 1000` does more of it; docs/reliability.md has the table."""
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("torture.py")), "--kills", "5", "--seed", "5"],
        capture_output=True,
        text=True,
    )
    assert ran.returncode == 0, ran.stderr
    said = dict(line.strip("| ").split(" | ") for line in ran.stdout.splitlines() if "--" not in line)
    assert int(said["runs"]) == int(said["of these the same to the last bit"]) >= 1
    assert sum(int(said[kind]) for kind in ("kill", "file", "write", "full", "signal")) == 5


# -- a full disk ---------------------------------------------------------------------------------------------


@contextmanager
def files_up_to(size):
    """No file of this process grows beyond `size` bytes: the system refuses the write, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def begun(toy, tmp_path):
    """A run that was saved at step 2, and the one it would be at step 4."""
    whole = train(toy, run_dir=tmp_path / "whole", **SETTINGS)
    run = train(to(toy, 2), run_dir=tmp_path / "run", **SETTINGS)
    return run, whole


def to(toy, step):
    return toy.set("training.gan.steps", step)


def logged(run):
    return [{k: v for k, v in line.items() if "per_second" not in k} for line in run.metrics]


def goes_on(toy, run, whole):
    train(to(toy, 4), run_dir=run.path, resume=True)
    assert same(run, whole) and logged(run) == logged(whole)
    assert not list(run.path.rglob(".*")), "nothing half-written is left"


def test_no_room_to_save(toy, begun):
    run, whole = begun
    with files_up_to(8000), pytest.raises(GanzooError) as error:
        train(to(toy, 4), run_dir=run.path, resume=True)
    assert str(error.value) == (
        f"cannot write the checkpoint {run.checkpoints / 'step-00000004'}: File too large; "
        f"the last save is {run.checkpoints / 'step-00000002'}"
    )
    assert [path.name for path in run.checkpoints.iterdir()] == ["step-00000002"]
    goes_on(toy, run, whole)


def test_no_room_to_draw(toy, begun):
    run, whole = begun
    with files_up_to(8000), pytest.raises(GanzooError) as error:
        train(to(toy, 4), run_dir=run.path, resume=True, sample_every=1)
    assert str(error.value) == (
        f"cannot write the picture {run.samples / 'step-00000003.png'}: File too large; "
        f"the last save is {run.checkpoints / 'step-00000002'}"
    )
    goes_on(toy, run, whole)


def test_no_room_to_log(toy, begun):
    run, whole = begun
    size = (run.path / "metrics.jsonl").stat().st_size
    with files_up_to(max(size + 20, 1200)), pytest.raises(GanzooError) as error:
        train(to(toy, 40), run_dir=run.path, resume=True)
    assert f"cannot write the run folder {run.path}: File too large; the last save is" in str(error.value)
    assert len(run.metrics) >= 2, "a line that was cut short is none"
    goes_on(toy, run, whole)


def test_no_room_at_the_start(toy, tmp_path):
    with (
        files_up_to(100),
        pytest.raises(GanzooError, match=r"cannot write the run folder .*: File too large"),
    ):
        train(toy, run_dir=tmp_path / "run", **SETTINGS)
    assert not (tmp_path / "run").exists()


# -- losses and weights --------------------------------------------------------------------------------------


def all_finite(run):
    return all(
        value.isfinite().all()
        for path in run.saved
        for name in ("model.safetensors", "ema.safetensors")
        for value in load_file(path / name).values()
    )


@pytest.mark.parametrize("every", [{"log_every": 10}, {"log_every": 0, "sample_every": 10}, {"log_every": 0}])
def test_the_true_first_bad_step_is_named(toy, tmp_path, every):
    recipe = to(toy, 12).set(f"{GENERATOR}.optimizer.lr", 1e30)
    with pytest.raises(GanzooError) as error:
        train(recipe, run_dir=tmp_path / "run", **{**SETTINGS, "save_every": 0, **every})
    said = str(error.value)
    assert said.startswith("loss ") and " at step 2 of phase gan; nothing was saved yet" in said
    assert not list((tmp_path / "run" / "samples").glob("*.png")), "nothing was drawn with such weights"


def test_no_save_holds_a_nan(toy, tmp_path):
    recipe = to(toy, 12).set(f"{GENERATOR}.optimizer.lr", 1e30)
    with pytest.raises(GanzooError, match=r"at step 2 of phase gan; the last save is .*step-00000001"):
        train(recipe, run_dir=tmp_path / "run", device="cpu", log_every=0, sample_every=0, save_every=1)
    run = Run(tmp_path / "run")
    assert [path.name for path in run.saved] == ["step-00000001"] and all_finite(run)


def test_weights_that_are_not_finite_while_losses_are(toy, tmp_path):
    """One step of infinite length: the losses before it are finite."""
    recipe = toy.set(f"{GENERATOR}.optimizer.lr", 1e39)
    with pytest.raises(GanzooError) as error:
        train(recipe, run_dir=tmp_path / "run", device="cpu", log_every=0, sample_every=0, save_every=1)
    said = str(error.value)
    assert said.startswith("weight ") and " is not finite after step 1 of phase gan; nothing was" in said
    assert Run(tmp_path / "run").saved == []


# -- draws of modules ----------------------------------------------------------------------------------------

DROPPING = """
    from ganzoo.hookspecs import hookimpl

    @hookimpl
    def ganzoo_losses():
        from MODULE_parts import Dropping
        return {"dropping": Dropping}
"""
PARTS = """
    from dataclasses import dataclass
    from torch.nn.functional import dropout, softplus
    from ganzoo.components import Loss

    @dataclass(frozen=True, kw_only=True)
    class Dropping(Loss):
        needs = frozenset({"fake"})
        updates = frozenset({"generator"})

        def __call__(self, step):
            return softplus(-dropout(step.logits("fake", 0).conditional)).mean()
"""


def test_dropout_resumes_to_the_bit(toy, tmp_path, plugin):
    plugin("troubled", DROPPING, PARTS)
    recipe = toy.set(f"{GENERATOR}.losses", [{"use": "troubled/dropping"}])
    whole = train(recipe, run_dir=tmp_path / "whole", **SETTINGS)
    other = train(recipe, run_dir=tmp_path / "other", **SETTINGS, seed=1)
    assert not same(whole, other)
    torch.rand(3)  # whatever was drawn in between
    run = train(to(recipe, 3), run_dir=tmp_path / "run", **SETTINGS)
    train(to(recipe, 4), run_dir=run.path, resume=True)
    assert same(whole, run)
    assert run.metrics[2]["generator/troubled/dropping"] == whole.metrics[2]["generator/troubled/dropping"]
    assert math.isfinite(run.metrics[2]["generator/troubled/dropping"])
