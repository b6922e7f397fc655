"""The authors' numbers (golden/), and models of the same sizes filled with the authors' weights."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from ganzoo_stackgan.weights_v1 import StackGanV1
from torch import Tensor

from ganzoo.assemble import assemble
from ganzoo.model import Model
from ganzoo.plan import Plan
from ganzoo.plugins import load as load_plugins
from ganzoo.recipe import Recipe
from ganzoo.testing.golden import Golden

GOLDEN = Path(__file__).parent / "golden"
ADAM = {"use": "adam", "lr": 2e-4, "betas": [0.5, 0.999]}


class AuthorsV1(Golden):
    """One fixture of StackGAN-v1: what went in, and what the authors' code made of it."""

    @property
    def stage(self) -> int:
        """1 or 2."""
        return 2 if "out/eval/stage1_fake64" in self.io else 1

    @property
    def picture(self) -> str:
        """The key of the finest picture, such as `fake64`."""
        return "fake64" if self.stage == 1 else "fake256"

    def real(self, dtype: torch.dtype = torch.float64) -> Tensor:
        return self.io["in/real_u8"].to(dtype) / 127.5 - 1

    def sentence(self, dtype: torch.dtype = torch.float64) -> Tensor:
        return self.io["in/txt_embedding"].to(dtype)

    def draws(self, dtype: torch.dtype = torch.float64) -> tuple[Tensor, list[Tensor]]:
        """Noise, and one epsilon a stage."""
        return self.io["in/z"].to(dtype), self._epsilons(self.io["in/eps"].to(dtype))

    def trajectory_draws(self, number: int) -> list[Tensor]:
        """All draws of a step of the trajectory, in the engine's order."""
        epsilons = self._epsilons(self.io["in/traj_eps"][number].double())
        return [self.io["in/traj_z"][number].double(), *epsilons]

    def _epsilons(self, recorded: Tensor) -> list[Tensor]:
        return [recorded] if self.stage == 1 else list(recorded)

    def state(self) -> dict[str, Any]:
        """The weights as the importer takes them."""
        netG, netD = (
            {k.removeprefix(net): v for k, v in self.weights.items() if k.startswith(net)}
            for net in ("G.", "D.")
        )
        return {"generator": netG, "discriminators": [netD]}

    def tree(self) -> dict[str, Any]:
        """The recipe of the authors' networks, losses and optimizers, at the fixture's sizes."""
        c = self.config
        ca = {
            "use": "stackgan/ca",
            "size": c["C"],
            "activation": "relu",
            "discriminator_code": "detached_mean",
        }
        stages: list[dict[str, Any]] = [
            {"stage": {"use": "stackgan/stage1", "channels": c["GF"]}, "conditioning": ca},
            {
                "stage": {"use": "stackgan/stage2", "channels": c["GF"], "residual_blocks": c["R"]},
                "conditioning": ca,
            },
        ][: self.stage]
        stages[-1]["discriminator"] = {
            "use": f"stackgan/stage{self.stage}_discriminator",
            "channels": c["DF"],
        }
        return {
            "title": "golden",
            "data": {"use": "core/shapes", "batch": c["B"]},
            "text": {"use": "core/ngrams", "size": c["T"]},
            "noise": c["Z"],
            "stages": stages,
            "training": {
                f"stage-{self.stage}": {
                    "steps": 2,
                    "stages": [self.stage - 1],
                    "frozen_train": True,
                    "updates": {
                        "discriminator": {
                            "optimizer": ADAM,
                            "losses": [{"use": "stackgan/matching", "wrong": "shifted"}],
                        },
                        "generator": {
                            "optimizer": ADAM,
                            "losses": [{"use": "core/nonsaturating"}, {"use": "stackgan/kl", "weight": 2.0}],
                        },
                    },
                }
            },
        }

    def plan(self, tree: dict[str, Any] | None = None) -> Plan:
        recipe = Recipe.from_yaml(json.dumps({"recipes": {"golden": tree or self.tree()}}))
        return assemble(recipe, load_plugins())

    def model(self, dtype: torch.dtype = torch.float64, tree: dict[str, Any] | None = None) -> Model:
        """A model in training mode with the authors' weights."""
        model = self.plan(tree).build().to(dtype)
        StackGanV1().load(model, self.state())
        return model


@pytest.fixture(params=["stackgan_v1_stage1_a", "stackgan_v1_stage2_a"])
def v1(request: pytest.FixtureRequest) -> AuthorsV1:
    return AuthorsV1(GOLDEN / request.param)


@pytest.fixture
def v1_stage2() -> AuthorsV1:
    return AuthorsV1(GOLDEN / "stackgan_v1_stage2_a")
