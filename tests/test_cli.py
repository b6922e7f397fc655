"""Every command as people type it: what it prints, what it leaves behind, how it exits."""

import json

import pytest
import typer
from PIL import Image

from ganzoo import catalogue, cli
from ganzoo.console import say, say_table
from ganzoo.run import Run

COMMANDS = sorted(typer.main.get_command(cli.app).commands)


def test_help_names_every_command(ganzoo):
    ran = ganzoo("--help")
    assert ran.code == 0
    for command in COMMANDS:
        assert f"\n  {command} " in ran.out
    assert "..." not in ran.out.split("Commands:")[1]


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_each_command(ganzoo, command):
    ran = ganzoo(command, "--help")
    assert ran.code == 0 and "Usage: ganzoo" in ran.out


def test_version(ganzoo):
    ran = ganzoo("--version")
    assert ran.code == 0 and ran.out.startswith("ganzoo ")


def test_list_shows_every_model_whole(ganzoo):
    ran = ganzoo("list")
    assert ran.code == 0 and not ran.err
    lines = ran.out.splitlines()
    for name, recipe in catalogue.load().recipes.items():
        (line,) = [line for line in lines if line.split()[0] == name]
        assert recipe.title in line and recipe.data.use in line and line.split()[-1] in ("yes", name)


def test_list_says_how_to_install(ganzoo, monkeypatch):
    monkeypatch.setattr("ganzoo.distributions.installed_version", lambda name: None)
    line = next(line for line in ganzoo("list").out.splitlines() if line.startswith("gan-int-cls-shapes"))
    assert line.rstrip().endswith("no: ganzoo install gan-int-cls-shapes")


def test_list_components(ganzoo):
    ran = ganzoo("list", "losses")
    assert ran.code == 0 and "core/hinge" in ran.out and "gan_int_cls/matching" in ran.out
    assert "core/adam" not in ran.out


def test_square_brackets_are_printed(capsys):
    say("[b, t] and [bold]")
    say_table(("shape",), [("[b, t, w]",)])
    assert capsys.readouterr().out.splitlines() == ["[b, t] and [bold]", "shape    ", "[b, t, w]"]


def test_piped_output_is_never_cut(capsys):
    say("x" * 500)
    say_table(("a", "b"), [("y" * 300, "z " * 150)])
    assert [len(line.rstrip()) for line in capsys.readouterr().out.splitlines()] == [500, 303, 601]


def test_show_is_a_recipe_file(ganzoo, tmp_path):
    shown = ganzoo("show", "gan-int-cls-shapes", "--set", "noise=7")
    assert shown.code == 0
    path = tmp_path / "again.yaml"
    path.write_text(shown.out)
    recipe = catalogue.recipe(path)
    assert recipe.noise == 7 and recipe == catalogue.recipe("gan-int-cls-shapes").set("noise", 7)


def test_plugins(ganzoo):
    ran = ganzoo("plugins")
    assert ran.code == 0
    prefixes = [line.split()[0] for line in ran.out.splitlines()[1:]]
    assert prefixes[0] == "core" and prefixes[1:] == sorted(prefixes[1:]) and "emoji" in prefixes


def test_plugins_check(ganzoo):
    ran = ganzoo("plugins", "--check")
    assert ran.code == 0 and ran.out.endswith("every plugin imports and offers what it should\n")


def test_install_of_what_is_there(ganzoo):
    ran = ganzoo("install", "gan-int-cls-shapes")
    assert ran.code == 0 and ran.out == "gan-int-cls-shapes: everything is installed\n"


def test_install_dry_run(ganzoo, monkeypatch):
    monkeypatch.setattr("ganzoo.distributions.installed_version", lambda name: None)
    ran = ganzoo("install", "gan-int-cls-shapes", "--dry-run")
    assert ran.code == 0
    assert ran.out.startswith("would run: ") and ran.out.count("\n") == 1 and "ganzoo-gan-int-cls" in ran.out


def test_check(ganzoo, toy_file):
    ran = ganzoo("check", toy_file, "--rehearse")
    assert ran.code == 0
    assert "stage 0" in ran.out and "toy: everything fits" in ran.out
    assert "rehearsed gan/generator/core/nonsaturating: " in ran.out


def test_check_lists_every_misfit(ganzoo, toy_file):
    ran = ganzoo(
        "check", toy_file, "--set", "stages.0.stage.chanels=8", "--set", "conditioning.size=-1",
        "--set", "training.gan.updates.generator.losses=[{use: core/hing}]",
    )  # fmt: skip
    assert ran.code == 1 and not ran.out
    lines = ran.err.splitlines()
    assert lines[0] == "error: toy cannot be assembled: 3 misfits"
    for line, said in zip(
        lines[1:],
        [
            "option `size` should be greater than 0; got -1",
            "did you mean `channels`?",
            "did you mean `hinge`?",
        ],
        strict=True,
    ):
        assert said in line and "   at --set " in line


def test_train_then_sample(ganzoo, toy_file, tmp_path):
    folder = tmp_path / "run"
    ran = ganzoo(
        "train", toy_file, "--run", folder, "--seed", 3, "--device", "cpu", "--log-every", 2,
        "--sample-every", 2, "--save-every", 2, "--keep", 1,
    )  # fmt: skip
    assert ran.code == 0 and not ran.out
    lines = ran.err.splitlines()
    assert lines[0] == f"toy on cpu, into {folder}"
    assert lines[1].startswith("gan 2/4  ") and "D nonsaturating" in lines[1] and "images/s" in lines[1]
    assert lines[-2:] == [
        f"trained: {folder}", f'draw with it: ganzoo sample {folder} "a caption of yours" --out grid.png',
    ]  # fmt: skip
    assert sorted(path.name for path in folder.iterdir()) == [
        "checkpoints", "metrics.jsonl", "recipe.yaml", "run.json", "samples",
    ]  # fmt: skip
    assert [path.name for path in Run(folder).saved] == ["step-00000004"]
    assert json.loads((folder / "run.json").read_text())["seed"] == 3

    ran = ganzoo(
        "sample",
        folder,
        "a small red circle",
        "--device",
        "cpu",
        "--seeds",
        "0-2",
        "--out",
        tmp_path / "g.png",
    )
    assert (ran.code, ran.out) == (0, f"{tmp_path / 'g.png'}: 1 captions, 3 seeds\n")
    with Image.open(tmp_path / "g.png") as grid:
        assert grid.width > 3 * 96 and grid.height > 96


def test_sample_captions_from_a_file_into_single_files(ganzoo, toy, tmp_path):
    from ganzoo.train import train

    train(toy, run_dir=tmp_path / "run", device="cpu")
    captions = tmp_path / "captions.txt"
    captions.write_text("a large green star\n一个红色的圆\n", "utf-8")
    ran = ganzoo(
        "sample", tmp_path / "run", "a small red circle", "--captions", captions, "--seeds", "4,9",
        "--separate", "--out", tmp_path / "many", "--batch", 2,
    )  # fmt: skip
    assert (ran.code, ran.out) == (0, f"{tmp_path / 'many'}: 6 pictures\n")
    assert sorted(path.name for path in (tmp_path / "many").iterdir()) == [
        "0001-a-small-red-circle-seed-4.png",
        "0001-a-small-red-circle-seed-9.png",
        "0002-a-large-green-star-seed-4.png",
        "0002-a-large-green-star-seed-9.png",
        "0003-一个红色的圆-seed-4.png",
        "0003-一个红色的圆-seed-9.png",
    ]
