"""The authors' numbers (golden/), and models of the same size filled with the authors' weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from ganzoo_gan_int_cls.weights import GanIntCls
from torch import Tensor

from ganzoo.assemble import assemble
from ganzoo.model import Model
from ganzoo.plan import Plan
from ganzoo.plugins import load as load_plugins
from ganzoo.recipe import Recipe
from ganzoo.testing.golden import Golden

GOLDEN = Path(__file__).parent / "golden"
ADAM = {"use": "adam", "lr": 2e-4, "betas": [0.5, 0.999], "torch7": True}


class Authors(Golden):
    """One fixture: what went in, and what the authors' code made of it."""

    @property
    def interpolates(self) -> bool:
        """Whether this is main_cls_int.lua (birds, flowers), not main_cls.lua (COCO)."""
        return "mid/txt_interp" in self.io

    @property
    def sentence(self) -> Tensor:
        return self.io["mid/txt_avg" if self.interpolates else "in/txt"]

    @property
    def generator_sentence(self) -> Tensor:
        """What the generator's update is given: with blends in GAN-INT-CLS."""
        return self.io["mid/txt_interp"] if self.interpolates else self.sentence

    def noise(self, update: str) -> Tensor:
        return self.io[f"in/noise_{update}"].flatten(1)

    def state(self) -> dict[str, Any]:
        """The weights as the importer takes them."""
        netG, netD = (
            {path: value for path, value in self.weights.items() if path.startswith(net)}
            for net in ("netG.", "netD.")
        )
        return {"generator": netG, "discriminators": [netD]}

    def plan(self, *, bias: bool = False) -> Plan:
        """The authors' networks, losses and optimizers, at the fixture's sizes."""
        c = self.config
        judge = "discriminator" if self.interpolates else "discriminator_coco"
        objective = {"use": "gan_int_cls/interpolation" if self.interpolates else "core/nonsaturating"}
        tree = {
            "title": "golden",
            "data": {"use": "core/shapes", "batch": c["batchSize"]},
            "text": {"use": "core/ngrams", "size": c["txtSize"]},
            "conditioning": {"use": "gan_int_cls/project", "size": c["nt"]},
            "noise": c["nz"],
            "stages": [
                {
                    "stage": {"use": "gan_int_cls/generator", "channels": c["ngf"], "bias": bias},
                    "discriminator": {
                        "use": f"gan_int_cls/{judge}", "channels": c["ndf"], "text": c["nt"], "bias": bias
                    },
                }
            ],
            "training": {
                "gan": {
                    "steps": 1,
                    "updates": {
                        "discriminator": {
                            "optimizer": ADAM,
                            "losses": [{"use": "gan_int_cls/matching", "mismatched": c["cls_weight"]}],
                        },
                        "generator": {"optimizer": ADAM, "losses": [objective], "regenerate": True},
                    },
                }
            },
        }  # fmt: skip
        recipe = Recipe.from_yaml(json.dumps({"recipes": {"golden": tree}}))
        return assemble(recipe, load_plugins())

    def model(self, dtype: torch.dtype = torch.float64, *, bias: bool = False) -> Model:
        """A model in training mode with the authors' weights."""
        model = self.plan(bias=bias).build().to(dtype)
        GanIntCls().load(model, self.state())
        return model


@pytest.fixture(params=["gan_int_cls_a", "gan_cls_coco_a"])
def golden(request: pytest.FixtureRequest) -> Authors:
    return Authors(GOLDEN / request.param)


@pytest.fixture
def birds() -> Authors:
    return Authors(GOLDEN / "gan_int_cls_a")
