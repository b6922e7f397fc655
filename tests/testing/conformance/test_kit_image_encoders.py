"""The kit passes image encoders that are right and names the fault of those that are not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from ganzoo.components import ImageEncoder
from ganzoo.flow import ImageFeatures
from ganzoo.specs import ImageSpec
from ganzoo.testing import examine

MEAN, STD = (0.48, 0.46, 0.41), (0.27, 0.26, 0.28)


class Seeing(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 5, 8, 8)
        self.register_buffer("mean", torch.tensor(MEAN).view(3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(3, 1, 1))

    def forward(self, images):
        regions = self.layer(self.rescaled(images)).flatten(2).transpose(1, 2)
        return ImageFeatures(regions.mean(1), regions)

    def rescaled(self, images):
        images = F.interpolate((images + 1) / 2, size=(24, 24), mode="bicubic", antialias=True)
        return (images - self.mean) / self.std


class Patches(Seeing):
    """The same in patches through a linear layer: [b, n, 3 p p]."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(3 * 8 * 8, 5)

    def forward(self, images):
        patches = F.unfold(self.rescaled(images), 8, stride=8).transpose(1, 2)
        regions = self.layer(patches)
        return ImageFeatures(regions.mean(1), regions)


class Unweighted(Seeing):
    """The mean colours, and nothing to learn."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Identity()

    def forward(self, images):
        regions = F.adaptive_avg_pool2d(images, 2).flatten(2).transpose(1, 2).repeat(1, 1, 2)[:, :, :5]
        return ImageFeatures(regions.mean(1), regions)


@dataclass(frozen=True, kw_only=True)
class Eyes(ImageEncoder):
    """Resizes, rescales, sees."""

    source: ClassVar[str] = "this test"
    mean: ClassVar = MEAN
    std: ClassVar = STD
    network: ClassVar = Seeing

    def yields(self):
        return ImageSpec(5, 5)

    def build(self):
        return self.network()


@pytest.mark.parametrize("module", [Seeing, Patches, Unweighted])
def test_right_ones_pass(module):
    @dataclass(frozen=True, kw_only=True)
    class Mine(Eyes):
        """As before."""

        network: ClassVar = module

    examine(Mine, "mine/right")


class Twice(Seeing):
    def rescaled(self, images):
        return super().rescaled((images + 1) / 2)


class Never(Seeing):
    def rescaled(self, images):
        return F.interpolate(images, size=(24, 24))


@pytest.mark.parametrize(
    "module, given", [(Twice, "0.0741, 1.31, 2.11"), (Never, "-1, 0.2, 1")], ids=["twice", "never"]
)
def test_pixels_before_the_first_layer(module, given, fault):
    @dataclass(frozen=True, kw_only=True)
    class Mine(Eyes):
        """As before."""

        network: ClassVar = module

    assert (
        f"gives its first layer {given} for a picture of the colour -1, 0.2, 1; its `mean` and `std` say "
        "-1.78, 0.538, 2.11: (p - mean) / std of p in 0..1, and pictures come in [-1, 1]"
    ) in fault(Mine)
