"""Five faults that other projects had for years, made again as small components: the kit names each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import nn

from ganzoo.components import ImageEncoder, Loss, Stage
from ganzoo.core.penalties import GradientPenalty, head_gradients
from ganzoo.flow import ImageFeatures, StageOutput
from ganzoo.specs import ImageSpec, StageSpec


def test_mismatched_captions_that_match(fault):
    @dataclass(frozen=True, kw_only=True)
    class Matching(Loss):
        """Turns the captions, then pairs the pictures with what it had before it turned them."""

        needs: ClassVar = frozenset({"real", "fake", "mismatched"})
        updates: ClassVar = frozenset({"discriminator"})
        source: ClassVar[str] = "this test"

        def __call__(self, step):
            return sum(self.level(step, level) for level in step.levels)

        def level(self, step, level):
            code = step.code(level)
            turned = code.roll(1, 0)
            assert turned.shape == code.shape
            wrong = step.judge(level, step.batch.images[level], code)
            real, fake = step.logits("real", level), step.logits("fake", level)
            loss = F.softplus(-real.conditional).mean() + F.softplus(fake.conditional).mean() / 2
            return loss + F.softplus(wrong.conditional).mean() / 2

    assert fault(Matching) == (
        "component mine/broken calls 6 pairs of a real picture and its own caption wrong, "
        "where mismatched pairs are pictures of other classes"
    )


def penalty_with(draw):
    @dataclass(frozen=True, kw_only=True)
    class Mixed(GradientPenalty):
        """As in core, with other coefficients; `weight` and `every` as ever."""

        def __call__(self, step):
            return sum(self.level(step, level) for level in step.levels)

        def level(self, step, level):
            real, code = step.batch.images[level], step.code(level)
            fake = step.generated.images[level][: len(real)].detach()
            mix = draw(step, len(real)).view(-1, 1, 1, 1)
            images = (mix * real + (1 - mix) * fake).requires_grad_()
            gradients = head_gradients(step.judge(level, images, code), images)
            return sum((gradient.norm(dim=1) - 1).square().mean() for gradient in gradients)

    return Mixed


def test_one_mixing_coefficient_for_a_whole_batch(fault):
    assert "draws 1 uniform number(s) for a batch of 3 rows" in (
        fault(penalty_with(lambda step, rows: step.draws.uniform(1)))
    )
    assert "mixes real and fake pictures with one coefficient, 0." in (
        fault(penalty_with(lambda step, rows: step.draws.uniform(rows)[:1]))
    )
    assert "draws from torch's global generator" in fault(penalty_with(lambda step, rows: torch.rand(1)))


class Features(nn.Module):
    """Rescales from [-1, 1] to 0..1 for itself, though `encode` has done so before."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 5, 8, 8)

    def forward(self, images):
        return self.encode((images + 1) / 2)

    def encode(self, images):
        images = (images + 1) / 2
        regions = self.layer((images - 0.45) / 0.25).flatten(2).transpose(1, 2)
        return ImageFeatures(regions.mean(1), regions)


def test_pictures_rescaled_twice_before_an_encoder(fault):
    @dataclass(frozen=True, kw_only=True)
    class Eyes(ImageEncoder):
        """A convolution, pretrained on pixels of mean 0.45 and deviation 0.25."""

        source: ClassVar[str] = "this test"
        mean: ClassVar = (0.45, 0.45, 0.45)
        std: ClassVar = (0.25, 0.25, 0.25)

        def yields(self):
            return ImageSpec(5, 5)

        def build(self):
            return Features()

    assert fault(Eyes) == (
        "component mine/broken gives its first layer 0.2, 1.4, 2.2 for a picture of the colour -1, 0.2, 1; "
        "its `mean` and `std` say -1.8, 0.6, 2.2: (p - mean) / std of p in 0..1, and pictures come in [-1, 1]"
    )


class Painter(nn.Module):
    gated = False

    def __init__(self, inputs, gated=False, read=None):
        super().__init__()
        self.gated == gated  # noqa: B015 - the fault: compared, where it should be assigned
        self.layer, self.read = nn.Linear(inputs, 3 * 8 * 8), read

    def forward(self, previous, condition, noise):
        image = self.layer(torch.cat([noise, condition.generator_code], 1)).view(-1, 3, 8, 8).tanh()
        if self.gated:
            image = image * image.mean((1, 2, 3), keepdim=True).sigmoid()
        return StageOutput(image if self.read is None else self.read(image, condition))


@dataclass(frozen=True, kw_only=True)
class Plain(Stage):
    """A linear layer to a picture of 8 x 8; `gated`: dimmed by how bright it is."""

    needs: ClassVar = frozenset({"noise", "generator_code"})
    source: ClassVar[str] = "this test"

    gated: bool = False

    def yields(self, given):
        return StageSpec(image=8)

    def build(self, given):
        return Painter(given.noise + given.condition.generator_code, gated=self.gated)


def test_an_option_compared_instead_of_assigned(fault):
    assert fault(Plain) == (
        "component mine/broken ignores its option `gated`: [True] change nothing. If that is so only "
        "at `tiny` sizes, say so: conformance(..., unfelt={'broken': ['gated']})"
    )


def test_a_field_that_was_never_declared(fault):
    @dataclass(frozen=True, kw_only=True)
    class Reader(Plain):
        """Reads words where there are any; `gated` as before."""

        def build(self, given):
            def read(image, condition):
                return image if condition.words is None else image * condition.words.mean().tanh()

            return Painter(given.noise + given.condition.generator_code, read=read)

    assert fault(Reader) == "component mine/broken read `words` without declaring it"
