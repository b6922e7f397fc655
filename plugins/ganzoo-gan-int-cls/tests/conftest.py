"""The authors' numbers (golden/), and models of the same size filled with the authors' weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from ganzoo_gan_int_cls.weights import GanIntCls
from safetensors.torch import load_file
from torch import Tensor

from ganzoo.assemble import assemble
from ganzoo.model import Model
from ganzoo.plan import Plan
from ganzoo.plugins import load as load_plugins
from ganzoo.recipe import Recipe

GOLDEN = Path(__file__).parent / "golden"
ADAM = {"use": "adam", "lr": 2e-4, "betas": [0.5, 0.999], "torch7": True}


@dataclass(frozen=True)
class Golden:
    """One fixture: what went in, and what the authors' code made of it."""

    config: dict[str, Any]
    weights: dict[str, Tensor]
    io: dict[str, Tensor]

    @classmethod
    def read(cls, name: str) -> Golden:
        folder = GOLDEN / name
        config = json.loads((folder / "meta.json").read_text())["config"]
        return cls(config, load_file(folder / "weights.safetensors"), load_file(folder / "io.safetensors"))

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

    def error(self, ours: Tensor, key: str) -> float:
        """|ours - theirs| / |theirs| in the 2-norm."""
        theirs = self.io[key].double().flatten()
        return float((ours.detach().double().flatten() - theirs).norm() / theirs.norm())

    def gradient_errors(self, ours: dict[str, Tensor], key: str) -> dict[str, float]:
        """`error` of each gradient by its path.

        Where theirs is zero but for rounding (a bias in front of a BatchNorm), ours over their largest.
        """
        theirs = {k.removeprefix(key): v for k, v in self.io.items() if k.startswith(key)}
        largest = max(float(value.norm()) for value in theirs.values())
        return {
            path: self.error(value, key + path)
            if float(theirs[path].norm()) > 1e-5 * largest
            else float(value.norm()) / largest
            for path, value in ours.items()
        }


@pytest.fixture(params=["gan_int_cls_a", "gan_cls_coco_a"])
def golden(request: pytest.FixtureRequest) -> Golden:
    return Golden.read(request.param)


@pytest.fixture
def birds() -> Golden:
    return Golden.read("gan_int_cls_a")
