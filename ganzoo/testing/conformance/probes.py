"""Discriminators put in a loss's way: one that notes which pairs it judges, one that is linear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from ganzoo.flow import Logits

UNDECIDED = 0.5  # where every usual adversarial loss still wants real pairs higher and wrong pairs lower


class Judged(NamedTuple):
    """Pictures [n, 3, r, r] and codes [n, d] that were judged, and the conditional logits [n] given."""

    images: Tensor
    code: Tensor
    logits: Tensor


class Probe(nn.Module):
    """Gives every pair the same logit and keeps what it was asked in `judged`."""

    def __init__(self) -> None:
        super().__init__()
        self.judged: list[Judged] = []

    def features(self, images: Tensor) -> Tensor:
        """The pictures themselves."""
        return images

    def judge(self, features: Tensor, code: Tensor) -> Logits:
        """Logits of 0.5 that do not depend on the weights of anything."""
        logits = torch.full((len(features),), UNDECIDED, requires_grad=True)
        self.judged.append(Judged(features.detach(), code.detach(), logits))
        nothing = 0 * (features.flatten(1).sum(1) + code.sum(1))  # there is a gradient to them, but it is 0
        return Logits(logits + nothing, logits.detach() + nothing)


@dataclass(frozen=True)
class Norms:
    """Of a linear discriminator's gradients to the picture and to the code."""

    picture: float
    code: float


class Linear(nn.Module):
    """One logit, linear in picture and code, whose gradients to them have these norms."""

    def __init__(self, norms: Norms, side: int, code: int) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(0)

        def direction(size: int, norm: float) -> nn.Parameter:
            drawn = torch.randn(size, generator=generator)
            return nn.Parameter(norm * drawn / drawn.norm())

        self.picture, self.code = direction(3 * side * side, norms.picture), direction(code, norms.code)

    def features(self, images: Tensor) -> Tensor:
        """The pictures as vectors."""
        return images.flatten(1)

    def judge(self, features: Tensor, code: Tensor) -> Logits:
        """Picture and code, each along its direction."""
        return Logits(features @ self.picture + code @ self.code)
