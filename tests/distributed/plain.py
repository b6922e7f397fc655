"""A plugin without batch norm: rows meet nowhere but in losses, so a batch may be cut anywhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import nn

from ganzoo.components import Conditioning, Discriminator, Stage
from ganzoo.flow import Condition, Logits, StageOutput
from ganzoo.hookspecs import hookimpl
from ganzoo.specs import ConditionSpec, StageSpec

SIDE = 8


@dataclass(frozen=True, kw_only=True)
class Gaussian(Conditioning):
    """A code drawn around a projection of the sentence; discriminators judge the projection."""

    needs: ClassVar = frozenset({"sentence"})

    def yields(self, text):
        return ConditionSpec(5, 5, gaussian=True)

    def epsilon(self, text):
        return 5

    def build(self, text):
        return GaussianCode(text.sentence)


class GaussianCode(nn.Module):
    def __init__(self, sentence):
        super().__init__()
        self.mean, self.logvar = nn.Linear(sentence, 5), nn.Linear(sentence, 5)

    def forward(self, text, layout, epsilon):
        mean, logvar = self.mean(text.sentence), self.logvar(text.sentence)
        return Condition(mean + (logvar / 2).exp() * epsilon, mean, mean=mean, logvar=logvar)


@dataclass(frozen=True, kw_only=True)
class Painter(Stage):
    """Two Linear layers."""

    needs: ClassVar = frozenset({"noise", "generator_code"})

    def yields(self, given):
        return StageSpec(image=SIDE)

    def build(self, given):
        return Paint(given.noise + given.condition.generator_code)


class Paint(nn.Module):
    def __init__(self, inputs):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(inputs, 16), nn.LeakyReLU(0.2), nn.Linear(16, 3 * SIDE * SIDE), nn.Tanh()
        )

    def forward(self, previous, condition, noise):
        made = self.layers(torch.cat([noise, condition.generator_code], 1))
        return StageOutput(made.unflatten(1, (3, SIDE, SIDE)))


@dataclass(frozen=True, kw_only=True)
class Critic(Discriminator):
    """Two Linear layers."""

    def build(self, given):
        return Criticise(3 * given.image**2, given.condition.discriminator_code)


class Criticise(nn.Module):
    def __init__(self, pixels, code):
        super().__init__()
        self.image = nn.Sequential(nn.Flatten(), nn.Linear(pixels, 16), nn.Softplus())
        self.joint = nn.Sequential(nn.Linear(16 + code, 16), nn.Softplus(), nn.Linear(16, 1))

    def features(self, images):
        return self.image(images)

    def judge(self, features, code):
        return Logits(self.joint(torch.cat([features, code], 1))[:, 0])


@hookimpl
def ganzoo_conditionings():
    return {"gaussian": Gaussian}


@hookimpl
def ganzoo_stages():
    return {"painter": Painter}


@hookimpl
def ganzoo_discriminators():
    return {"critic": Critic}
