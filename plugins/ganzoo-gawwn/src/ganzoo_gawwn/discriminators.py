"""The discriminators that see where things are: Reed et al. 2016, arXiv:1610.02454, sections 4.1 and 4.2."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from ganzoo.components import Discriminator
from ganzoo.errors import GanzooError
from ganzoo.flow import Layout, Logits
from ganzoo.specs import DiscriminatorGiven
from ganzoo_gawwn.layers import Side, doubled, down, initialise, last_down, leaky, linear, power_of_two
from ganzoo_gawwn.places import anywhere, crop, heat_maps

# The authors' program runs the trunk twice for each picture, once a path: two moves of its running statistics
# by 0.1 are one of 0.19.
TWICE = 1 - 0.9**2


@dataclass(frozen=True, kw_only=True)
class Placed(Discriminator):
    """What both discriminators share.

    `grid`: side of the maps that places are read at, a power of two below the pictures' side; the authors' is
    16. `channels`: ndf in the authors' code. `text`: width of the projected code, nt.
    """

    tiny: ClassVar = {"grid": 8, "channels": 2, "text": 5}

    grid: Side = 16
    channels: PositiveInt = 128
    text: PositiveInt = 128

    def check(self, given: DiscriminatorGiven) -> None:
        """Raises GanzooError unless pictures have a power of two of pixels a side, more than `grid`."""
        try:
            power_of_two(given.image)
        except ValueError as error:
            raise GanzooError(f"{type(self).__name__} cannot judge pictures of this side: {error}") from error
        if given.image <= self.grid:
            raise GanzooError(
                f"{type(self).__name__} reads maps of `grid: {self.grid}` pixels and cannot judge pictures "
                f"of {given.image}; make `grid` smaller"
            )


@dataclass(frozen=True, kw_only=True)
class BoxDiscriminator(Placed):
    """Pictures [b, 3, r, r], codes [b, d], boxes -> one logit a pair.

    A local path crops the box out of picture and code; a global path sees the whole.

    Source: Reed et al. 2016, section 4.1; reedscot/nips2016 main_cub_bbox.lua.
    """

    needs: ClassVar = frozenset({"boxes"})
    source: ClassVar[str] = "Reed et al. 2016, arXiv:1610.02454, section 4.1"

    def build(self, given: DiscriminatorGiven) -> BoxJudge:
        """The network for `given`. Raises GanzooError as `check` does."""
        self.check(given)
        return BoxJudge(given, self)


@dataclass(frozen=True, kw_only=True)
class KeypointDiscriminator(Placed):
    """Pictures [b, 3, r, r], codes [b, d], keypoints -> one logit a pair.

    A local path sees picture and code at the keypoints only; a global path sees the whole.

    Source: Reed et al. 2016, section 4.2; reedscot/nips2016 main_cub_keypoints.lua.
    """

    needs: ClassVar = frozenset({"keypoints"})
    source: ClassVar[str] = "Reed et al. 2016, arXiv:1610.02454, section 4.2"

    def build(self, given: DiscriminatorGiven) -> KeypointJudge:
        """The network for `given`. Raises GanzooError as `check` does."""
        self.check(given)
        return KeypointJudge(given, self)


class Judge(nn.Module):
    """What both networks share; each Sequential is one of the authors'."""

    def __init__(self, given: DiscriminatorGiven, sizes: Placed, *, more: int, joined: int) -> None:
        super().__init__()
        wide, text, self.grid = sizes.channels, sizes.text, sizes.grid
        self.trunk = nn.Sequential(*_trunk(given.image, wide, self.grid))
        self.code = nn.Sequential(nn.Linear(given.condition.discriminator_code, text), leaky())
        self.in_local = nn.Sequential(
            nn.Conv2d(2 * wide + text, 2 * wide, 3, padding=1), nn.BatchNorm2d(2 * wide), leaky()
        )
        self.out_local = nn.Sequential(
            nn.Conv2d(2 * wide + more, 2 * wide, 1), nn.BatchNorm2d(2 * wide), leaky(),
            nn.Conv2d(2 * wide, wide, 1),
        )  # fmt: skip
        self.image_global, top = _tower(2 * wide, self.grid)
        self.joint = nn.Sequential(
            nn.Conv2d(top + joined, 4 * wide, 1), nn.BatchNorm2d(4 * wide), leaky(),
            *last_down(4 * wide, wide), leaky(),
        )  # fmt: skip
        self.head = nn.Sequential(*linear(2 * wide, wide), leaky(), nn.Linear(wide, 1))

    def features(self, images: Float[Tensor, "b 3 r r"]) -> tuple[Tensor, Tensor]:
        """Pictures in [-1, 1] to maps of `grid` and of 4 pixels."""
        trunk = self.trunk(images)
        return trunk, self.image_global(trunk)

    def judge(
        self, features: tuple[Tensor, Tensor], code: Float[Tensor, "b d"], layout: Layout | None
    ) -> Logits:
        """The logit of each (picture, code, layout), before the authors' sigmoid."""
        assert layout is not None, "the assembler saw to a layout"
        trunk, whole = features
        text = self.code(code)[:, :, None, None]  # [b, t, 1, 1]
        spread = text.expand(-1, -1, self.grid, self.grid)
        local = self.in_local(torch.cat([trunk, spread], 1))
        within = nn.functional.leaky_relu(self.out_local(self.local(local, layout)).mean((2, 3)), 0.2)
        joined = self.joint(torch.cat([whole, self.text_global(text, layout)], 1)).flatten(1)
        return Logits(conditional=self.head(torch.cat([within, joined], 1)).flatten())

    @abstractmethod
    def local(self, maps: Tensor, layout: Layout) -> Tensor:
        """What the local path sees of its maps [b, c, g, g]."""

    @abstractmethod
    def text_global(self, text: Tensor, layout: Layout) -> Tensor:
        """The code [b, t, 1, 1] as the global path sees it, at 4x4."""


class BoxJudge(Judge):
    """The discriminator that crops a box."""

    def __init__(self, given: DiscriminatorGiven, sizes: BoxDiscriminator) -> None:
        wide, at = sizes.channels, sizes.text
        super().__init__(given, sizes, more=0, joined=wide)
        layers: list[nn.Module] = []
        for side in reversed(doubled(8, self.grid)):
            out = 4 * wide if side > 8 else wide
            layers += [*down(at, out), nn.ReLU()]
            at = out
        self.text_map = nn.Sequential(*layers)
        initialise(self)

    def local(self, maps: Tensor, layout: Layout) -> Tensor:
        """The box, stretched to the whole map."""
        assert layout.boxes is not None, "the assembler saw boxes"
        return crop(maps, layout.boxes)

    def text_global(self, text: Tensor, layout: Layout) -> Tensor:
        """The code at every pixel, cropped, through strided convolutions.

        As in the authors' program, where a crop of what is the same everywhere changes nothing.
        """
        assert layout.boxes is not None, "the assembler saw boxes"
        spread = text.expand(-1, -1, self.grid, self.grid)
        out: Tensor = self.text_map(crop(spread, layout.boxes))
        return out


class KeypointJudge(Judge):
    """The discriminator that looks at keypoints."""

    def __init__(self, given: DiscriminatorGiven, sizes: KeypointDiscriminator) -> None:
        super().__init__(given, sizes, more=given.condition.keypoints, joined=sizes.text)
        initialise(self)

    def local(self, maps: Tensor, layout: Layout) -> Tensor:
        """The maps where there is a keypoint, and the heat maps."""
        assert layout.keypoints is not None, "the assembler saw keypoints"
        heat = heat_maps(layout.keypoints, self.grid)
        return torch.cat([maps * anywhere(heat), heat.to(maps.dtype)], 1)

    def text_global(self, text: Tensor, layout: Layout) -> Tensor:
        """The code at every pixel."""
        return text.expand(-1, -1, 4, 4)


def _trunk(resolution: int, channels: int, grid: int) -> list[nn.Module]:
    """Pictures to maps [b, 2 channels, grid, grid]."""
    layers: list[nn.Module] = []
    at = 3
    for _ in doubled(4 * grid, resolution):
        layers += [nn.Conv2d(at, channels, 4, 2, 1), leaky()]
        at = channels
    wide = 2 * channels
    layers += [nn.Conv2d(at, wide, 4, 2, 1), nn.BatchNorm2d(wide, momentum=TWICE), leaky()]
    return [*layers, nn.Conv2d(wide, wide, 3, padding=1), nn.BatchNorm2d(wide, momentum=TWICE), leaky()]


def _tower(inputs: int, grid: int) -> tuple[nn.Sequential, int]:
    """Maps of `grid` pixels to 4x4, doubling channels; and how many there are then."""
    layers: list[nn.Module] = []
    for _ in doubled(8, grid):
        layers += [*down(inputs, 2 * inputs), leaky()]
        inputs *= 2
    return nn.Sequential(*layers), inputs
