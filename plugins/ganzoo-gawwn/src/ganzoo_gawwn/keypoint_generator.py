"""Keypoints drawn from a caption and those already known: Reed et al. 2016, arXiv:1610.02454, section 4.3."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from ganzoo.components import Discriminator, Stage
from ganzoo.flow import Condition, Layout, Logits, StageOutput
from ganzoo.specs import DiscriminatorGiven, StageGiven, StageSpec
from ganzoo_gawwn.layers import initialise, leaky, linear

DOT = 0.025  # radius of a drawn keypoint, as a share of the picture's side


@dataclass(frozen=True, kw_only=True)
class KeypointGenerator(Stage):
    """(noise [b, z], code [b, c], some keypoints [b, k, 3]) -> all of them, the given ones as given.

    Its picture, in which nothing is learnt, shows the keypoints as dots. A recipe's `data.hide` says how many
    keypoints are hidden from it while it trains.

    `channels`: ngf in the authors' code; layers are 2 to 8 times as wide. `resolution`: side of the picture
    in pixels.

    Source: Reed et al. 2016, section 4.3, equation 3; reedscot/nips2016 main_gen_keypoints.lua.
    """

    needs: ClassVar = frozenset({"noise", "generator_code", "keypoints"})
    source: ClassVar[str] = "Reed et al. 2016, arXiv:1610.02454, section 4.3"
    tiny: ClassVar = {"channels": 3, "resolution": 16}

    channels: PositiveInt = 128
    resolution: PositiveInt = 64

    def yields(self, given: StageGiven) -> StageSpec:
        """As many keypoints as there are, and a picture of them."""
        return StageSpec(image=self.resolution, keypoints=given.condition.keypoints)

    def build(self, given: StageGiven) -> PointsGenerator:
        """The network for the widths of noise and code and the number of keypoints in `given`."""
        return PointsGenerator(given, self.channels, self.resolution)


class PointsGenerator(nn.Module):
    """The generator's layers; each Sequential is one of the authors'."""

    def __init__(self, given: StageGiven, channels: int, resolution: int) -> None:
        super().__init__()
        wide, points = 4 * channels, given.condition.keypoints
        self.resolution = resolution
        self.noise = nn.Sequential(nn.Linear(given.noise, wide), nn.ReLU())
        self.known = nn.Sequential(*linear(3 * points, wide), nn.ReLU(), *linear(wide, wide // 2), nn.ReLU())
        at = wide + given.condition.generator_code + wide // 2
        layers: list[nn.Module] = []
        for out in (2 * wide, wide, wide // 2):
            layers += [*linear(at, out), nn.ReLU()]
            at = out
        self.trunk = nn.Sequential(*layers, nn.Linear(at, 3 * points))
        initialise(self)

    def forward(
        self, previous: StageOutput | None, condition: Condition, noise: Float[Tensor, "b z"]
    ) -> StageOutput:
        """All keypoints, and a picture of them; reads nothing of `previous`."""
        assert condition.layout is not None, "the assembler saw keypoints"
        known = condition.layout.keypoints
        assert known is not None, "the assembler saw keypoints"
        read = [self.noise(noise), condition.generator_code.relu(), self.known(known.flatten(1))]
        drawn = self.trunk(torch.cat(read, 1)).sigmoid().unflatten(1, (-1, 3))
        given = known[..., 2:]
        points = drawn * (1 - given) + known * given
        layout = Layout(condition.layout.boxes, points)
        return StageOutput(dots(points, self.resolution), layout=layout)


def dots(points: Float[Tensor, "b k 3"], side: int) -> Float[Tensor, "b 3 r r"]:
    """A picture in [-1, 1]: on white, each keypoint in a colour of its own, as strongly as it is there."""
    count = points.shape[1]
    hues = [colorsys.hsv_to_rgb(number / count, 1.0, 0.9) for number in range(count)]
    palette = torch.tensor(hues, dtype=points.dtype, device=points.device)  # [k, 3]
    centres = (torch.arange(side, dtype=points.dtype, device=points.device) + 0.5) / side
    x, y = (((centres - points[..., axis, None]) / DOT).square() for axis in (0, 1))  # [b, k, r]
    strength = points[..., 2, None, None] * torch.exp(-(y[..., None] + x[..., None, :]) / 2)
    light = torch.einsum("bkyx,kc->bcyx", strength, 1 - palette)
    return (1 - 2 * light).clamp(-1, 1)


@dataclass(frozen=True, kw_only=True)
class PointsDiscriminator(Discriminator):
    """Keypoints [b, k, 3], codes [b, d] -> one logit a pair.

    `channels`: ndf in the authors' code; layers are 2 and 4 times as wide.

    Source: Reed et al. 2016, section 4.3; reedscot/nips2016 main_gen_keypoints.lua.
    """

    needs: ClassVar = frozenset({"keypoints"})
    judges: ClassVar[Literal["pictures", "keypoints"]] = "keypoints"
    source: ClassVar[str] = "Reed et al. 2016, arXiv:1610.02454, section 4.3"
    tiny: ClassVar = {"channels": 2}

    channels: PositiveInt = 128

    def build(self, given: DiscriminatorGiven) -> PointsJudge:
        """The network for the number of keypoints and the code's width in `given`."""
        return PointsJudge(given.condition.keypoints, given.condition.discriminator_code, self.channels)


class PointsJudge(nn.Module):
    """The discriminator's layers; each Sequential is one of the authors'."""

    def __init__(self, points: int, code: int, channels: int) -> None:
        super().__init__()
        wide = 4 * channels
        self.points = _two(3 * points, wide)
        self.code = _two(code, wide)
        self.head = nn.Sequential(*linear(wide, wide // 2), leaky(), nn.Linear(wide // 2, 1))
        initialise(self)

    def features(self, points: Float[Tensor, "b k 3"]) -> Float[Tensor, "b f"]:
        """Keypoints, absent ones at 0, to a vector."""
        out: Tensor = self.points(points.flatten(1))
        return out

    def judge(self, features: Float[Tensor, "b f"], code: Float[Tensor, "b d"]) -> Logits:
        """The logit of each (keypoints, code) pair, before the authors' sigmoid."""
        return Logits(conditional=self.head(torch.cat([features, self.code(code)], 1)).flatten())


def _two(inputs: int, wide: int) -> nn.Sequential:
    return nn.Sequential(*linear(inputs, wide), leaky(), *linear(wide, wide // 2), leaky())
