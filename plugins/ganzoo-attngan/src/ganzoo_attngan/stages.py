"""AttnGAN's attentional generator stages: Xu et al. 2018, arXiv:1711.10485, section 3.1."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from jaxtyping import Bool, Float
from pydantic import NonNegativeInt
from torch import Tensor, nn

from ganzoo.components import Stage
from ganzoo.flow import Condition, StageOutput
from ganzoo.nn.init import orthogonal_start
from ganzoo.nn.layers import ResidualBlock, UpBlock, conv3x3
from ganzoo.specs import StageGiven, StageSpec

Masked = Literal["own", "tiled", "nothing"]


@dataclass(frozen=True, kw_only=True)
class Attend(Stage):
    """Hidden features [b, f, r, r] and words [b, t, w] -> features [b, f, 2r, 2r] and their picture.

    Each pixel attends to the words, and what it reads there is joined with its features; residual blocks;
    nearest x2. It stands behind any stage that yields hidden features, whatever encoder gives the words. The
    attention of each word, [b, t, r, r], comes with the picture.

    `residual_blocks`: how many, R_NUM in the authors' code. `mask`: which words a pixel may look at; its
    `own` caption's, without the padding; `tiled`, the authors' order, in which pixel number p of row b goes
    by the padding of row (b r r + p) mod b's batch size, as their released weights were trained; `nothing`,
    padding counts as words.

    Source: Xu et al. 2018, arXiv:1711.10485, section 3.1, equations 1 to 3; taoxugit/AttnGAN model.py,
    NEXT_STAGE_G, and GlobalAttention.py, GlobalAttentionGeneral.
    """

    needs: ClassVar = frozenset({"words", "hidden"})
    source: ClassVar[str] = "Xu et al. 2018, arXiv:1711.10485, section 3.1, equations 1 to 3"
    tiny: ClassVar = {"residual_blocks": 1}

    residual_blocks: NonNegativeInt = 2
    mask: Masked = "own"

    def yields(self, given: StageGiven) -> StageSpec:
        """A picture of twice the side, as many hidden features as it is given."""
        assert given.previous is not None
        return StageSpec(image=2 * given.previous.image, hidden=given.previous.hidden, attention=True)

    def build(self, given: StageGiven) -> AttendingStage:
        """The network for the stage before it and the width of the words."""
        assert given.previous is not None
        return AttendingStage(
            given.condition.words, given.previous.hidden, self.residual_blocks, masked=self.mask
        )


class AttendingStage(nn.Module):
    """`attention` over the words, `residual` blocks, `upsample` to twice the side, `image`."""

    def __init__(self, words: int, hidden: int, residual_blocks: int, *, masked: Masked) -> None:
        super().__init__()
        self.attention = WordAttention(words, hidden, masked)
        self.residual = nn.Sequential(
            *(ResidualBlock(2 * hidden, gated=True) for _ in range(residual_blocks))
        )
        self.upsample = UpBlock(2 * hidden, hidden, gated=True)
        self.image = nn.Sequential(conv3x3(hidden, 3), nn.Tanh())
        orthogonal_start(self)

    def forward(
        self, previous: StageOutput | None, condition: Condition, noise: Float[Tensor, "b z"]
    ) -> StageOutput:
        """Features and picture at twice the side of `previous.hidden`; reads no code and no `noise`."""
        assert previous is not None and previous.hidden is not None and condition.words is not None
        read, attention = self.attention(previous.hidden, condition.words, condition.mask)
        hidden = self.upsample(self.residual(torch.cat([previous.hidden, read], 1)))
        return StageOutput(self.image(hidden), hidden, attention)


class WordAttention(nn.Module):
    """Words, projected to the width of the features, looked at by every pixel; scores are not scaled."""

    def __init__(self, words: int, hidden: int, masked: Masked) -> None:
        super().__init__()
        self.masked = masked
        self.project = nn.Conv2d(words, hidden, 1, bias=False)

    def forward(
        self,
        hidden: Float[Tensor, "b f r r"],
        words: Float[Tensor, "b t w"],
        mask: Bool[Tensor, "b t"] | None,
    ) -> tuple[Float[Tensor, "b f r r"], Float[Tensor, "b t r r"]]:
        """What each pixel reads, and how much of it in each word: over the words, the maps add up to 1.

        Two batched matrix products over [b, t, r r] are faster than torch's fused attention here (1.3 to
        1.7 times on a CPU: few words, many pixels), and the maps are theirs.
        """
        sides = hidden.shape[2:]
        keys = self.project(words.mT.unsqueeze(3)).squeeze(3)  # [b, f, t]
        pixels = hidden.flatten(2)  # [b, f, q]
        scores = torch.bmm(keys.mT, pixels)  # [b, t, q]
        if mask is not None and self.masked != "nothing":
            seen = mask.unsqueeze(2) if self.masked == "own" else tiled(mask, pixels.shape[2])
            scores = scores.masked_fill(~seen, -torch.inf)
        attention = scores.softmax(1)
        read = torch.bmm(keys, attention.to(keys.dtype))
        return read.unflatten(2, sides), attention.unflatten(2, sides)


def tiled(mask: Bool[Tensor, "b t"], pixels: int) -> Bool[Tensor, "b t {pixels}"]:
    """The mask as the authors repeat it: the rows of all pixels of all captions, masks taken in turn."""
    rows = len(mask)
    turn = torch.arange(rows * pixels, device=mask.device).remainder(rows).view(rows, pixels)
    return mask[turn].transpose(1, 2)
