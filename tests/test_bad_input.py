"""Mistakes people make: one message and exit code 1 from the command line, a GanzooError from Python."""

import shutil
from importlib.metadata import entry_points

import numpy as np
import pytest
from accelerate.tracking import get_available_trackers
from accelerate.utils import LoggerType
from PIL import Image

from ganzoo.catalogue import recipe as find_recipe
from ganzoo.errors import GanzooError
from ganzoo.run import Run
from ganzoo.train import train

TRAIN = ("train", "TOY", "--run", "RUN", "--device", "cpu")


# Words of a command ("TOY": the toy's recipe file, "RUN": a run folder) and what the message says.
COMMANDS = {
    "unknown model": (("train", "gan-int-cls-shape"), "no recipe 'gan-int-cls-shape'; did you mean `gan-"),
    "unknown model to show": (("show", "attngun"), "no recipe 'attngun'"),
    "unknown recipe file": (("check", "nowhere.yaml"), "there is no file nowhere.yaml"),
    "unknown kind": (("list", "loses"), "nothing is called `loses`; did you mean `losses`?"),
    "unheard-of kind": (("list", "nope"), "called `nope`; `ganzoo list` takes models, text_enc"),
    "unknown family": (("convert", "stackgan", "--weights", "generator=a"), "mean `stackgan-v1`? there are"),
    "no folder, no name": (("show", "runs/nowhere"), "there is no run folder runs/nowhere; a rec"),
    "unknown to install": (("install", "gan-int-cls-brids"), "did you mean `gan-int-cls-birds`?"),
    "unknown component": ((*TRAIN, "--set", "text=core/ngram"), "did you mean `ngrams`?"),
    "unknown option": ((*TRAIN, "--set", "stages.0.stage.chanels=8"), "did you mean `channels`?"),
    "unknown place": ((*TRAIN, "--set", "nois=8"), "did you mean `noise`?"),
    "wrong type": ((*TRAIN, "--set", "data.batch=many"), "option `batch` should be a valid integer"),
    "wrong size": ((*TRAIN, "--set", "data.batch=0"), "option `batch` should be greater than 0; got 0"),
    "too large a batch": ((*TRAIN, "--set", "data.batch=65"), "64 pictures do not fill one batch of 65"),
    "missing plugin": ((*TRAIN, "--set", "text=minilm/text"), "try: ganzoo install ganzoo-minilm"),
    "unheard-of plugin": ((*TRAIN, "--set", "text=dfgan/text"), "knows no distribution for it"),
    "set without =": ((*TRAIN, "--set", "noise"), "--set noise: expected path=value"),
    "set without a value": ((*TRAIN, "--set", "data={use:"), "--set data={use:"),
    "unknown device": ((*TRAIN[:-1], "cdua"), "expected auto, cpu or cuda; did you mean `cuda`?"),
    "numbered device": ((*TRAIN[:-1], "cuda:1"), "CUDA_VISIBLE_DEVICES=1 chooses that GPU"),
    "no GPU": ((*TRAIN[:-1], "cuda"), "torch sees none here; use `--device cpu`"),
    "unknown precision": ((*TRAIN, "--precision", "bf61"), "no precision `bf61`; expected auto, fp32, bf16"),
    "fp16 on the CPU": ((*TRAIN, "--precision", "fp16"), "fp16 needs a GPU; on the CPU use"),
    "negative seed": ((*TRAIN, "--seed", "-1"), "setting `seed` should be 0 or more; got -1"),
    "negative interval": ((*TRAIN, "--log-every", "-5"), "setting `log_every` should be 0 or more; got -5"),
    "unknown tracker": ((*TRAIN, "--tracker", "tensorbord"), "`tensorbord`; did you mean `tensorboard`?"),
    "resume without a run": ((*TRAIN, "--resume"), "is no run folder: it has no recipe.yaml"),
    "missing data folder": (
        (*TRAIN, "--set", "data={use: core/folder}", "--data", "nowhere"),
        "is not there; --data names a folder",
    ),
    "no data folder": ((*TRAIN, "--set", "data={use: core/folder}"), "name it with --data"),
    "sample from no run": (("sample", "nowhere", "a caption"), "nowhere is no run folder"),
}  # fmt: skip


@pytest.mark.parametrize("words, said", COMMANDS.values(), ids=list(COMMANDS))
def test_command(ganzoo, toy_file, tmp_path, monkeypatch, words, said):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    monkeypatch.setattr(
        "ganzoo.plugins.entry_points",
        lambda group: [e for e in entry_points(group=group) if e.name != "minilm"],
    )
    places = {"TOY": toy_file, "RUN": tmp_path / "run"}
    ganzoo(*(places.get(word, word) for word in words)).fails(said)
    assert not (tmp_path / "run").exists(), "the next try must not find a run that never began"


@pytest.mark.parametrize(
    "settings, said",
    [
        ({"presision": "fp32"}, "training has no setting `presision`; did you mean `precision`?"),
        ({"quickly": True}, "training has no setting `quickly`; there is data, seed, device"),
        ({"seed": "many"}, "setting `seed` should be a valid integer"),
        ({"save_every": -1}, "setting `save_every` should be 0 or more; got -1"),
        ({"device": "gpu"}, "no device `gpu`; expected auto, cpu or cuda"),
        (
            {"precision": "fp17"},
            "no precision `fp17`; expected auto, fp32, bf16, fp16 or fp64; did you mean `fp1",
        ),
        ({"precision": "fp16", "device": "cpu"}, "fp16 needs a GPU"),
        ({"trackers": ["wandbee"]}, "no tracker `wandbee`; did you mean `wandb`?"),
    ],
)
def test_settings_from_python(toy, tmp_path, settings, said):
    with pytest.raises(GanzooError) as error:
        train(toy, run_dir=tmp_path / "run", **settings)
    assert said in str(error.value)
    assert not (tmp_path / "run").exists()


def test_no_gpu_from_python(toy, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(GanzooError, match="a GPU was asked for"):
        train(toy, run_dir=tmp_path / "run", device="cuda")


def test_names_from_python(toy):
    with pytest.raises(GanzooError, match="did you mean `gan-int-cls-birds`"):
        train("gan-int-cls-brids")
    with pytest.raises(GanzooError, match="no loss 'core/hing'; did you mean `hinge`"):
        train(toy.set("training.gan.updates.generator.losses", [{"use": "hing"}]))


def test_tracker_that_is_not_installed(ganzoo, toy, toy_file, tmp_path):
    known = {str(name) for name in LoggerType.list()} - {"all"}
    missing = min(known - {str(name) for name in get_available_trackers()})
    said = f"tracker `{missing}` is not installed; try: pip install"
    ganzoo("train", toy_file, "--run", tmp_path / "run", "--tracker", missing).fails(said)
    with pytest.raises(GanzooError, match=said):
        train(toy, run_dir=tmp_path / "run", trackers=[missing])


# -- folders that cannot be written --------------------------------------------------------------------------


def test_run_folder_that_cannot_be_written(ganzoo, toy, toy_file, tmp_path, monkeypatch):
    """Found out before pictures are packed. Below a file nobody can write, not even root."""
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    run = tmp_path / "file" / "run"
    ganzoo("train", toy_file, "--run", run).fails(f"cannot write the run folder {run}: Not a directory")
    with pytest.raises(GanzooError, match="cannot write the run folder"):
        train(toy, run_dir=run)
    assert not (tmp_path / "cache").exists()


def test_cache_that_cannot_be_written(ganzoo, toy_file, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "file" / "cache"))
    ganzoo("train", toy_file, "--run", tmp_path / "run").fails("set GANZOO_CACHE to a folder with room")
    assert not (tmp_path / "run").exists()


def test_run_folder_that_holds_a_run(ganzoo, toy, toy_file, trained):
    said = "holds a run already (its newest checkpoint is step-00000004); add `--resume` to go on, or name"
    before = (trained / "recipe.yaml").read_bytes()
    ganzoo("train", toy_file, "--run", trained, "--set", "noise=7").fails(said)
    with pytest.raises(GanzooError, match="holds a run already"):
        train(toy, run_dir=trained)
    assert (trained / "recipe.yaml").read_bytes() == before


def test_run_folder_without_a_checkpoint(ganzoo, toy_file, trained):
    shutil.rmtree(trained / "checkpoints")
    ganzoo("train", toy_file, "--run", trained).fails("(it has no checkpoint); delete it to begin again")
    ganzoo("train", toy_file, "--run", trained, "--resume").fails("no checkpoint to go on from; delete it")
    ganzoo("sample", trained, "a caption").fails("has no checkpoint yet")


def test_a_failure_leaves_what_was_there(ganzoo, toy_file, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "notes.txt").write_text("mine")
    ganzoo("train", toy_file, "--run", tmp_path / "run", "--set", "data.batch=65").fails()
    assert [path.name for path in (tmp_path / "run").iterdir()] == ["notes.txt"]


# -- data ----------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """Eight pictures with captions beside them, in train/ and test/."""
    draw = np.random.default_rng(0)
    for split, count in (("train", 6), ("test", 2)):
        (tmp_path / "data" / split).mkdir(parents=True)
        for i in range(count):
            picture = Image.fromarray(draw.integers(0, 255, (20, 20, 3), np.uint8))
            picture.save(tmp_path / "data" / split / f"{i}.png")
            (tmp_path / "data" / split / f"{i}.txt").write_text(f"picture number {i}")
    return tmp_path / "data"


@pytest.fixture
def learn(ganzoo, toy_file, tmp_path, folder):
    """Train on `folder` from the command line."""

    def run(*words):
        return ganzoo(
            "train", toy_file, "--run", tmp_path / "run", "--data", folder, "--device", "cpu",
            "--set", "data={use: core/folder, batch: 2}", *words,
        )  # fmt: skip

    return run


def on_folder(toy):
    return toy.set("data", {"use": "core/folder", "batch": 2})


def test_own_pictures_train(learn, tmp_path, folder):
    ran = learn()
    assert ran.code == 0
    assert Run(tmp_path / "run").settings["data"] == str(folder)


@pytest.mark.parametrize("split, of", [("train", 6), ("test", 2)])
def test_unreadable_picture(learn, toy, folder, tmp_path, split, of):
    (folder / split / "1.png").write_bytes(b"no picture")
    said = f"1 of {of} pictures cannot be read: {split}/1.png ("
    ran = learn()
    ran.fails(said, "leave them out with --skip-broken")
    assert not (tmp_path / "run").exists()
    with pytest.raises(GanzooError) as error:
        train(on_folder(toy), folder, tmp_path / "run", device="cpu")
    assert said in str(error.value)
    ran = learn("--skip-broken")
    assert ran.code == 0
    assert f"warning: 1 of {of} pictures are unreadable and were left out: {split}/1.png" in ran.err


def test_no_readable_picture(learn, folder):
    for path in (folder / "train").glob("*.png"):
        path.write_bytes(b"no picture")
    learn("--skip-broken").fails("none of the 6 pictures can be read: ", "and 1 more")


def write_table(folder, text):
    for path in folder.rglob("*.txt"):
        path.unlink()
    (folder / "captions.csv").write_text(text)


def remove_pictures(folder):
    for path in folder.rglob("*.png"):
        path.unlink()


SIDECAR = "train/2.txt"
BROKEN_DATA = {
    "empty caption": (lambda f: (f / SIDECAR).write_text(" \n"), "2.txt has an empty caption"),
    "no caption": (lambda f: (f / SIDECAR).unlink(), "1 of 8 pictures have no caption: train/2.png"),
    "not UTF-8": (lambda f: (f / SIDECAR).write_bytes(b"\xff\xfe"), "2.txt is not UTF-8 text"),
    "wrong columns": (lambda f: write_table(f, "name,text\na.png,a cat\n"), "captions.csv"),
    "no such picture": (lambda f: write_table(f, "file,caption\n9.png,a cat\n"), "`9.png` is not there"),
    "no pictures": (remove_pictures, "has no pictures; expected files"),
}


@pytest.mark.parametrize("spoil, said", BROKEN_DATA.values(), ids=list(BROKEN_DATA))
def test_broken_data(learn, toy, folder, tmp_path, spoil, said):
    spoil(folder)
    learn().fails(said)
    with pytest.raises(GanzooError) as error:
        train(on_folder(toy), folder, tmp_path / "run", device="cpu")
    assert said in str(error.value)
    assert not (tmp_path / "run").exists()


# -- memory --------------------------------------------------------------------------------------------------


def test_out_of_memory(ganzoo, toy_file, tmp_path):
    """A layer of 2^44 weights, which no machine can hold."""
    ran = ganzoo(
        "train", toy_file, "--run", tmp_path / "run", "--device", "cpu", "--set", "text.size=1024",
        "--set", f"conditioning.size={2**34}",
    )  # fmt: skip
    ran.fails("error: this machine ran out of memory: ", "lower the batch", "`--precision bf16`")
    assert not (tmp_path / "run").exists()


def test_recipes_from_python(tmp_path):
    with pytest.raises(GanzooError, match=f"there is no file {tmp_path / 'nowhere.yaml'}"):
        find_recipe(tmp_path / "nowhere.yaml")
    with pytest.raises(GanzooError, match="is no run folder"):
        Run.open(tmp_path)
