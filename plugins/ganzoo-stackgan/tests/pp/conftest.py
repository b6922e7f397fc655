"""The authors' numbers of StackGAN++ (golden/), and models of the same size filled with their weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from ganzoo_stackgan.weights_pp import StackGanPP
from torch import Tensor

from ganzoo.assemble import assemble
from ganzoo.flow import Batch, GeneratorOutput, TextFeatures, Tokens
from ganzoo.model import Model
from ganzoo.plan import Plan
from ganzoo.plugins import load as load_plugins
from ganzoo.recipe import Recipe
from ganzoo.testing.golden import Golden

SIDES = (64, 128, 256)
ADAM = {"use": "adam", "lr": 2e-4, "betas": [0.5, 0.999]}


class Authors(Golden):
    """The fixture: what went in, and what the authors' code made of it."""

    def input(self, key: str, dtype: torch.dtype = torch.float64) -> Tensor:
        return self.io[f"in/{key}"].to(dtype)

    def real(self, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
        finest = self.io["in/real256_u8"].to(dtype) / 127.5 - 1
        return F.avg_pool2d(finest, 4), F.avg_pool2d(finest, 2), finest

    def stand_alone_fakes(self) -> tuple[Tensor, ...]:
        return tuple(-0.9 * image.flip(3) for image in self.real())

    def batch(self) -> Batch:
        real, rows = self.real(), self.config["B"]
        return Batch(
            images=real,
            mismatched=tuple(0.8 * image.flip(0) for image in real),
            tokens=Tokens(torch.zeros(rows, 1, dtype=torch.int64), torch.ones(rows, dtype=torch.int64)),
            text=TextFeatures(self.input("t_embedding")),
        )

    def state(self, prefix: str = "") -> dict[str, Any]:
        """The weights as the importer takes them, their names behind `prefix`."""
        generator, *discriminators = (
            {prefix + k.removeprefix(net): v for k, v in self.weights.items() if k.startswith(net)}
            for net in ("G.", "D64.", "D128.", "D256.")
        )
        return {"generator": generator, "discriminators": discriminators}

    def tree(self) -> dict[str, Any]:
        """The recipe of the authors' networks, losses and optimizers, at the fixture's sizes."""
        c = self.config
        judge = {"use": "stackgan/discriminator_pp", "channels": c["DF"]}
        refine = {"use": "stackgan/refine", "residual_blocks": c["R"]}
        stages = [{"use": "stackgan/initial", "channels": c["GF"]}, refine, refine]
        return {
            "title": "golden",
            "data": {"use": "core/shapes", "batch": c["B"]},
            "text": {"use": "core/ngrams", "size": c["T"]},
            "conditioning": {"use": "stackgan/ca", "size": c["E"]},
            "noise": c["Z"],
            "stages": [{"stage": stage, "discriminator": judge} for stage in stages],
            "training": {
                "gan": {
                    "steps": 2,
                    "ema": 0.999,
                    "updates": {
                        "discriminator": {"optimizer": ADAM, "losses": [{"use": "stackgan/matching_pp"}]},
                        "generator": {
                            "optimizer": ADAM,
                            "losses": [{"use": "core/nonsaturating"}, {"use": "stackgan/kl", "weight": 2.0}],
                        },
                    },
                }
            },
        }

    def plan(self) -> Plan:
        recipe = Recipe.from_yaml(json.dumps({"recipes": {"golden": self.tree()}}))
        return assemble(recipe, load_plugins())

    def model(self, dtype: torch.dtype = torch.float64) -> Model:
        """A model in training mode with the authors' weights."""
        model = self.plan().build().to(dtype)
        StackGanPP().load(model, self.state())
        return model

    def synthesize(self, model: Model) -> GeneratorOutput:
        """One run of the generator on the recorded draws."""
        text = TextFeatures(self.input("t_embedding", model.dtype))
        epsilons = [self.input("eps", model.dtype)] * len(SIDES)
        return model.synthesize(text, self.input("z", model.dtype), epsilons)


@pytest.fixture(scope="session")
def pp() -> Authors:
    return Authors(Path(__file__).parent.parent / "golden" / "stackganpp_a")
