import pytest
import torch
from torch import nn

from ganzoo.core.penalties import R1, GradientPenalty
from ganzoo.flow import Batch, Condition, GeneratorOutput, Logits, StageOutput, TextFeatures, Tokens
from ganzoo.testing.golden import RecordedDraws


class Linear(nn.Module):
    """A discriminator whose gradient is known: s(x, c) = <a, x>, s(x) = <b, x>."""

    def __init__(self, unconditional):
        super().__init__()
        self.a = nn.Parameter(torch.randn(3 * 16, dtype=torch.float64))
        self.b = nn.Parameter(torch.randn(3 * 16, dtype=torch.float64)) if unconditional else None

    def judge(self, images):
        flat = images.flatten(1)
        return Logits(flat @ self.a, None if self.b is None else flat @ self.b)


class Known:
    """A step over that discriminator."""

    levels = (0,)

    def __init__(self, discriminator, mix):
        rows, fake = len(mix), torch.randn(len(mix), 3, 4, 4, dtype=torch.float64)
        tokens = Tokens(torch.ones(rows, 1, dtype=torch.int64), torch.ones(rows, dtype=torch.int64))
        self.discriminator = discriminator
        self.batch = Batch((torch.randn(rows, 3, 4, 4, dtype=torch.float64),), tokens)
        self.draws = RecordedDraws(uniforms=[mix])
        text, noise = TextFeatures(torch.zeros(rows, 2)), torch.zeros(rows, 1)
        condition = Condition(torch.zeros(rows, 2), torch.zeros(rows, 2))
        self.generated = GeneratorOutput(text, noise, (), (condition,), (StageOutput(fake),))
        self.judged = []

    def code(self, level):
        return self.generated.conditions[level].discriminator_code

    def real(self, level):
        return self.batch.images[level]

    def fake(self, level):
        return self.generated.stages[level].image

    def judge(self, level, images, code):
        self.judged.append(images)
        return self.discriminator.judge(images)


@pytest.mark.parametrize("unconditional", [False, True])
def test_r1_of_a_linear_discriminator_is_its_squared_norm(unconditional):
    linear = Linear(unconditional)
    expected = 3.0 / 2 * linear.a.square().sum() + (3.0 / 2 * linear.b.square().sum() if unconditional else 0)
    penalty = R1(gamma=3.0)(Known(linear, torch.rand(2)))
    torch.testing.assert_close(penalty, expected.detach(), check_dtype=False)
    penalty.backward()
    torch.testing.assert_close(linear.a.grad, 3.0 * linear.a.detach())


@pytest.mark.parametrize("unconditional", [False, True])
def test_gradient_penalty_of_a_linear_discriminator(unconditional):
    linear = Linear(unconditional)
    expected = (linear.a.norm() - 1) ** 2 + ((linear.b.norm() - 1) ** 2 if unconditional else 0)
    penalty = GradientPenalty()(Known(linear, torch.rand(3)))
    torch.testing.assert_close(penalty, expected.detach(), check_dtype=False)
    penalty.backward()
    assert linear.a.grad.abs().sum() > 0


def test_every_sample_has_its_own_mixing_coefficient():
    step = Known(Linear(False), torch.tensor([0.0, 0.25, 1.0]))
    GradientPenalty()(step)
    real, fake, mixed = step.batch.images[0], step.generated.stages[0].image, step.judged[0].detach()
    torch.testing.assert_close(mixed[0], fake[0])
    torch.testing.assert_close(mixed[1], 0.25 * real[1] + 0.75 * fake[1])
    torch.testing.assert_close(mixed[2], real[2])
