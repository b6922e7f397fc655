"""The authors' checkpoint files to run folders: drawing, training on, and every mistake with files."""

import re

import pytest
import torch
from safetensors.torch import save_file

import ganzoo as package
from ganzoo import catalogue, checkpoint
from ganzoo.cli.hints import how_to_draw
from ganzoo.convert import parse_files
from ganzoo.errors import GanzooError
from ganzoo.run import Run


@pytest.fixture
def source(toy):
    """A model whose weights play the authors'."""
    torch.manual_seed(7)
    return package.plan(toy).build()


@pytest.fixture
def files(source, tmp_path):
    """netG as torch.save writes it, netD in safetensors."""
    out = package.export_official(source, "gan-int-cls")
    netG, netD = tmp_path / "netG.pth", tmp_path / "netD.safetensors"
    torch.save(dict(out["generator"]), netG)
    save_file({name: tensor.contiguous() for name, tensor in out["discriminators"][0].items()}, netD)
    return {"generator": netG, "discriminators": [netD]}


def same(one, other):
    a, b = one.state_dict(), other.state_dict()
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def test_a_converted_run_has_the_authors_weights(toy, source, files, tmp_path):
    run = package.convert("gan-int-cls", files, toy, tmp_path / "runs" / "official")
    assert same(package.load(run), source)
    assert run.recipe == toy
    said = run.settings["converted"]
    assert said["family"] == "gan-int-cls"
    assert said["files"] == {
        "generator": str(files["generator"]),
        "discriminators.0": str(files["discriminators"][0]),
    }
    assert [path.name for path in run.path.parent.iterdir()] == ["official"]


def test_training_goes_on_from_the_authors_weights(toy, source, files, tmp_path):
    run = package.convert("gan-int-cls", files, toy, tmp_path / "official")
    package.train(toy, run_dir=run.path, device="cpu", resume=True, save_every=1, log_every=1, keep=0)
    assert [line["step"] for line in run.metrics] == [1, 2, 3, 4]
    first = checkpoint.load(run.checkpoints / "step-00000001").weights
    before = source.state_dict()
    rates = {"stages": 1e-3, "conditionings": 1e-3, "discriminators": 2e-3}  # Adam's first step is one rate
    for name, parameter in source.named_parameters():
        moved = (first[name] - before[name]).abs().max()
        assert moved <= 1.001 * rates[name.split(".")[0]], name
        assert parameter.shape == first[name].shape


def test_networks_without_a_file_stay_random_and_are_named(toy, source, files, tmp_path, caplog):
    caplog.set_level("INFO", "ganzoo")
    run = package.convert("gan-int-cls", {"generator": files["generator"]}, toy, tmp_path / "official")
    assert "random weights, as there is no file: discriminators.0" in caplog.text
    model = package.load(run)
    assert same(model.stages, source.stages) and not same(model.discriminators, source.discriminators)


def test_without_a_name_the_run_is_called_after_the_recipe(toy, files, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert package.convert("gan-int-cls", files, toy).path == Run.open("runs/toy").path


def test_an_empty_folder_may_be_there(toy, files, tmp_path):
    (tmp_path / "official").mkdir()
    assert package.convert("gan-int-cls", files, toy, tmp_path / "official").newest.name == "step-00000000"


def test_a_folder_in_use_is_left_alone(toy, files, tmp_path):
    with pytest.raises(GanzooError, match=r"is there already; name another folder with `--out`, or delete"):
        package.convert("gan-int-cls", files, toy, tmp_path)
    with pytest.raises(GanzooError, match=r"netG\.pth is there already"):
        package.convert("gan-int-cls", files, toy, files["generator"])


def test_files_that_do_not_fit_leave_nothing_behind(toy, files, tmp_path):
    wide = toy.set("stages.0.stage.channels", 5)
    with pytest.raises(GanzooError, match=r"netG\.3\.weight is \(\d+, 32, 4, 4\) in the file, "):
        package.convert("gan-int-cls", files, wide, tmp_path / "runs" / "official")
    assert not (tmp_path / "runs").exists()


def test_a_place_that_cannot_be_written(toy, files):
    with pytest.raises(GanzooError, match=r"cannot write the run folder .*Not a directory"):
        package.convert("gan-int-cls", files, toy, files["generator"] / "official")


def test_no_file_at_all(toy, tmp_path):
    with pytest.raises(GanzooError, match="nothing to convert to toy: no file was given"):
        package.convert("gan-int-cls", {}, toy, tmp_path / "official")


def test_an_unknown_family(toy, files, tmp_path):
    with pytest.raises(GanzooError, match=r"gan-int-clz.*did you mean"):
        package.convert("gan_int_cls/gan-int-clz", files, toy, tmp_path / "official")


def test_every_importer_names_a_recipe_of_the_catalogue(registry):
    recipes = {name: cls.recipe for name, cls in registry.components("importers").items() if cls.recipe}
    assert recipes["gan_int_cls/gan-int-cls"] == "gan-int-cls-birds"
    assert set(recipes.values()) <= set(catalogue.load(registry).recipes)


# -- on the command line -------------------------------------------------------------------------------------


def test_convert_then_sample(ganzoo, toy_file, files, tmp_path):
    made = ganzoo(
        "convert", "gan-int-cls", "--weights", f"generator={files['generator']}",
        "--weights", f"discriminators.0={files['discriminators'][0]}", "--recipe", toy_file,
        "--out", tmp_path / "official",
    )  # fmt: skip
    assert made.code == 0 and f"{tmp_path / 'official'}: draw with it: ganzoo sample" in made.out
    drawn = ganzoo("sample", tmp_path / "official", "a red circle", "--out", tmp_path / "grid.png")
    assert drawn.code == 0 and (tmp_path / "grid.png").is_file()


def test_what_draws_with_it(tmp_path):
    told = how_to_draw(catalogue.recipe("gan-int-cls-birds"), tmp_path)
    assert told.startswith("it was trained on sentence embeddings")
    assert "--box 0.2,0.2,0.6,0.6 --out" in how_to_draw(catalogue.recipe("gawwn-bbox-shapes"), tmp_path)
    assert "--keypoints FILE" in how_to_draw(catalogue.recipe("gawwn-keypoints-shapes"), tmp_path)
    drawer = how_to_draw(catalogue.recipe("gawwn-keypoint-generator-shapes"), tmp_path)
    assert "--keypoints" not in drawer


@pytest.mark.parametrize(
    ("words", "files"),
    [
        (["generator=a.pth"], {"generator": "a.pth"}),
        (["generator=a=b.pth", "text_encoder=t"], {"generator": "a=b.pth", "text_encoder": "t"}),
        (["discriminators.1=b", "discriminators.0=a"], {"discriminators": ["a", "b"]}),
        (["discriminators.2=c"], {"discriminators": [None, None, "c"]}),
    ],
)
def test_files_by_name(words, files):
    assert parse_files(words) == files


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["netG.pth"], "--weights netG.pth: expected NAME=FILE, as in generator=netG.pth, or"),
        (["generator="], "--weights generator=: expected NAME=FILE"),
        (["discriminators.x=a"], "--weights discriminators.x=a: expected NAME=FILE"),
        (["generator=a", "generator=b"], "--weights generator=b: generator has a file already"),
        (["judges.1=a", "judges.1=b"], "--weights judges.1=b: judges has a file already"),
        (["judges=a", "judges.1=b"], "--weights judges.1=b: judges has a file already"),
        (["judges.1=a", "judges=b"], "--weights judges=b: judges has a file already"),
    ],
)
def test_files_by_names_that_cannot_be(words, message):
    with pytest.raises(GanzooError, match=re.escape(message)):
        parse_files(words)
