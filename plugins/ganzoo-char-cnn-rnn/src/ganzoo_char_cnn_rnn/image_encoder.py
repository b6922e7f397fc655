"""The pictures' side of the joint embedding: Reed et al. 2016, arXiv:1605.05395, section 5.1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

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
from ganzoo.specs import ImageSpec


@dataclass(frozen=True, kw_only=True)
class Pooled(ImageEncoder):
    """Pictures [b, 3, r, r] -> a vector [b, size]: what a network of timm has before its classes.

    The network, the trunk, sees the picture resized to `side`. The authors' vectors are GoogLeNet's 1024
    features as they are, to which the text encoder learns to answer.

    `size`: of the vector. `backbone`: the trunk's name in timm, which has no GoogLeNet; densenet121 has as
    many features. `side`: in pixels. `project`: a learnt linear layer makes `size` of the trunk's features;
    without, there must be `size` of them. `pretrained_trunk`: a training begins with the weights that timm
    downloads. `train_trunk`: the encoders' update trains the trunk too; without, its weights and statistics
    stay.

    Source: Reed et al. 2016, section 5.1; reedscot/cvpr2016 image_noop.
    """

    source: ClassVar[str] = "Reed et al. 2016, arXiv:1605.05395, section 5.1"
    free: ClassVar = frozenset({"pretrained_trunk", "train_trunk"})
    tiny: ClassVar = {"size": 22, "backbone": "test_resnet", "side": 32, "project": True}

    size: PositiveInt = 1024
    backbone: str = "densenet121"
    side: PositiveInt = 224
    project: bool = False
    pretrained_trunk: bool = False
    train_trunk: bool = False

    @property
    def mean(self) -> tuple[float, float, float]:  # type: ignore[override]
        """Of pixels in 0..1 a channel, as the backbone's weights were trained with."""
        return tuple(self._trunk(pretrained=False).pretrained_cfg["mean"])

    @property
    def std(self) -> tuple[float, float, float]:  # type: ignore[override]
        """Likewise."""
        return tuple(self._trunk(pretrained=False).pretrained_cfg["std"])

    def yields(self) -> ImageSpec:
        """A vector `size` wide, no regions."""
        return ImageSpec(vector=self.size)

    def build(self) -> PooledModule:
        """The network with random weights.

        Raises GanzooError for a backbone that timm does not have, and for one with other than `size` features
        where nothing projects them.
        """
        trunk = self._trunk(pretrained=False)
        if not self.project and trunk.num_features != self.size:
            raise GanzooError(
                f"char_cnn_rnn/image gives {self.backbone}'s {trunk.num_features} features as they are, not "
                f"`size: {self.size}`; set image.size={trunk.num_features} and the text's size likewise, or "
                "image.project=true"
            )
        if not self.train_trunk:
            fixed(trunk)
        return PooledModule(trunk, self)

    def start(self, module: nn.Module) -> None:
        """Give the trunk timm's weights, if it is to have them. GanzooError where they cannot be had."""
        if self.pretrained_trunk:
            module.get_submodule("trunk").load_state_dict(self._trunk(pretrained=True).state_dict())

    def _trunk(self, *, pretrained: bool) -> Any:
        if not timm.is_model(self.backbone.split(".")[0]):
            hint = did_you_mean(self.backbone, timm.list_models())
            raise GanzooError(f"timm has no network {self.backbone!r}{hint}")
        try:
            return timm.create_model(self.backbone, pretrained=pretrained, num_classes=0)
        except (OSError, RuntimeError, ValueError, AttributeError) as error:
            if pretrained:
                raise GanzooError(
                    f"char_cnn_rnn/image cannot get timm's weights of {self.backbone}: {error}; without a "
                    "connection set `image.pretrained_trunk: false` and `image.train_trunk: true`"
                ) from error
            raise GanzooError(f"char_cnn_rnn/image cannot use {self.backbone}: {error}") from error


class PooledModule(nn.Module):
    """`trunk`, and `projection` of its features where there is one."""

    mean: Tensor
    std: Tensor

    def __init__(self, trunk: Any, options: Pooled) -> None:
        super().__init__()
        self.side, self.trains_trunk = options.side, options.train_trunk
        for name in ("mean", "std"):
            value = torch.tensor(trunk.pretrained_cfg[name]).view(3, 1, 1)
            self.register_buffer(name, value, persistent=False)
        self.trunk = trunk
        self.projection = nn.Linear(trunk.num_features, options.size) if options.project else nn.Identity()

    def train(self, mode: bool = True) -> Self:
        """A trunk that is not trained stays in evaluation mode."""
        super().train(mode)
        if not self.trains_trunk:
            self.trunk.eval()
        return self

    def forward(self, images: Float[Tensor, "b 3 r r"]) -> ImageFeatures:
        """The features of pictures in [-1, 1]."""
        seen = F.interpolate(images, (self.side, self.side), mode="bilinear", antialias=True)
        return ImageFeatures(self.projection(self.trunk(((seen + 1) / 2 - self.mean) / self.std)))
