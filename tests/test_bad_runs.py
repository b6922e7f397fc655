"""Run folders that are damaged, of another recipe, or from other versions."""

import json

import pytest
import torch
from safetensors.torch import load_file, save_file

from ganzoo import checkpoint
from ganzoo.errors import GanzooError
from ganzoo.run import Run

WEIGHTS, AVERAGES, STATE, OPTIMIZERS = "model.safetensors", "ema.safetensors", "state.json", "optimizers.pt"


def rewrite(path, change):
    state = load_file(path)
    change(state)
    save_file(state, path)


def drop_one(state):
    del state[min(state)]


def misshape_one(state):
    state[min(state)] = torch.zeros(1, 2, 3)


def unsealed(do):
    """`do` something to the newest checkpoint that its digests do not tell, as one written by hand."""

    def change(run):
        state = Run(run).newest / STATE
        said = json.loads(state.read_text())
        del said["files"]
        state.write_text(json.dumps(said))
        do(run)

    return change


def another_recipe(run):
    path = run / "recipe.yaml"
    path.write_text(path.read_text().replace("noise: 6", "noise: 5"))


def in_newest(name, do):
    return lambda run: do(Run(run).newest / name)


# What happens to a run folder, and what the message says.
DAMAGE = {
    "recipe is no YAML": (lambda r: (r / "recipe.yaml").write_text("recipes: {"), "recipe.yaml:1: not valid"),
    "recipe is another": (another_recipe, "has shape"),
    "weights are missing": (in_newest(WEIGHTS, lambda f: f.unlink()), "cannot be read"),
    "weights are cut short": (in_newest(WEIGHTS, lambda f: f.write_bytes(b"123")), "cannot be read"),
    "weights are others": (in_newest(WEIGHTS, lambda f: rewrite(f, drop_one)), "is not as it was saved"),
    "averages are missing": (in_newest(AVERAGES, lambda f: f.unlink()), "No such file"),
    "a weight is missing": (
        unsealed(in_newest(WEIGHTS, lambda f: rewrite(f, drop_one))), "do not fit this recipe",
    ),
    "a weight is misshapen": (
        unsealed(in_newest(WEIGHTS, lambda f: rewrite(f, misshape_one))), "has shape (1, 2, 3)",
    ),
    "an average is missing": (
        unsealed(in_newest(AVERAGES, lambda f: rewrite(f, drop_one))), "do not fit this recipe",
    ),
    "state is no JSON": (in_newest(STATE, lambda f: f.write_text("{")), "cannot be read"),
    "state is a list": (in_newest(STATE, lambda f: f.write_text("[]")), "cannot be read"),
    "state is of another step": (
        in_newest(STATE, lambda f: f.write_text('{"phase": "gan", "step": 2, "total": 2}')),
        "state.json belongs to step 2",
    ),
}  # fmt: skip


@pytest.mark.parametrize("spoil, said", DAMAGE.values(), ids=list(DAMAGE))
def test_damaged_run(ganzoo, trained, tmp_path, spoil, said):
    spoil(trained)
    ganzoo("sample", trained, "a caption", "--device", "cpu", "--out", tmp_path / "g.png").fails(said)
    ganzoo("train", trained, "--resume").fails(said)
    with pytest.raises(GanzooError):
        Run.open(trained).load()


RESUME_DAMAGE = {
    "settings are missing": (lambda r: (r / "run.json").unlink(), "run.json cannot be read"),
    "settings are no JSON": (lambda r: (r / "run.json").write_text("{"), "run.json is no valid JSON"),
    "settings are a list": (lambda r: (r / "run.json").write_text("[]"), "run.json is not a JSON object"),
    "a setting is wrong": (lambda r: (r / "run.json").write_text('{"seed": "x"}'), "setting `seed` should"),
    "optimizers are missing": (in_newest(OPTIMIZERS, lambda f: f.unlink()), "cannot be read"),
    "optimizers are no state": (in_newest(OPTIMIZERS, lambda f: f.write_bytes(b"123")), "cannot be read"),
    "optimizers are others": (
        unsealed(in_newest(OPTIMIZERS, lambda f: torch.save({"generator": {}}, f))), "do not fit this recipe",
    ),
    "another phase": (
        in_newest(STATE, lambda f: f.write_text('{"phase": "warm", "step": 4, "total": 4}')),
        "belongs to phase warm; the recipe has gan",
    ),
}  # fmt: skip


@pytest.mark.parametrize("spoil, said", RESUME_DAMAGE.values(), ids=list(RESUME_DAMAGE))
def test_damage_that_resuming_finds(ganzoo, trained, spoil, said):
    spoil(trained)
    ganzoo("train", trained, "--resume", "--set", "training.gan.steps=6").fails(said)
    assert Run(trained).newest.name == "step-00000004"


def test_optimizers_never_run_code(trained):
    """A pickle that would call something is refused."""
    (Run(trained).newest / "optimizers.pt").write_bytes(b"cos\nsystem\n(S'true'\ntR.")
    with pytest.raises(GanzooError, match="cannot be read"):
        checkpoint.load(Run(trained).newest)


def test_resume_with_another_recipe(ganzoo, toy_file, trained):
    ran = ganzoo(
        "train", toy_file, "--run", trained, "--resume", "--set", "noise=7", "--set", "training.gan.ema=null",
        "--set", "training.gan.steps=6",
    )  # fmt: skip
    ran.fails("cannot go on with another recipe; it differs in", "noise: 6 in the run, now 7")
    assert "training.gan.ema: 0.9 in the run, now not set" in ran.err and "steps" not in ran.err
    toy_file.write_text(toy_file.read_text().replace("steps: 4", "steps: 6"))
    ran = ganzoo("train", toy_file, "--run", trained, "--resume")
    ran.fails("training.gan.steps: 4 in the run, now 6 (this may change where `--set` says so)")


def test_damaged_metrics(trained):
    with (trained / "metrics.jsonl").open("a") as file:
        file.write("{\n")
    with pytest.raises(GanzooError, match=r"metrics\.jsonl:[0-9]+ is no valid JSON"):
        _ = Run(trained).metrics


def test_other_versions_are_said(ganzoo, trained, tmp_path):
    about = json.loads((trained / "run.json").read_text())
    about["versions"]["torch"] = "0.4.1"
    (trained / "run.json").write_text(json.dumps(about))
    ran = ganzoo("sample", trained, "a caption", "--device", "cpu", "--out", tmp_path / "g.png")
    assert ran.code == 0
    assert f"trained with torch 0.4.1; here is {torch.__version__.split('+')[0]}" in ran.err
