"""Run folders from strangers: one message, nothing run, nothing written or deleted elsewhere."""

import json
import os
import pickle
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from ganzoo.errors import GanzooError
from ganzoo.run import Run


def newest(run):
    return Run(run).newest


def settings(run, **changed):
    path = run / "run.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def state(run, **changed):
    """Another state.json. The digests of the files stay as they are."""
    path = newest(run) / "state.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changed))


def unchecked(run):
    """As a stranger would: without digests, or with those of his own files."""
    state(run, files=None)


def write(path, text):
    path.write_text(text)


class Runs:
    def __init__(self, canary):
        self.canary = canary

    def __reduce__(self):
        return os.system, (f"touch {self.canary}",)


def evil_optimizers(run):
    unchecked(run)
    torch.save({"generator": Runs(run.parent / "canary")}, newest(run) / "optimizers.pt")


def evil_weights(run):
    unchecked(run)
    (newest(run) / "model.safetensors").write_bytes(pickle.dumps(Runs(run.parent / "canary")))


def swap(path, target):
    shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
    path.symlink_to(target)


def pipe(path):
    path.unlink()
    os.mkfifo(path)


def recipe(run, old, new):
    path = run / "recipe.yaml"
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def optimizers(run, change):
    unchecked(run)
    path = newest(run) / "optimizers.pt"
    saved = torch.load(path, weights_only=True)
    change(saved)
    torch.save(saved, path)


NO_STEPS = "state.json has no phase and numbers of steps"

# What a stranger did to a run folder, and what `ganzoo sample` and `ganzoo train --resume` say of it.
BOTH = {
    "the weights are a pickle that runs": (evil_weights, "model.safetensors is no sound safetensors file"),
    "the weights are a pipe": (lambda r: pipe(newest(r) / "model.safetensors"), "it is a named pipe"),
    "the weights are a device": (lambda r: swap(newest(r) / "model.safetensors", "/dev/zero"), "a link out"),
    "the recipe is a pipe": (lambda r: pipe(r / "recipe.yaml"), "recipe.yaml"),
    "the recipe is a device": (lambda r: swap(r / "recipe.yaml", "/dev/zero"), "recipe.yaml"),
    "the recipe is another file": (lambda r: swap(r / "recipe.yaml", "/etc/passwd"), "recipe.yaml"),
    "the recipe is deep": (lambda r: write(r / "recipe.yaml", "[" * 10**5), "nest"),
    "the recipe is large": (lambda r: write(r / "recipe.yaml", "#" * 10**6 + "##"), "is larger than"),
    "the recipe runs Python": (
        lambda r: recipe(r, "noise: 6", "noise: !!python/object/apply:os.system [touch canary]"),
        "the tag tag:",
    ),
    "the recipe leads elsewhere": (
        lambda r: recipe(r, "  toy:", "  ../../toy:"),
        "the recipe name '../../toy'",
    ),
    "noise is no number": (lambda r: recipe(r, "noise: 6", "noise: .nan"), "should be finite, not nan"),
    "noise is infinite": (lambda r: recipe(r, "noise: 6", "noise: 1e999"), "should be finite, not inf"),
    "noise is a long number": (lambda r: recipe(r, "noise: 6", f"noise: {'9' * 99}"), "at most 64 bits"),
    "noise fills the memory": (lambda r: recipe(r, "noise: 6", f"noise: {2**45}"), "ran out of memory"),
    "noise overflows": (lambda r: recipe(r, "noise: 6", f"noise: {2**62}"), "ran out of memory"),
    "the step is text": (lambda r: state(r, step="4"), NO_STEPS),
    "the step is infinite": (lambda r: state(r, step=1e999), NO_STEPS),
    "the step is a list": (lambda r: state(r, step=[]), NO_STEPS),
    "the step is below zero": (lambda r: state(r, step=-1), "state.json says step -1 of 4"),
    "the step is beyond the end": (lambda r: state(r, step=10**20), "says step 100000000000000000000 of 4"),
    "the total is another": (lambda r: state(r, total=5), "state.json belongs to step 5"),
    "the phase is a list": (lambda r: state(r, phase=["gan"]), NO_STEPS),
    "the files are a list": (lambda r: state(r, files=["model.safetensors"]), "cannot be read"),
    "the state is deep": (lambda r: write(newest(r) / "state.json", "[" * 10**5), "state.json is no valid"),
    "the checkpoints are elsewhere": (lambda r: swap(r / "checkpoints", r.parent), "a link out"),
    "a checkpoint is elsewhere": (
        lambda r: (r / "checkpoints" / "step-00000009").symlink_to("/etc"),
        "a link out",
    ),
    "the log is elsewhere": (lambda r: swap(r / "metrics.jsonl", "../victim"), "a link out"),
    "the samples are elsewhere": (lambda r: swap(r / "samples", ".."), "a link out"),
    "a part of a file is elsewhere": (lambda r: swap(r / ".run.json.partial", "../victim"), "a link out"),
}


@pytest.mark.parametrize("spoil, said", BOTH.values(), ids=list(BOTH))
def test_hostile_runs(ganzoo, trained, tmp_path, spoil, said):
    (tmp_path / "victim").write_text("mine")
    spoil(trained)
    with pytest.raises(GanzooError) as error:
        Run.open(trained).load()
    assert said in str(error.value)
    ganzoo("train", "--resume", trained, "--run", trained, "--device", "cpu").fails(said)
    assert (tmp_path / "victim").read_text() == "mine"
    assert not (tmp_path / "canary").exists() and not Path("canary").exists()


def drop(saved, *keys):
    for key in keys[:-1]:
        saved = saved[key]
    del saved[keys[-1]]


# What only going on finds.
RESUME = {
    "the optimizers are a pickle that runs": (evil_optimizers, "it holds the global `posix.system`"),
    "the settings are deep": (lambda r: write(r / "run.json", '{"a":' * 10**5), "run.json is no valid"),
    "the settings are large": (lambda r: settings(r, seed="x" * 10**6), "run.json is larger than"),
    "the seed is a long number": (lambda r: settings(r, seed=10**30), "setting `seed` should"),
    "the seed is infinite": (lambda r: settings(r, seed=1e999), "setting `seed` should"),
    "the device runs": (lambda r: settings(r, device="cpu; touch canary"), "no device `cpu; touch canary`"),
    "the device writes": (lambda r: settings(r, device="\x1b[2J"), "no device `\\x1b[2J`"),
    "a tracker is a module": (lambda r: settings(r, trackers=["os.system"]), "no tracker `os.system`"),
    "optimizers are a list": (
        lambda r: optimizers(r, lambda s: s.update(generator=[])),
        "there is no optimizer",
    ),
    "a moment is missing": (
        lambda r: optimizers(r, lambda s: drop(s, "generator", "state", 0, "exp_avg")),
        "weight 0 has not just",
    ),
    "a moment is text": (
        lambda r: optimizers(r, lambda s: s["generator"]["state"][0].update(exp_avg="x")),
        "`exp_avg` of weight",
    ),
    "a moment is of another shape": (
        lambda r: optimizers(r, lambda s: s["generator"]["state"][0].update(exp_avg=torch.ones(1))),
        "is no tensor",
    ),
    "the log is a pipe": (lambda r: pipe(r / "metrics.jsonl"), "it is a named pipe"),
    "the log is no text": (lambda r: (r / "metrics.jsonl").write_bytes(b"\xff\xfe{}"), "is not UTF-8 text"),
}


@pytest.mark.parametrize("spoil, said", RESUME.values(), ids=list(RESUME))
def test_hostile_runs_that_go_on(ganzoo, trained, tmp_path, spoil, said):
    spoil(trained)
    ran = ganzoo("train", "--resume", trained, "--run", trained, "--set", "training.gan.steps=6")
    ran.fails(said)
    assert "\x1b" not in ran.err
    assert not (tmp_path / "canary").exists() and not Path("canary").exists()
    assert newest(trained).name == "step-00000004"


def measured(values, decides="x"):
    return {"decides": decides, "lower_is_better": 0, "values": values}


NO_MEASURES = [
    1,
    {},
    {"decides": "x"},
    measured({}),
    measured({"x": "high"}),
    measured(3),
    measured({}, decides=[]),
]


@pytest.mark.parametrize("measured", NO_MEASURES, ids=str)
def test_measures_that_are_none(trained, measured):
    state(trained, measured=measured)
    with pytest.raises(GanzooError, match="has no best checkpoint: none was measured"):
        _ = Run(trained).best


def test_lines_of_the_log(trained):
    for line in ("[1]", "3", "[" * 10**5, '{"step": NaN'):
        (trained / "metrics.jsonl").write_text(line + "\n")
        with pytest.raises(GanzooError, match=r"metrics\.jsonl:1 is no"):
            _ = Run(trained).metrics


def test_what_the_command_says(ganzoo, trained, tmp_path):
    evil_weights(trained)
    ran = ganzoo("sample", trained, "a caption", "--device", "cpu", "--out", tmp_path / "g.png")
    ran.fails(
        f"the checkpoint {newest(trained)} cannot be read: model.safetensors is no sound safetensors file"
    )
    assert not (tmp_path / "canary").exists() and not (tmp_path / "g.png").exists()


def test_other_versions_are_printable(ganzoo, trained, tmp_path):
    settings(trained, versions={"torch": "\x1b[31m0.1\x07", "ganzoo": ["x"] * 10})
    ran = ganzoo("sample", trained, "a caption", "--device", "cpu", "--out", tmp_path / "g.png")
    assert ran.code == 0 and "trained with torch \\x1b[31m0.1\\x07" in ran.err and "\x1b[31m" not in ran.err


def test_captions_with_control_characters_are_drawn(ganzoo, trained, tmp_path):
    words = ("sample", trained, "a \x1b[31mred\x07 circle\n\n\ttwo", "--device", "cpu", "--out")
    assert ganzoo(*words, tmp_path / "g.png").code == 0
    ran = ganzoo(*words, tmp_path / "many", "--separate", "--seeds", "0")
    assert ran.code == 0 and [path.name for path in (tmp_path / "many").iterdir()] == [
        "0001-a-31mred-circle-two-seed-0.png"
    ]


def test_weights_in_another_precision_are_read(trained):
    """A stranger's weights of float16 fit, and are what the model computes with."""
    path = newest(trained) / "model.safetensors"
    unchecked(trained)
    save_file({name: v.half() if v.is_floating_point() else v for name, v in load_file(path).items()}, path)
    Run.open(trained).load()
