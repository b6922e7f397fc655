"""Penalties on the discriminator's gradient with respect to pictures, for every level and every head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
from pydantic import NonNegativeFloat
from torch import Tensor

from ganzoo.components import Loss
from ganzoo.flow import Logits
from ganzoo.step import Step


@dataclass(frozen=True, kw_only=True)
class R1(Loss):
    """gamma / 2 E[ |d s(x, c) / d x|^2 ] on real pictures x, for every head.

    Option `gamma`. Cheaper with `every: 16` (lazy regularisation, Karras et al. 2020, arXiv:1912.04958,
    appendix B).

    Source: Mescheder et al. 2018, arXiv:1801.04406, equation 9.
    """

    updates: ClassVar[frozenset[Literal["discriminator", "generator", "encoders"]]] = frozenset(
        {"discriminator"}
    )
    needs: ClassVar[frozenset[str]] = frozenset({"real"})
    source: ClassVar[str] = "Mescheder et al. 2018, arXiv:1801.04406, equation 9"

    gamma: NonNegativeFloat = 10.0

    def __call__(self, step: Step) -> Tensor:
        """The sum over the phase's levels and heads."""
        total = step.batch.images[0].new_zeros(())
        for level in step.levels:
            images = step.real(level).detach().requires_grad_()
            for gradient in head_gradients(step.judge(level, images, step.code(level)), images):
                total = total + self.gamma / 2 * gradient.square().sum(1).mean()
        return total

    def linear_penalty(self, picture: float, code: float) -> float:
        """Half of `gamma` times the squared norm."""
        return self.gamma / 2 * picture**2


@dataclass(frozen=True, kw_only=True)
class GradientPenalty(Loss):
    """weight x E[ (|d s(x~, c) / d x~| - 1)^2 ] at x~ = a x + (1 - a) G(z, c).

    One mixing coefficient a is drawn for each sample. Of more samples a caption the first is mixed. The usual
    `weight` is 10.

    Source: Gulrajani et al. 2017, arXiv:1704.00028, equation 3 and algorithm 1.
    """

    updates: ClassVar[frozenset[Literal["discriminator", "generator", "encoders"]]] = frozenset(
        {"discriminator"}
    )
    needs: ClassVar[frozenset[str]] = frozenset({"real", "fake"})
    source: ClassVar[str] = "Gulrajani et al. 2017, arXiv:1704.00028, equation 3"

    weight: float = 10.0

    def __call__(self, step: Step) -> Tensor:
        """The sum over the phase's levels and heads."""
        total = step.batch.images[0].new_zeros(())
        for level in step.levels:
            real = step.real(level)
            fake = step.fake(level)[: len(real)].detach()
            mix = step.draws.uniform(len(real)).to(real.dtype).view(-1, *[1] * (real.dim() - 1))
            images = (mix * real + (1 - mix) * fake).requires_grad_()
            for gradient in head_gradients(step.judge(level, images, step.code(level)), images):
                total = total + (gradient.norm(dim=1) - 1).square().mean()
        return total

    def linear_penalty(self, picture: float, code: float) -> float:
        """How far the norm is from 1, squared."""
        return (picture - 1) ** 2


def head_gradients(logits: Logits, images: Tensor) -> list[Tensor]:
    """[b, 3 r r] gradients of each head's logits with respect to `images`, differentiable once more."""
    heads = [logits.conditional] + ([] if logits.unconditional is None else [logits.unconditional])
    return [torch.autograd.grad(head.sum(), images, create_graph=True)[0].flatten(1) for head in heads]
