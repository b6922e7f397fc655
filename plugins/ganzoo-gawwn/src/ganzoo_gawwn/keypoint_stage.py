"""The generator that is told keypoints: Reed et al. 2016, arXiv:1610.02454, section 4.2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from ganzoo.components import Stage
from ganzoo.errors import GanzooError
from ganzoo.flow import Condition, StageOutput
from ganzoo.specs import StageGiven, StageSpec
from ganzoo_gawwn.layers import (
    Residual,
    Side,
    doubled,
    down,
    first_up,
    initialise,
    keeping,
    last_down,
    linear,
    up,
)
from ganzoo_gawwn.places import anywhere, heat_maps


@dataclass(frozen=True, kw_only=True)
class KeypointStage(Stage):
    """(noise [b, z], code [b, c], keypoints [b, k, 3]) -> picture [b, 3, resolution, resolution].

    Keypoints become heat maps of `grid` pixels, one pixel each. A global path reads noise, code and the
    heat maps; a local path draws from noise and code, at the pixels with a keypoint only. Both are joined
    with the heat maps and upsampled.

    `resolution`: side of the picture in pixels, a power of two; the authors' is 128. `grid`: side of the heat
    maps, a power of two below it; the authors' is 16. `channels`: ngf in the authors' code; the joined map
    has 4 x channels, half as many whenever the side doubles.

    Source: Reed et al. 2016, section 4.2 and figure 3; reedscot/nips2016 main_cub_keypoints.lua.
    """

    needs: ClassVar = frozenset({"noise", "generator_code", "keypoints"})
    source: ClassVar[str] = "Reed et al. 2016, arXiv:1610.02454, section 4.2"
    tiny: ClassVar = {"resolution": 32, "grid": 8, "channels": 3}

    resolution: Side = 128
    grid: Side = 16
    channels: PositiveInt = 128

    def __post_init__(self) -> None:
        if self.grid >= self.resolution:
            raise GanzooError(
                f"gawwn/keypoint_stage upsamples maps of `grid: {self.grid}` to "
                f"`resolution: {self.resolution}`; make `grid` smaller"
            )

    def yields(self, given: StageGiven) -> StageSpec:
        """A picture of `resolution`, no hidden features."""
        return StageSpec(image=self.resolution)

    def build(self, given: StageGiven) -> KeypointPainter:
        """The network for the widths of noise and code and the number of keypoints in `given`."""
        return KeypointPainter(given, self)


class KeypointPainter(nn.Module):
    """The generator's two paths and what joins them; each Sequential is one of the authors'."""

    def __init__(self, given: StageGiven, sizes: KeypointStage) -> None:
        super().__init__()
        wide, code, points = sizes.channels, given.condition.generator_code, given.condition.keypoints
        self.grid = sizes.grid
        self.noise = nn.Linear(given.noise, 4 * wide)
        self.in_global = nn.Sequential(*linear(4 * wide + code, 4 * wide), nn.ReLU())
        self.heat = nn.Sequential(*_encoder(points, wide, self.grid))
        self.up_global = nn.Sequential(*_decoder(8 * wide, wide, self.grid))
        self.in_local = nn.Sequential(*linear(4 * wide + code, 4 * wide), nn.ReLU())
        self.out_local = nn.Sequential(*keeping(4 * wide, 4 * wide), nn.ReLU())
        joined = max(1, 16 * wide // self.grid) + 4 * wide + points
        self.merge = nn.Sequential(
            *keeping(joined, 4 * wide), nn.ReLU(),
            *keeping(4 * wide, 4 * wide), Residual(4 * wide), nn.ReLU(),
            *_painter(4 * wide, sizes),
        )  # fmt: skip
        initialise(self)

    def forward(
        self, previous: StageOutput | None, condition: Condition, noise: Float[Tensor, "b z"]
    ) -> StageOutput:
        """The picture; reads nothing of `previous`."""
        layout = condition.layout
        assert layout is not None and layout.keypoints is not None, "the assembler saw keypoints"
        maps = heat_maps(layout.keypoints, self.grid)  # [b, k, g, g]
        start = torch.cat([self.noise(noise), condition.generator_code], 1).relu()
        whole = torch.cat([self.in_global(start), self.heat(maps).flatten(1)], 1)
        whole = self.up_global(whole[:, :, None, None])
        within = self.out_local(self.in_local(start)[:, :, None, None] * anywhere(maps))
        return StageOutput(image=self.merge(torch.cat([whole, within, maps.to(whole.dtype)], 1)))


def _encoder(points: int, channels: int, side: int) -> list[nn.Module]:
    """Heat maps of `side` pixels to 1x1."""
    layers: list[nn.Module] = []
    inputs, outputs = points, channels
    for _ in doubled(8, side):
        layers += [*down(inputs, outputs), nn.ReLU()]
        inputs, outputs = outputs, 2 * outputs
    return [*layers, *last_down(inputs, 4 * channels), nn.ReLU()]


def _decoder(inputs: int, channels: int, side: int) -> list[nn.Module]:
    """1x1 to maps of `side` pixels."""
    at = 4 * channels
    layers = [*first_up(inputs, at), nn.ReLU()]
    for each in doubled(8, side):
        out = max(1, 16 * channels // each)
        layers += [*up(at, out), nn.ReLU()]
        at = out
    return layers


def _painter(inputs: int, sizes: KeypointStage) -> list[nn.Module]:
    """Maps of `grid` pixels to the picture."""
    layers: list[nn.Module] = []
    for _ in doubled(2 * sizes.grid, sizes.resolution // 2):
        layers += [*up(inputs, max(1, inputs // 2)), nn.ReLU()]
        inputs = max(1, inputs // 2)
    return [*layers, nn.ConvTranspose2d(inputs, 3, 4, 2, 1), nn.Tanh()]
