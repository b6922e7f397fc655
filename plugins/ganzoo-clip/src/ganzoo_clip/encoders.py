"""The encoders `clip/text` and `clip/image`. What runs is in `modules.py`; `build()` alone imports clip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from pydantic import PositiveInt

from ganzoo.components import ImageEncoder, TextEncoder
from ganzoo.specs import ImageSpec, TextSpec
from ganzoo_clip.models import RANDOM, Which

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class ClipText(Which, TextEncoder):
    """Captions to CLIP's vectors: a sentence [b, s], words [b, t, s], in the space of its pictures.

    Frozen, never in train mode. The sentence is what the package's `encode_text` gives, not normalised: the
    last layer at the end of the caption, projected. Words are the last layer's vectors of word pieces,
    projected in the same way, without those of the caption's start and end; each has read what stands before
    it. Captions are read up to 77 pieces.

    `words`: at most so many word pieces a caption are given as words; the sentence reads on. `model`: a name
    of the package clip-anytorch, downloaded when first built (RN50, RN101, RN50x4, RN50x16, RN50x64,
    ViT-B/32, ViT-B/16, ViT-L/14, ViT-L/14@336px); or `random`, a small CLIP of fixed random weights that
    knows nothing, for rehearsals. `checkpoint`: instead, a local file with the state dict of a CLIP.
    `folder`: where downloads lie; None = ~/.cache/clip.

    Source: Radford et al. 2021, arXiv:2103.00020, section 2.4 (text encoder).
    """

    needs: ClassVar[frozenset[str]] = frozenset({"captions"})
    source: ClassVar[str] = "Radford et al. 2021, arXiv:2103.00020, section 2.4"
    pretrained: ClassVar[bool] = True
    tiny: ClassVar[dict[str, Any]] = {"words": 6, "model": RANDOM}

    words: PositiveInt = 18

    def yields(self) -> TextSpec:
        """The width of CLIP's space twice, 512 for ViT-B/32. GanzooError where `checkpoint` is no CLIP."""
        return TextSpec(sentence=self.width, words=self.width)

    def build(self) -> nn.Module:
        """A `ClipTextModule`. Raises GanzooError where the weights cannot be had or do not fit."""
        from ganzoo_clip.loading import load
        from ganzoo_clip.modules import ClipTextModule

        return ClipTextModule(load(self), self.words)


@dataclass(frozen=True, kw_only=True)
class ClipImage(Which, ImageEncoder):
    """Pictures [b, 3, r, r] to CLIP's vectors: of the whole [b, s], of its patches [b, n, s].

    Frozen, never in train mode. Pictures are resized as the package does, bicubic, to the side that the model
    reads. The vector is what the package's `encode_image` gives, not normalised. Regions are in the same
    space: of a vision transformer the patches' vectors through the last norm and the projection that the
    whole goes through; of a ResNet each place of the last map through the value and output layers of the
    attention that pools it.

    `model`: a name of the package clip-anytorch, downloaded when first built (RN50, RN101, RN50x4, RN50x16,
    RN50x64, ViT-B/32, ViT-B/16, ViT-L/14, ViT-L/14@336px); or `random`, a small CLIP of fixed random weights
    that knows nothing, for rehearsals. `checkpoint`: instead, a local file with the state dict of a CLIP.
    `folder`: where downloads lie; None = ~/.cache/clip.

    Source: Radford et al. 2021, arXiv:2103.00020, section 2.4 (image encoders); regions of a ResNet: Zhou et
    al. 2022, arXiv:2112.01071, section 3.2.
    """

    source: ClassVar[str] = "Radford et al. 2021, arXiv:2103.00020, section 2.4"
    pretrained: ClassVar[bool] = True
    mean: ClassVar[tuple[float, float, float]] = (0.48145466, 0.4578275, 0.40821073)
    std: ClassVar[tuple[float, float, float]] = (0.26862954, 0.26130258, 0.27577711)
    tiny: ClassVar[dict[str, Any]] = {"model": RANDOM}

    def yields(self) -> ImageSpec:
        """The width of CLIP's space twice, 512 for ViT-B/32. GanzooError where `checkpoint` is no CLIP."""
        return ImageSpec(vector=self.width, regions=self.width)

    def build(self) -> nn.Module:
        """A `ClipImageModule`. Raises GanzooError where the weights cannot be had or do not fit."""
        from ganzoo_clip.loading import load
        from ganzoo_clip.modules import ClipImageModule

        return ClipImageModule(load(self).visual, self.mean, self.std)
