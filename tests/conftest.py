"""A toy recipe that every test of the engine shares: two small levels would be slow, so one at 16 pixels."""

from __future__ import annotations

import os

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ["GANZOO_KEEP_LARGE_BLOCKS"] = "0"

import pytest
import torch

from ganzoo.assemble import assemble
from ganzoo.plan import Plan
from ganzoo.plugins import Registry
from ganzoo.plugins import load as load_plugins
from ganzoo.recipe import Recipe

TOY = """
recipes:
  toy:
    title: A toy
    distributions: [ganzoo-gan-int-cls]
    data: {use: core/shapes, batch: 4, count: 64, test_count: 16}
    text: {use: core/ngrams, size: 24, buckets: 512}
    conditioning: {use: gan_int_cls/project, size: 10}
    noise: 6
    stages:
      - stage: {use: gan_int_cls/generator, channels: 4, resolution: 16}
        discriminator: {use: gan_int_cls/discriminator, channels: 4, text: 6}
    training:
      gan:
        steps: 4
        ema: 0.9
        updates:
          discriminator:
            optimizer: {use: adam, lr: 2.0e-3}
            losses: [{use: core/nonsaturating, mismatched: 0.5}]
          generator: {optimizer: {use: adam, lr: 1.0e-3}, losses: [{use: core/nonsaturating}]}
"""


@pytest.fixture(scope="session")
def registry() -> Registry:
    return load_plugins()


@pytest.fixture(scope="session")
def toy() -> Recipe:
    return Recipe.from_yaml(TOY, where="toy.yaml")


@pytest.fixture(scope="session")
def plan(toy: Recipe, registry: Registry) -> Plan:
    return assemble(toy, registry)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
