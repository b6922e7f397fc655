"""Every model of registry.yaml assembles and takes a step; every plugin is named where it must be."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
import torch

from ganzoo import catalogue, updates
from ganzoo.assemble import assemble
from ganzoo.distributions import distributions
from ganzoo.randomness import StepDraws
from ganzoo.rehearse import rehearse, tiny, toy_batch
from ganzoo.runtime import accelerator
from ganzoo.step import Step

ROOT = Path(__file__).parent.parent
NAMES = [name for name, source in catalogue.load().brought_by.items() if source == "registry.yaml"]
PLUGINS = sorted(path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml"))


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_takes_a_step_in_tiny_form(name, registry):
    recipe = catalogue.recipe(name)
    said = rehearse(recipe, registry)
    assert {key.split("/")[0] for key in said} == set(recipe.phases)


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_names_the_distributions_it_needs(name):
    recipe = catalogue.recipe(name)
    prefixes = {distributions()[distribution].prefix for distribution in recipe.distributions}
    assert {use.split("/")[0] for use in _uses(recipe.to_dict()) if "/" in use} - {"core"} == prefixes


def _uses(value):
    """Every component's name in a recipe's tree."""
    if isinstance(value, dict):
        return [value["use"]] if "use" in value else [use for item in value.values() for use in _uses(item)]
    return [use for item in value for use in _uses(item)] if isinstance(value, list) else []


@pytest.mark.parametrize("name", NAMES)
def test_every_recipe_has_a_title_and_a_paper(name):
    recipe = catalogue.recipe(name)
    assert recipe.title and recipe.paper


@pytest.mark.parametrize(
    "name, generator, discriminator",
    [
        ("gan-int-cls-shapes", 2, 4),  # judged: real, mismatched, fake; then new fakes and blends in one pass
        ("gan-cls-shapes", 2, 4),
        ("gan-int-birds", 2, 3),  # no mismatched pairs
    ],
)
def test_networks_run_no_more_often_than_they_must(name, generator, discriminator, registry, monkeypatch):
    steps = []

    class Recorded(Step):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            steps.append(self)

    monkeypatch.setattr(updates, "Step", Recorded)
    plan = assemble(tiny(catalogue.recipe(name), registry), registry)
    model = plan.build()
    trainer = updates.PhaseTrainer(model, plan.phases[0], accelerator("cpu"))
    draws = StepDraws(0, 0, torch.device("cpu"), torch.float32)
    trainer.take_step(0, [toy_batch(plan, model.text_encoder)], [draws])
    assert [(step.generator_passes, step.discriminator_passes) for step in steps] == [
        (generator, discriminator)
    ]


@pytest.mark.parametrize("plugin", PLUGINS)
def test_every_plugin_is_in_the_catalogue_and_in_the_contracts(plugin):
    project = tomllib.loads((ROOT / "plugins" / plugin / "pyproject.toml").read_text())["project"]
    (prefix, module), *others = project["entry-points"]["ganzoo"].items()
    assert not others and project["name"] == plugin
    assert distributions()[plugin].prefix == prefix
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    assert module in linter["root_packages"]
    for contract in linter["contracts"]:
        if "lugin" in contract["name"]:
            assert any(module in modules for modules in contract.values()), contract["name"]


@pytest.mark.parametrize("plugin", PLUGINS)
def test_every_plugin_explains_itself(plugin):
    folder = ROOT / "plugins" / plugin
    assert "Apache License" in (folder / "LICENSE").read_text()
    assert plugin in (folder / "README.md").read_text()
