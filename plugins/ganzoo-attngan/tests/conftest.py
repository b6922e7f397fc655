"""The authors' numbers of AttnGAN (golden/), and models of the same size filled with their weights."""

from __future__ import annotations

import copy
import json
import logging
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from ganzoo_attngan.weights import AttnGan
from torch import Tensor, nn

import ganzoo
from ganzoo.assemble import assemble
from ganzoo.flow import Batch, GeneratorOutput, ImageFeatures, TextFeatures, Tokens
from ganzoo.model import Model
from ganzoo.plan import Plan
from ganzoo.plugins import load as load_plugins
from ganzoo.recipe import Recipe
from ganzoo.run import Run
from ganzoo.testing.golden import Golden

GOLDEN = Path(__file__).parent / "golden"
SIDES = (64, 128, 256)
ADAM = {"use": "adam", "lr": 2e-4, "betas": [0.5, 0.999]}


class ToyEncoder(nn.Module):
    """The fixture's stand-in for the image encoder."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.conv, self.fc = nn.Conv2d(3, width, 1, bias=False), nn.Linear(width, width)

    def forward(self, images: Tensor) -> ImageFeatures:
        regions = self.conv(F.adaptive_avg_pool2d(images, 17))
        return ImageFeatures(self.fc(regions.mean((2, 3))), regions.flatten(2).mT)


class Authors(Golden):
    """The fixture of the whole model: what went in, and what the authors' code made of it."""

    def input(self, key: str, dtype: torch.dtype = torch.float64) -> Tensor:
        value = self.io[f"in/{key}"]
        return value.to(dtype) if value.is_floating_point() else value

    def real(self, dtype: torch.dtype = torch.float64) -> tuple[Tensor, ...]:
        finest = self.io["in/real256_u8"].to(dtype) / 127.5 - 1
        return F.avg_pool2d(finest, 4), F.avg_pool2d(finest, 2), finest

    def stand_alone_fakes(self) -> tuple[Tensor, ...]:
        return tuple(-0.9 * image.flip(3) for image in self.real())

    def text(self, dtype: torch.dtype = torch.float64) -> TextFeatures:
        words = self.input("words_embs", dtype).mT
        return TextFeatures(self.input("sent_emb", dtype), words, self.io["in/captions"] > 0)

    def batch(self) -> Batch:
        return Batch(
            images=self.real(),
            tokens=Tokens(self.input("captions"), self.input("cap_lens")),
            text=self.text(),
            class_id=self.input("class_ids"),
        )

    def state(self) -> dict[str, Any]:
        """The weights as the importer takes them."""
        generator, *discriminators = (
            {k.removeprefix(net): v for k, v in self.weights.items() if k.startswith(net)}
            for net in ("G.", "D64.", "D128.", "D256.")
        )
        return {"generator": generator, "discriminators": discriminators}

    def tree(self, mask: str = "tiled") -> dict[str, Any]:
        """The recipe of the authors' networks, losses and optimizers, at the fixture's sizes."""
        c = self.config
        judge = {"use": "attngan/discriminator", "channels": c["DF"]}
        attend = {"use": "attngan/attend", "residual_blocks": c["R"], "mask": mask}
        stages = [{"use": "stackgan/initial", "channels": c["GF"]}, attend, attend]
        losses = [
            {"use": "core/nonsaturating"},
            {"use": "attngan/damsm", "weight": c["LAMBDA"]},
            {"use": "stackgan/kl"},
        ]
        return {
            "title": "golden",
            "data": {"use": "emoji/emoji", "batch": c["B"]},
            "text": {"use": "attngan/rnn", "size": c["NEF"]},
            "image": {"use": "attngan/cnn", "size": c["NEF"], "backbone": "test_resnet"},
            "conditioning": {"use": "stackgan/ca", "size": c["C"], "discriminator_code": "sentence"},
            "noise": c["Z"],
            "stages": [{"stage": stage, "discriminator": judge} for stage in stages],
            "training": {
                "gan": {
                    "steps": 2,
                    "ema": 0.999,
                    "updates": {
                        "discriminator": {"optimizer": ADAM, "losses": [{"use": "attngan/matching"}]},
                        "generator": {"optimizer": ADAM, "losses": losses},
                    },
                }
            },
        }

    def plan(self, tree: dict[str, Any] | None = None) -> Plan:
        recipe = Recipe.from_yaml(json.dumps({"recipes": {"golden": tree or self.tree()}}))
        return assemble(recipe, load_plugins())

    def model(self, dtype: torch.dtype = torch.float64, mask: str = "tiled") -> Model:
        """A model in training mode with the authors' weights and the fixture's image encoder."""
        return copy.deepcopy(self._model(mask)).to(dtype)

    @lru_cache  # noqa: B019 - as long as the session
    def _model(self, mask: str) -> Model:
        model = self.plan(self.tree(mask)).build()
        toy = {k.removeprefix("toy."): v for k, v in self.weights.items() if k.startswith("toy.")}
        model.image_encoder = ToyEncoder(self.config["NEF"])
        model.image_encoder.load_state_dict(toy)
        AttnGan().load(model, self.state())
        return model

    def synthesize(self, model: Model, rows: slice = slice(None)) -> GeneratorOutput:
        """One run of the generator on the recorded draws."""
        epsilons = [self.input("eps", model.dtype)[rows]] * len(SIDES)
        text = self.text(model.dtype).rows(rows)
        return model.synthesize(text, self.input("z", model.dtype)[rows], epsilons)


@pytest.fixture(scope="session")
def attngan() -> Authors:
    return Authors(GOLDEN / "attngan_a")


@pytest.fixture(scope="session")
def damsm() -> Golden:
    return Golden(GOLDEN / "attngan_damsm_losses_a")


@pytest.fixture(scope="session")
def rnn() -> Golden:
    return Golden(GOLDEN / "attngan_text_encoder_a")


@pytest.fixture(scope="session")
def cnn() -> Golden:
    return Golden(GOLDEN / "attngan_image_encoder_a")


@pytest.fixture(scope="session")
def recipe() -> Recipe:
    """`attngan-shapes`, much smaller."""
    changes = {
        "data.count": 48,
        "data.batch": 4,
        "text.size": 8,
        "text.embedding": 8,
        "image.size": 8,
        "image.side": 32,
        "image.level": -2,
        "conditioning.size": 4,
        "stages.0.stage.resolution": 8,
        "stages.0.stage.channels": 2,
        "stages.0.discriminator.channels": 2,
        "stages.1.discriminator.channels": 2,
        "training.damsm.steps": 2,
        "training.damsm.batch": 4,
        "training.gan.steps": 2,
        "training.damsm.measure": [{"use": "core/damsm_r_precision", "samples": 6}],
        "training.gan.measure": [{"use": "core/damsm_r_precision", "samples": 6}],
    }
    made = ganzoo.recipe("attngan-shapes")
    for path, value in changes.items():
        made = made.set(path, value)
    return made.named("small")


@pytest.fixture(scope="session")
def run(recipe: Recipe, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Both phases of it, two steps each."""
    return ganzoo.train(recipe, run_dir=tmp_path_factory.mktemp("runs") / "run", device="cpu", save_every=2)


@pytest.fixture(autouse=True)
def _log_as_before() -> Iterator[None]:
    """Commands show the log; not beyond the test that calls one."""
    log = logging.getLogger("ganzoo")
    before = log.level, list(log.handlers)
    yield
    log.level, log.handlers = before
