"""Which CLIP: the names of the package clip-anytorch and the width that each gives, known without it."""

from __future__ import annotations

from dataclasses import dataclass

from ganzoo.errors import did_you_mean

# The width that texts and pictures share; clip.available_models() has the same names in this order.
WIDTHS = {
    "RN50": 1024, "RN101": 512, "RN50x4": 640, "RN50x16": 768, "RN50x64": 1024, "ViT-B/32": 512,
    "ViT-B/16": 512, "ViT-L/14": 768, "ViT-L/14@336px": 768,
}  # fmt: skip
RANDOM, RANDOM_WIDTH = "random", 64


@dataclass(frozen=True, kw_only=True)
class Which:
    """`model`: a name of the package, downloaded when first built; or `random`, small, of fixed weights.

    `checkpoint`: instead of `model`, a local file with the state dict of any CLIP of the package's class, as
    .safetensors or by torch.save. `folder`: where the package keeps its files; None = its own choice,
    ~/.cache/clip.
    """

    model: str = "ViT-B/32"
    checkpoint: str | None = None
    folder: str | None = None

    def __post_init__(self) -> None:
        if self.model not in WIDTHS and self.model != RANDOM:
            raise ValueError(
                f"no CLIP is called {self.model!r}{did_you_mean(self.model, WIDTHS)}; expected one of "
                f"{', '.join(WIDTHS)}, or {RANDOM}; a file goes into `checkpoint`"
            )

    @property
    def width(self) -> int:
        """Of its vectors. Raises GanzooError where `checkpoint` is no CLIP."""
        if self.checkpoint is not None:
            from ganzoo_clip.loading import width_of

            return width_of(self.checkpoint)
        return RANDOM_WIDTH if self.model == RANDOM else WIDTHS[self.model]
