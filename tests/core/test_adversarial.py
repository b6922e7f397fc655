import math

import pytest
import torch

from ganzoo.core.adversarial import Hinge, LeastSquares, NonSaturating, Wasserstein
from ganzoo.flow import Logits

LOGITS = {
    "real": Logits(torch.tensor([2.0, -0.5]), torch.tensor([0.3, 0.1])),
    "mismatched": Logits(torch.tensor([0.7, 1.5]), torch.tensor([0.2, 0.2])),
    "fake": Logits(torch.tensor([-1.0, 0.4]), torch.tensor([-0.6, 1.2])),
}


class Recorded:
    """A step whose logits are given numbers."""

    levels = (0, 1)

    def __init__(self, update, unconditional=True):
        self.update, self.asked, self.looked = update, [], []
        self._unconditional = unconditional

    def look(self, level, *kinds):
        self.looked.append(kinds)

    def logits(self, kind, level):
        self.asked.append(kind)
        logits = LOGITS[kind]
        return logits if self._unconditional else Logits(logits.conditional)


def mean(values):
    return sum(values) / len(values)


TERMS = {
    NonSaturating: (
        lambda s: math.log1p(math.exp(-s)),
        lambda s: math.log1p(math.exp(s)),
        lambda s: math.log1p(math.exp(-s)),
    ),
    Hinge: (lambda s: max(0, 1 - s), lambda s: max(0, 1 + s), lambda s: -s),
    LeastSquares: (lambda s: (s - 1) ** 2 / 2, lambda s: s * s / 2, lambda s: (s - 1) ** 2 / 2),
    Wasserstein: (lambda s: -s, lambda s: s, lambda s: -s),
}  # fmt: skip


@pytest.mark.parametrize("cls", TERMS, ids=lambda c: c.__name__)
def test_discriminator_by_hand(cls):
    real, fake, _ = TERMS[cls]
    head = lambda kind, term: mean([term(s) for s in LOGITS[kind].conditional.tolist()])  # noqa: E731
    alone = lambda kind, term: mean([term(s) for s in LOGITS[kind].unconditional.tolist()])  # noqa: E731
    expected = head("real", real) + 0.75 * head("fake", fake) + 0.25 * head("mismatched", fake)
    expected += 0.5 * (alone("real", real) + alone("fake", fake))
    step = Recorded("discriminator")
    ours = cls(mismatched=0.25, unconditional=0.5)(step)
    assert float(ours) == pytest.approx(2 * expected, rel=1e-5, abs=1e-6)
    assert step.asked == ["real", "mismatched", "fake"] * 2
    assert step.looked == [("real", "mismatched", "fake")] * 2


@pytest.mark.parametrize("cls", TERMS, ids=lambda c: c.__name__)
def test_generator_by_hand(cls):
    made = TERMS[cls][2]
    expected = mean([made(s) for s in LOGITS["fake"].conditional.tolist()])
    assert float(cls()(Recorded("generator", unconditional=False))) == pytest.approx(
        2 * expected, rel=1e-5, abs=1e-6
    )
    expected += mean([made(s) for s in LOGITS["fake"].unconditional.tolist()])
    assert float(cls()(Recorded("generator"))) == pytest.approx(2 * expected, rel=1e-5, abs=1e-6)


def test_mismatched_pairs_are_needed_only_where_they_weigh():
    assert "mismatched" not in Hinge().requires() and "mismatched" in Hinge(mismatched=0.5).requires()
    step = Recorded("discriminator")
    Hinge()(step)
    assert "mismatched" not in step.asked


def test_large_logits_stay_finite():
    logits = torch.tensor([1e4, -1e4])
    assert (
        torch.isfinite(NonSaturating().real(logits)).all()
        and torch.isfinite(NonSaturating().fake(logits)).all()
    )
