"""The generator that is told a bounding box: Reed et al. 2016, arXiv:1610.02454, section 4.1."""

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
from ganzoo_gawwn.layers import Residual, Side, doubled, down, first_up, initialise, keeping, last_down, up
from ganzoo_gawwn.places import paste


@dataclass(frozen=True, kw_only=True)
class BoxStage(Stage):
    """(noise [b, z], code [b, c], box [b, 4]) -> picture [b, 3, resolution, resolution].

    A global path reads noise and a map of the code pasted into the box; a local path draws from noise and
    code, and what it has drawn is pasted into the box. Both end at maps of `grid` pixels, are joined there
    and upsampled.

    `resolution`: side of the picture in pixels, a power of two; the authors' is 128. `grid`: side of the maps
    that boxes are pasted into, a power of two below it; the authors' is 16. `channels`: ngf in the authors'
    code; a map of side r has 32 x channels / r. `last`: channels of the map in front of the picture, where
    there is one behind `grid`.

    Source: Reed et al. 2016, section 4.1 and figure 2; reedscot/nips2016 main_cub_bbox.lua.
    """

    needs: ClassVar = frozenset({"noise", "generator_code", "boxes"})
    source: ClassVar[str] = "Reed et al. 2016, arXiv:1610.02454, section 4.1"
    tiny: ClassVar = {"resolution": 32, "grid": 8, "channels": 2, "last": 3}

    resolution: Side = 128
    grid: Side = 16
    channels: PositiveInt = 128
    last: PositiveInt = 32

    def __post_init__(self) -> None:
        if self.grid >= self.resolution:
            raise GanzooError(
                f"gawwn/box_stage upsamples maps of `grid: {self.grid}` to `resolution: {self.resolution}`; "
                "make `grid` smaller"
            )

    def yields(self, given: StageGiven) -> StageSpec:
        """A picture of `resolution`, no hidden features."""
        return StageSpec(image=self.resolution)

    def build(self, given: StageGiven) -> BoxGenerator:
        """The network for `given.noise` and the width of `given.condition.generator_code`."""
        return BoxGenerator(given.noise, given.condition.generator_code, self)


class BoxGenerator(nn.Module):
    """The generator's two paths and what joins them; each Sequential is one of the authors'."""

    def __init__(self, noise: int, code: int, sizes: BoxStage) -> None:
        super().__init__()
        wide, self.grid = sizes.channels, sizes.grid
        self.noise_global = nn.Linear(noise, 4 * wide)
        self.noise_local = nn.Linear(noise, 4 * wide)
        self.text_map = nn.Sequential(*_encoder(code, 4 * wide, self.grid))
        self.up_global = nn.Sequential(*_decoder(8 * wide, wide, self.grid), nn.ReLU())
        self.up_local = nn.Sequential(*_decoder(4 * wide + code, wide, self.grid, residual=True))
        at = _width(wide, self.grid)
        self.merge = nn.Sequential(*keeping(2 * at, at), nn.ReLU(), *_painter(at, sizes))
        initialise(self)

    def forward(
        self, previous: StageOutput | None, condition: Condition, noise: Float[Tensor, "b z"]
    ) -> StageOutput:
        """The picture; reads nothing of `previous`."""
        assert condition.layout is not None and condition.layout.boxes is not None, "the assembler saw boxes"
        boxes, code = condition.layout.boxes, condition.generator_code
        spread = code[:, :, None, None].expand(-1, -1, self.grid, self.grid)
        text = self.text_map(paste(spread, boxes)).flatten(1)  # [b, 4n]
        start = torch.cat([self.noise_global(noise).relu(), text], 1).relu()
        whole = self.up_global(start[:, :, None, None])  # [b, w, g, g]
        start = torch.cat([self.noise_local(noise), code], 1).relu()
        within = paste(self.up_local(start[:, :, None, None]), boxes).relu()  # [b, w, g, g]
        return StageOutput(image=self.merge(torch.cat([whole, within], 1)))


def _width(channels: int, side: int) -> int:
    """Channels of a map of `side` pixels, at least 1."""
    return max(1, 32 * channels // side)


def _encoder(inputs: int, outputs: int, side: int) -> list[nn.Module]:
    """Maps of `side` pixels to 1x1."""
    layers: list[nn.Module] = []
    for _ in doubled(8, side):
        layers += [*down(inputs, outputs), nn.ReLU()]
        inputs = outputs
    return [*layers, *last_down(inputs, outputs), nn.ReLU()]


def _decoder(inputs: int, channels: int, side: int, *, residual: bool = False) -> list[nn.Module]:
    """1x1 to maps of `side` pixels, with ReLU (behind a residual block) at each but the last."""
    at = _width(channels, 4)
    layers = first_up(inputs, at)
    for each in doubled(8, side):
        layers += [*([Residual(at)] if residual else []), nn.ReLU(), *up(at, _width(channels, each))]
        at = _width(channels, each)
    return layers


def _painter(inputs: int, sizes: BoxStage) -> list[nn.Module]:
    """Maps of `grid` pixels to the picture."""
    layers: list[nn.Module] = []
    for side in doubled(2 * sizes.grid, sizes.resolution // 2):
        out = sizes.last if 2 * side == sizes.resolution else _width(sizes.channels, side)
        layers += [*up(inputs, out), nn.ReLU()]
        inputs = out
    return [*layers, nn.ConvTranspose2d(inputs, 3, 4, 2, 1), nn.Tanh()]
