"""The plugin that `ganzoo new-plugin` writes. That it installs, trains and conforms is in test_wheel.py."""

import subprocess
import sys
import tomllib

import pytest

from ganzoo.errors import GanzooError
from ganzoo.new_plugin import FILES, TEMPLATES, new_plugin, plugin_names, skeleton

NAMES = {"my-own": "my-own", "ganzoo-my-own": "my-own", "my_own": "my-own", "zoo2": "zoo2", "x": "x"}


@pytest.mark.parametrize("name, short", NAMES.items())
def test_every_name_follows_from_one(name, short):
    names = plugin_names(name)
    prefix = short.replace("-", "_")
    assert (names.distribution, names.recipe) == (f"ganzoo-{short}", f"{short}-shapes")
    assert (names.prefix, names.package) == (prefix, f"ganzoo_{prefix}")


@pytest.mark.parametrize(
    "name", ["", "My-Own", "2d", "my own", "my--own", "-own", "own-", "ganzoo-", "a/b", "..", "ö"]
)
def test_malformed_names(name, tmp_path):
    with pytest.raises(GanzooError, match=r"a plugin cannot be called .*; expected small letters"):
        new_plugin(name, tmp_path)
    assert not any(tmp_path.iterdir())


@pytest.mark.parametrize(
    "name, said",
    [
        ("core", "the prefix `core` is that of ganzoo already"),
        ("ganzoo-emoji", "the prefix `emoji` is that of ganzoo-emoji already"),
        ("gan-int-cls", "the prefix `gan_int_cls` is that of ganzoo-gan-int-cls already"),
        ("gan-cls", "the plugin's recipe would be gan-cls-shapes, which registry.yaml has already"),
    ],
)
def test_names_that_are_taken(name, said, tmp_path):
    with pytest.raises(GanzooError) as caught:
        new_plugin(name, tmp_path)
    assert str(caught.value) == f"{said}; choose another name"
    assert not any(tmp_path.iterdir())


def test_what_is_known_is_taken_even_where_it_is_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_PLUGINS", "core")
    with pytest.raises(GanzooError, match="the prefix `emoji` is that of ganzoo-emoji"):
        new_plugin("emoji", tmp_path)


def test_a_folder_that_exists_is_left_alone(tmp_path):
    (tmp_path / "ganzoo-my-own").mkdir()
    with pytest.raises(GanzooError, match=r"ganzoo-my-own exists already; .*`--into`"):
        new_plugin("my-own", tmp_path)
    assert not any((tmp_path / "ganzoo-my-own").iterdir())


def test_where_nothing_can_be_written(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(GanzooError, match=r"cannot write the plugin .*ganzoo-my-own: "):
        new_plugin("my-own", tmp_path / "file" / "below")


def test_the_files(tmp_path):
    folder = new_plugin("ganzoo-my-own", tmp_path / "new")
    written = {
        str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()
    }
    assert written == skeleton(plugin_names("my-own")) and len(written) == len(FILES)
    assert [path.name for path in folder.parent.iterdir()] == ["ganzoo-my-own"]
    assert not any("$" in path + text for path, text in written.items())
    project = tomllib.loads(written["pyproject.toml"])["project"]
    assert project["name"] == "ganzoo-my-own"
    assert project["entry-points"]["ganzoo"] == {"my_own": "ganzoo_my_own"}


def test_every_template_is_used():
    assert {path.name for path in TEMPLATES.iterdir()} == {f"{name}.template" for name in FILES.values()}


@pytest.mark.parametrize("command", [["check", "--extend-select", "I"], ["format", "--check"]], ids=" ".join)
def test_ruff_finds_nothing_to_mend(command, tmp_path):
    """At ruff's own settings but for the line length, those of another people's project."""
    words = [sys.executable, "-m", "ruff", *command, "--isolated", "--no-cache", "--line-length", "110"]
    folder = new_plugin("my-own", tmp_path)
    done = subprocess.run([*words, "."], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_command_says_what_to_do_next(ganzoo, tmp_path):
    ran = ganzoo("new-plugin", "my-own", "--into", tmp_path / "two words")
    folder = tmp_path / "two words" / "ganzoo-my-own"
    said = ran.out.splitlines()
    assert ran.code == 0 and said[0] == f"{folder} is written:"
    assert "  src/ganzoo_my_own/stages.py" in said
    for line in (
        f"pip install --editable '{folder}'",
        f"pytest '{folder}'",
        "ganzoo check my-own-shapes --rehearse",
        "ganzoo train my-own-shapes",
    ):
        assert f"  {line}" in said
    ganzoo("new-plugin", "My-Own").fails("a plugin cannot be called 'My-Own'", "as in `my-zoo`")
