"""Text and image encoders that grade: the model's own, or those that a metric names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganzoo.errors import GanzooError
from ganzoo.flow import ImageFeatures, TextFeatures, Tokens
from ganzoo.metrics.backbones import checksum_of
from ganzoo.misfits import made
from ganzoo.model import Model
from ganzoo.plugins import Registry

AT_ONCE = 64


@dataclass(frozen=True, eq=False)
class Encoders:
    """Two modules on one device, in evaluation mode. `image` is None where no picture is looked at."""

    text: nn.Module
    image: nn.Module | None
    device: torch.device

    @classmethod
    def of(cls, model: Model) -> Encoders:
        """Those that the model was trained with."""
        return cls(model.text_encoder, model.image_encoder, model.device)

    @classmethod
    def called(
        cls, text: Mapping[str, Any], image: Mapping[str, Any], registry: Registry, device: torch.device
    ) -> Encoders:
        """Those that a metric names, as recipes do. Raises GanzooError where one cannot be had."""
        told = _built("text_encoders", text, registry)
        seen = cls.image_called(image, registry).to(device).eval() if image else None
        return cls(told.to(device).eval(), seen, device)

    @staticmethod
    def image_called(image: Mapping[str, Any], registry: Registry) -> nn.Module:
        """The module of an image encoder with its options."""
        return _built("image_encoders", image, registry)

    @property
    def checksum(self) -> str:
        """Changes when weights do."""
        image = "" if self.image is None else checksum_of(self.image)
        return f"{checksum_of(self.text)} {image}".strip()

    def read(self, captions: Sequence[str]) -> TextFeatures:
        """What the text encoder says of captions in words."""
        encoder: Any = self.text
        return self.read_tokens(encoder.tokenize(list(captions)))

    @torch.no_grad()
    def read_tokens(self, tokens: Tokens) -> TextFeatures:
        """Sentences of captions that are tokenised, on the CPU."""
        parts = []
        for start in range(0, len(tokens.ids), AT_ONCE):
            part = tokens.rows(slice(start, start + AT_ONCE)).to(self.device)
            parts.append(cast(TextFeatures, self.text(part)).sentence.cpu())
        return TextFeatures(torch.cat(parts))

    @torch.no_grad()
    def see(self, images: Tensor) -> ImageFeatures:
        """Vectors of pictures [n, 3, r, r] in 8 bits, on the CPU."""
        assert self.image is not None, "there is an image encoder"
        parts = [
            self.image(part.to(self.device).float() / 127.5 - 1).vector.cpu()
            for part in torch.split(images, AT_ONCE)
        ]
        return ImageFeatures(torch.cat(parts))


def _built(kind: str, given: Mapping[str, Any], registry: Registry) -> nn.Module:
    options = dict(given)
    use = str(options.pop("use"))
    component = made(registry, kind, use, options)
    if not component.pretrained:
        raise GanzooError(
            f"{use} has no weights before it is trained with a model, so it cannot grade; name one with "
            "weights of its own, such as clip/text, clip/image or core/ngrams"
        )
    return cast(nn.Module, component.build())
