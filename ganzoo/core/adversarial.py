"""Adversarial losses over every level with a discriminator, conditional and unconditional heads alike.

With s the discriminator's logit, c the caption's code, and m the weight of mismatched pairs: discriminator:
E[real(s(x, c))] + (1 - m) E[fake(s(G(z, c), c))] + m E[fake(s(x', c))] + u (the same on pictures alone);
generator: E[made(s(G(z, c), c))] + u E[made(s(G(z, c)))].
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

import torch.nn.functional as F
from pydantic import Field, NonNegativeFloat
from torch import Tensor

from ganzoo.components import Loss
from ganzoo.flow import Logits
from ganzoo.step import Step


@dataclass(frozen=True, kw_only=True)
class Adversarial(Loss):
    """What every adversarial loss shares.

    `mismatched`: m, the share of the wrong term that goes to (picture, foreign caption) pairs; 0 = they are
    not judged. `unconditional`: u, the weight of the heads that judge pictures alone, where the
    discriminators have them.
    """

    updates: ClassVar[frozenset[Literal["discriminator", "generator", "encoders"]]] = frozenset(
        {"discriminator", "generator"}
    )
    needs: ClassVar[frozenset[str]] = frozenset({"real", "fake"})

    mismatched: Annotated[float, Field(ge=0, le=1)] = 0.0
    unconditional: NonNegativeFloat = 1.0

    def requires(self) -> frozenset[str]:
        """Mismatched pairs only where they weigh something."""
        return self.needs | ({"mismatched"} if self.mismatched else set())

    @abstractmethod
    def real(self, logit: Tensor) -> Tensor:
        """What the discriminator pays for a real pair's logit, elementwise."""

    @abstractmethod
    def fake(self, logit: Tensor) -> Tensor:
        """What the discriminator pays for a wrong pair's logit, elementwise."""

    @abstractmethod
    def made(self, logit: Tensor) -> Tensor:
        """What the generator pays for its picture's logit, elementwise."""

    def __call__(self, step: Step) -> Tensor:
        """The sum over the phase's levels, for the update in progress."""
        level_loss = self._generator if step.update == "generator" else self._discriminator
        first, *rest = [level_loss(step, level) for level in step.levels]
        return sum(rest, first)

    def _discriminator(self, step: Step, level: int) -> Tensor:
        # In this order: batch norm's running statistics move with each call, as in the authors' programs.
        step.look(level, "real", *(("mismatched",) if self.mismatched else ()), "fake")
        real = step.logits("real", level)
        wrong = step.logits("mismatched", level) if self.mismatched else None
        fake = step.logits("fake", level)
        loss = self.real(real.conditional).mean()
        loss = loss + (1 - self.mismatched) * self.fake(fake.conditional).mean()
        if wrong is not None:
            loss = loss + self.mismatched * self.fake(wrong.conditional).mean()
        return loss + self._alone(real, self.real) + self._alone(fake, self.fake)

    def _generator(self, step: Step, level: int) -> Tensor:
        fake = step.logits("fake", level)
        return self.made(fake.conditional).mean() + self._alone(fake, self.made)

    def _alone(self, logits: Logits, term: Callable[[Tensor], Tensor]) -> Tensor | float:
        if logits.unconditional is None or not self.unconditional:
            return 0.0
        return self.unconditional * term(logits.unconditional).mean()


@dataclass(frozen=True, kw_only=True)
class NonSaturating(Adversarial):
    """Binary cross-entropy on logits; the generator minimises -log D(G(z)).

    Source: Goodfellow et al. 2014, arXiv:1406.2661, section 3 (the non-saturating form).
    """

    source: ClassVar[str] = "Goodfellow et al. 2014, arXiv:1406.2661, section 3"

    def real(self, logit: Tensor) -> Tensor:
        """-log sigmoid(s)."""
        return F.softplus(-logit)

    def fake(self, logit: Tensor) -> Tensor:
        """-log(1 - sigmoid(s))."""
        return F.softplus(logit)

    def made(self, logit: Tensor) -> Tensor:
        """-log sigmoid(s)."""
        return F.softplus(-logit)


@dataclass(frozen=True, kw_only=True)
class Hinge(Adversarial):
    """Hinge loss: max(0, 1 - s) on real, max(0, 1 + s) on wrong pairs; the generator minimises -s.

    Source: Lim & Ye 2017, arXiv:1705.02894, equations 9 to 11.
    """

    source: ClassVar[str] = "Lim & Ye 2017, arXiv:1705.02894, equations 9 to 11"

    def real(self, logit: Tensor) -> Tensor:
        """max(0, 1 - s)."""
        return F.relu(1 - logit)

    def fake(self, logit: Tensor) -> Tensor:
        """max(0, 1 + s)."""
        return F.relu(1 + logit)

    def made(self, logit: Tensor) -> Tensor:
        """-s."""
        return -logit


@dataclass(frozen=True, kw_only=True)
class LeastSquares(Adversarial):
    """Least squares with targets 1 and 0, each term halved.

    Source: Mao et al. 2017, arXiv:1611.04076, equation 9.
    """

    source: ClassVar[str] = "Mao et al. 2017, arXiv:1611.04076, equation 9"

    def real(self, logit: Tensor) -> Tensor:
        """(s - 1)^2 / 2."""
        return (logit - 1).square() / 2

    def fake(self, logit: Tensor) -> Tensor:
        """s^2 / 2."""
        return logit.square() / 2

    def made(self, logit: Tensor) -> Tensor:
        """(s - 1)^2 / 2."""
        return (logit - 1).square() / 2


@dataclass(frozen=True, kw_only=True)
class Wasserstein(Adversarial):
    """The critic's difference of means; wants `core/gradient_penalty` beside it.

    Source: Arjovsky et al. 2017, arXiv:1701.07875, equation 2.
    """

    source: ClassVar[str] = "Arjovsky et al. 2017, arXiv:1701.07875, equation 2"

    def real(self, logit: Tensor) -> Tensor:
        """-s."""
        return -logit

    def fake(self, logit: Tensor) -> Tensor:
        """The logit itself."""
        return logit

    def made(self, logit: Tensor) -> Tensor:
        """-s."""
        return -logit
