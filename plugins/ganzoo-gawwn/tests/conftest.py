"""The authors' numbers (golden/), and models of the same size filled with the authors' weights."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import torch
from ganzoo_gawwn.weights import BoxModel, GawwnImporter, KeypointModel, PointsModel
from torch import Tensor

from ganzoo.assemble import assemble
from ganzoo.flow import Batch, Layout, TextFeatures, Tokens
from ganzoo.model import Model
from ganzoo.plan import Plan
from ganzoo.plugins import load as load_plugins
from ganzoo.recipe import Recipe
from ganzoo.testing.golden import Golden

GOLDEN = Path(__file__).parent / "golden"
ADAM = {"use": "adam", "lr": 2e-4, "betas": [0.5, 0.999], "torch7": True}
SHUFFLED = {"use": "gawwn/matching", "wrong": "shuffled"}
PLAIN = {"use": "core/nonsaturating"}


@dataclass(frozen=True)
class Authors(Golden):
    """One fixture: what went in, and what the authors' code made of it."""

    stage: str
    judge: str
    importer: GawwnImporter
    objective: dict[str, Any]

    @property
    def sentence(self) -> Tensor:
        return self.io["in/txt"].flatten(1)

    @property
    def noise(self) -> Tensor:
        return self.io["in/noise"].flatten(1)

    @property
    def rows(self) -> int:
        return len(self.sentence)

    @property
    def layout(self) -> Layout:
        """Boxes, or keypoints: of heat maps those that fall on their pixels."""
        if "in/bbox_norm_xywh" in self.io:
            return Layout(boxes=self.io["in/bbox_norm_xywh"])
        if "in/loc_raw" in self.io:
            return Layout(keypoints=self.io["in/loc_raw"])
        heat = self.io["in/heatmap"]
        side = heat.shape[-1]
        cell, seen = heat.flatten(2).argmax(2), heat.sum((2, 3))
        return Layout(keypoints=torch.stack([(cell % side + 1) / side, (cell // side + 1) / side, seen], 2))

    @property
    def shown(self) -> Layout | None:
        """What the keypoint generator is given."""
        return Layout(keypoints=self.io["mid/loc_cond"]) if "mid/loc_cond" in self.io else None

    def state(self) -> dict[str, Any]:
        """The weights as the importer takes them."""
        netG, netD = (
            {path: value for path, value in self.weights.items() if path.startswith(net)}
            for net in ("netG.", "netD.")
        )
        return {"generator": netG, "discriminators": [netD]}

    def plan(self) -> Plan:
        """The authors' networks, losses and optimizers, at the fixture's sizes."""
        c, points = self.config, self.stage == "keypoint_generator"
        size = {"channels": c["ndf"]} if points else {"channels": c["ndf"], "text": c["nt"]}
        tree = {
            "title": "golden",
            "data": {"use": "kit/data", "batch": c["batchSize"]},
            "text": {"use": "core/ngrams", "size": c["txtSize"]},
            "conditioning": {"use": "gawwn/project", "size": 4 * c["ngf"]},
            "noise": c["nz"],
            "stages": [
                {
                    "stage": {"use": f"gawwn/{self.stage}", "channels": c["ngf"]},
                    "discriminator": {"use": f"gawwn/{self.judge}", **size},
                }
            ],
            "training": {
                "gan": {
                    "steps": 1,
                    "updates": {
                        "discriminator": {"optimizer": ADAM, "losses": [self.objective]},
                        "generator": {"optimizer": ADAM, "losses": [PLAIN]},
                    },
                }
            },
        }
        return assemble(Recipe.from_yaml(json.dumps({"recipes": {"golden": tree}})), Parts(c["num_elt"]))

    def model(self, dtype: torch.dtype = torch.float64) -> Model:
        """A model in training mode with the authors' weights."""
        model = self.plan().build().to(dtype)
        self.importer.load(model, self.state())
        return model

    def batch(self, dtype: torch.dtype = torch.float64) -> Batch:
        """The fixture as a batch."""
        return Batch(
            images=(self.io["in/img"] if "in/img" in self.io else torch.zeros(self.rows, 3, 64, 64),),
            tokens=Tokens(
                torch.zeros(self.rows, 1, dtype=torch.int64), torch.ones(self.rows, dtype=torch.int64)
            ),
            text=TextFeatures(self.sentence),
            layout=self.layout,
            shown=self.shown,
        ).to("cpu", dtype)


class Parts:
    """Everything installed, and a data set that knows a box and so many keypoints."""

    def __init__(self, points: int) -> None:
        self.registry, self.points = load_plugins(), points

    def __getattr__(self, name: str) -> Any:
        return getattr(self.registry, name)

    def get(self, kind: str, name: str) -> Any:
        return data_with(self.points) if name == "kit/data" else self.registry.get(kind, name)


def data_with(points: int) -> type:
    from ganzoo.specs import DataSpec
    from ganzoo.testing.conformance.standins import Data

    class Placed(Data):
        def yields(self) -> DataSpec:
            return DataSpec(boxes=True, keypoints=points)

    return Placed


FIXTURES = {
    "gawwn_bbox_a": ("box_stage", "box_discriminator", BoxModel(), SHUFFLED),
    "gawwn_kp_a": ("keypoint_stage", "keypoint_discriminator", KeypointModel(), SHUFFLED),
    "gawwn_kpgen_a": ("keypoint_generator", "points_discriminator", PointsModel(), PLAIN),
}


@pytest.fixture(params=FIXTURES)
def golden(request: pytest.FixtureRequest) -> Authors:
    return Authors(GOLDEN / request.param, *FIXTURES[request.param])
