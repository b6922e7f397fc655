"""The kit passes components that are right and names the fault of those that are not."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn

from ganzoo.components import Conditioning, Dataset, Discriminator, Loss, Stage
from ganzoo.core.penalties import GradientPenalty, head_gradients
from ganzoo.core.text import NGrams, NGramsModule
from ganzoo.data.examples import Examples
from ganzoo.data.shapes import Shapes
from ganzoo.errors import GanzooError
from ganzoo.flow import Condition, Logits, StageOutput, TextFeatures, Tokens
from ganzoo.specs import ConditionSpec, DataSpec, StageSpec
from ganzoo.testing import conformance, examine


def fault(cls, **extras):
    """What the kit says of a component class."""
    with pytest.raises(AssertionError) as caught:
        examine(cls, "mine/broken", **extras)
    message = str(caught.value)
    assert "component mine/broken" in message
    return message


# -- a component of every kind that is right --------------------------------------------------------------


class Painter(nn.Module):
    """A stage's network; `paint` is what the broken ones change."""

    def __init__(self, given, side, read):
        super().__init__()
        self.side, self.read = side, read
        self.layer = nn.Linear(given.noise + given.condition.generator_code, 3 * side * side)

    def forward(self, previous, condition, noise):
        maps = self.layer(torch.cat([noise, condition.generator_code], 1))
        return self.paint(maps.view(-1, 3, self.side, self.side).tanh(), previous, condition)

    def paint(self, image, previous, condition):
        return StageOutput(image if self.read is None else self.read(image, previous, condition))


@dataclass(frozen=True, kw_only=True)
class Plain(Stage):
    """A linear layer to a picture of `side` pixels."""

    needs: ClassVar = frozenset({"noise", "generator_code"})
    source: ClassVar[str] = "this test"
    tiny: ClassVar = {"side": 8}
    read: ClassVar[Any] = None
    network: ClassVar[Any] = Painter

    side: int = 64

    def yields(self, given):
        return StageSpec(image=self.side)

    def build(self, given):
        return self.network(given, self.side, type(self).read)


@dataclass(frozen=True, kw_only=True)
class Gaussian(Conditioning):
    """A code `size` wide, drawn."""

    needs: ClassVar = frozenset({"sentence"})
    source: ClassVar[str] = "this test"
    tiny: ClassVar = {"size": 5}

    size: int = 128

    def yields(self, text):
        return ConditionSpec(self.size, text.sentence, gaussian=True, words=text.words)

    def epsilon(self, text):
        return self.size

    def build(self, text):
        return Drawn(text.sentence, self.size)


class Drawn(nn.Module):
    def __init__(self, sentence, size):
        super().__init__()
        self.layer = nn.Linear(sentence, 2 * size)

    def forward(self, text, layout, epsilon):
        mean, logvar = self.layer(text.sentence).chunk(2, 1)
        return Condition(
            mean + (logvar / 2).exp() * epsilon, text.sentence, mean, logvar, text.words, text.mask
        )


class Matching(nn.Module):
    """A discriminator's network with both heads."""

    def __init__(self, code):
        super().__init__()
        self.look, self.match, self.alone = nn.Conv2d(3, 4, 4, 4), nn.Linear(4 + code, 1), nn.Linear(4, 1)

    def features(self, images):
        return F.softplus(self.look(images)).mean((2, 3))

    def judge(self, features, code):
        return Logits(self.match(torch.cat([features, code], 1))[:, 0], self.alone(features)[:, 0])


@dataclass(frozen=True, kw_only=True)
class Judge(Discriminator):
    """Two heads."""

    source: ClassVar[str] = "this test"
    heads: ClassVar = frozenset({"conditional", "unconditional"})
    network: ClassVar[Any] = Matching

    def build(self, given):
        return self.network(given.condition.discriminator_code)


@dataclass(frozen=True, kw_only=True)
class Divergence(Loss):
    """KL divergence of the code's Gaussian from a standard normal; `weight` and `every` as ever."""

    needs: ClassVar = frozenset({"gaussian"})
    updates: ClassVar = frozenset({"generator"})
    source: ClassVar[str] = "this test"

    def __call__(self, step):
        c = step.generated.conditions[0]
        return (c.mean.square() + c.logvar.exp() - 1 - c.logvar).mean() / 2


@pytest.mark.parametrize("cls", [Plain, Gaussian, Judge, Divergence])
def test_right_components_pass(cls):
    examine(cls, "mine/right")


# -- stages -----------------------------------------------------------------------------------------------


def test_a_stage_that_reads_what_it_did_not_declare():
    @dataclass(frozen=True, kw_only=True)
    class Reader(Plain):
        """`side` as before."""

        read: ClassVar = staticmethod(
            lambda image, previous, condition: (
                image if condition.words is None else image * condition.words.mean().tanh()
            )
        )

    assert fault(Reader) == "component mine/broken read `words` without declaring it"


def test_a_stage_that_fails_without_what_it_did_not_declare():
    @dataclass(frozen=True, kw_only=True)
    class Asker(Plain):
        """`side` as before."""

        read: ClassVar = staticmethod(
            lambda image, previous, condition: image * (condition.words.shape[1] > 0)
        )

    assert "fails where there is only what it requires: AttributeError" in fault(Asker)


def test_a_stage_of_another_resolution():
    @dataclass(frozen=True, kw_only=True)
    class Small(Plain):
        """`side` as before."""

        def yields(self, given):
            return StageSpec(image=2 * self.side)

    assert "declares pictures [3, 3, 16, 16], but gives pictures [3, 3, 8, 8]" in fault(Small)


def test_a_stage_with_undeclared_hidden_features():
    class Hidden(Painter):
        def paint(self, image, previous, condition):
            return StageOutput(image, image)

    @dataclass(frozen=True, kw_only=True)
    class Secretive(Plain):
        """`side` as before."""

        network: ClassVar = Hidden

    assert "declares hidden features not at all, but gives hidden features 3 wide" in fault(Secretive)


def test_pictures_out_of_range():
    @dataclass(frozen=True, kw_only=True)
    class Loud(Plain):
        """`side` as before."""

        read: ClassVar = staticmethod(lambda image, previous, condition: 9 * image)

    assert re.search(r"values up to \d.*; expected \[-1, 1\]", fault(Loud))


def test_a_parameter_without_gradient():
    class Forgetful(Painter):
        def __init__(self, *args):
            super().__init__(*args)
            self.unused = nn.Linear(2, 2)

    @dataclass(frozen=True, kw_only=True)
    class Lame(Plain):
        """`side` as before."""

        network: ClassVar = Forgetful

    message = fault(Lame)
    assert "does not depend on its parameter unused.bias, its parameter unused.weight" in message


def test_a_declared_need_that_is_not_used():
    @dataclass(frozen=True, kw_only=True)
    class Greedy(Plain):
        """`side` as before."""

        needs: ClassVar = frozenset({"noise", "generator_code", "words"})

    assert "does not depend on the input `words`" in fault(Greedy)


def test_draws_inside_forward():
    @dataclass(frozen=True, kw_only=True)
    class Noisy(Plain):
        """`side` as before."""

        read: ClassVar = staticmethod(
            lambda image, previous, condition: (image + torch.randn_like(image)).clamp(-1, 1)
        )

    assert "draws from torch's global generator" in fault(Noisy)


@pytest.mark.parametrize(
    "read, message",
    [
        (lambda image, *_: image.float(), "was moved to float64, but gives ['torch.float32']"),
        (lambda image, *_: (image - image.mean(0)) / 2, "mixes the rows of a batch"),
    ],
)
def test_other_faults_of_a_forward_pass(read, message):
    @dataclass(frozen=True, kw_only=True)
    class Odd(Plain):
        """`side` as before."""

    Odd.read = staticmethod(read)
    assert message in fault(Odd)


def test_a_tensor_on_a_fixed_device():
    @dataclass(frozen=True, kw_only=True)
    class Rooted(Plain):
        """`side` as before."""

        read: ClassVar = staticmethod(
            lambda image, previous, condition: image * torch.ones(8, device="cpu", dtype=image.dtype)
        )

    assert "fails on another device than the CPU: RuntimeError" in fault(Rooted)


def test_weights_that_the_state_dict_leaves_out():
    class Leaky(Painter):
        def __init__(self, *args):
            super().__init__(*args)
            self.register_buffer("shift", torch.randn(1), persistent=False)

        def paint(self, image, previous, condition):
            return StageOutput((image + self.shift).clamp(-1, 1))

    @dataclass(frozen=True, kw_only=True)
    class Lossy(Plain):
        """`side` as before."""

        network: ClassVar = Leaky

    assert "gives other outputs after its state dict was loaded elsewhere" in fault(Lossy)


def test_extra_tensors_need_their_shape():
    @dataclass(frozen=True, kw_only=True)
    class Extra(Plain):
        """`side` as before."""

        needs: ClassVar = frozenset({"noise", "generator_code", "mine/mood"})
        read: ClassVar = staticmethod(
            lambda image, previous, c: image * c.extra["mine/mood"].mean((1, 2)).tanh()[:, None, None, None]
        )

    assert "needs `mine/mood`: tell the kit its shape" in fault(Extra)
    examine(Extra, "mine/right", extras={"mine/mood": (4, 2)})


# -- conditionings and discriminators ---------------------------------------------------------------------


def test_a_code_of_another_width():
    @dataclass(frozen=True, kw_only=True)
    class Wide(Gaussian):
        """`size` as before."""

        def yields(self, text):
            return replace(super().yields(text), discriminator_code=self.size)

    message = fault(Wide)
    assert "declares a discriminator code 5 wide, but gives a discriminator code 22 wide" in message


def test_an_epsilon_that_is_not_used():
    class Still(Drawn):
        def forward(self, text, layout, epsilon):
            return super().forward(text, layout, torch.zeros_like(epsilon))

    @dataclass(frozen=True, kw_only=True)
    class Numb(Gaussian):
        """`size` as before."""

        def build(self, text):
            return Still(text.sentence, self.size)

    assert "does not depend on the input `epsilon`" in fault(Numb)


def test_a_discriminator_that_ignores_the_code():
    class Deaf(Matching):
        def judge(self, features, code):
            return super().judge(features, torch.zeros_like(code))

    @dataclass(frozen=True, kw_only=True)
    class Ignores(Judge):
        """Two heads."""

        network: ClassVar = Deaf

    assert "does not depend on the input `code`" in fault(Ignores)


def test_an_unconditional_head_that_reads_the_code():
    class Peeking(Matching):
        def judge(self, features, code):
            logits = super().judge(features, code)
            return Logits(logits.conditional, logits.unconditional + code.mean(1))

    @dataclass(frozen=True, kw_only=True)
    class Peeks(Judge):
        """Two heads."""

        network: ClassVar = Peeking

    assert "reads the code in its unconditional head" in fault(Peeks)


def test_heads_that_are_not_declared():
    @dataclass(frozen=True, kw_only=True)
    class OneHead(Judge):
        """Says it has one head."""

        heads: ClassVar = frozenset({"conditional"})

    assert "declares heads ['conditional'], but gives an unconditional logit" in fault(OneHead)


def test_a_discriminator_of_one_code_width():
    class Fixed(Matching):
        def __init__(self, code):
            super().__init__(13)

    @dataclass(frozen=True, kw_only=True)
    class Narrow(Judge):
        """Two heads."""

        network: ClassVar = Fixed

    assert "fails on a code 1 wide: RuntimeError" in fault(Narrow)


# -- losses -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Objective(Loss):
    """`weight` and `every` as ever; what it computes is set by the test."""

    needs: ClassVar = frozenset({"real"})
    updates: ClassVar = frozenset({"discriminator"})
    source: ClassVar[str] = "this test"
    of: ClassVar[Any] = None

    def __call__(self, step):
        return type(self).of(self, step)


def real(step):
    return F.softplus(-step.logits("real", 0).conditional)


@pytest.mark.parametrize(
    "of, updates, message",
    [
        (lambda _, step: real(step).mean(), {"discriminator"}, None),
        (lambda _, step: real(step).mean(), {"critic"}, "serves in the updates ['critic']; expected some of"),
        (
            lambda _, step: head_gradients(
                step.judge(0, x := step.batch.images[0].clone().requires_grad_(), step.code(0).detach()), x
            )[0].mean(),
            {"generator"},
            "serves in the generator update, but has no gradient to any of its weights",
        ),
        (lambda _, step: real(step), {"discriminator"}, "gives a tensor of shape [3], not a scalar"),
        (
            lambda self, step: self.weight * real(step).mean() * torch.rand(()),
            {"discriminator"},
            "draws from torch's global generator: draws come from `step.draws`",
        ),
        (
            lambda self, step: self.weight * real(step).mean(),
            {"discriminator"},
            "multiplies by `weight` itself",
        ),
        (
            lambda _, step: (real(step) * step.draws.uniform(1)).mean(),
            {"discriminator"},
            "draws 1 uniform number(s) for a batch of 3 rows",
        ),
        (
            lambda _, step: (real(step) + F.softplus(step.logits("mismatched", 0).conditional)).mean(),
            {"discriminator"},
            "read `mismatched` without declaring it",
        ),
        (
            lambda _, step: (real(step) * step.text.words.mean()).mean(),
            {"discriminator"},
            "read `words` without declaring it",
        ),
        (
            lambda _, step: (real(step) / step.batch.class_id).mean(),
            {"discriminator"},
            "gives inf in the discriminator update; expected a finite number",
        ),
    ],
)  # fmt: skip
def test_losses(of, updates, message):
    @dataclass(frozen=True, kw_only=True)
    class Mine(Objective):
        """`weight` and `every` as ever."""

    Mine.of, Mine.updates = staticmethod(of), frozenset(updates)
    if message is None:
        examine(Mine, "mine/right")
    else:
        assert message in fault(Mine)


def test_one_mixing_coefficient_for_a_batch():
    @dataclass(frozen=True, kw_only=True)
    class Mixed(GradientPenalty):
        """`weight` and `every` as ever."""

        source: ClassVar[str] = "this test"

        def __call__(self, step):
            mix = step.draws.uniform(1)
            x = (
                mix * step.batch.images[0] + (1 - mix) * step.generated.images[0][:3].detach()
            ).requires_grad_()
            return (head_gradients(step.judge(0, x, step.code(0)), x)[0].norm(dim=1) - 1).square().mean()

    assert "draws 1 uniform number(s) for a batch of 3 rows" in fault(Mixed)


# -- text encoders, data sets, options --------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Encoder(NGrams):
    """`size`, `order`, `words` and `buckets` as in core."""

    network: ClassVar[Any] = NGramsModule

    def build(self):
        return self.network(self.size, self.order, self.words, self.buckets)


class CountsPadding(NGramsModule):
    def forward(self, tokens):
        out = super().forward(tokens)
        return TextFeatures(out.sentence / tokens.ids.shape[1], out.words, out.mask)


class MasksBackwards(NGramsModule):
    def forward(self, tokens):
        out = super().forward(tokens)
        return TextFeatures(out.sentence, out.words, ~out.mask)


class PadsWithMinusOne(NGramsModule):
    def tokenize(self, captions):
        tokens = super().tokenize(captions)
        return Tokens(tokens.ids.where(tokens.ids > 0, 7), tokens.length)


@pytest.mark.parametrize(
    "module, message",
    [
        (CountsPadding, "gives other features where captions are padded further"),
        (MasksBackwards, "gives a mask that is not True for words and False past them"),
        (PadsWithMinusOne, "ids that are not 0 exactly past each caption's length"),
    ],
)
def test_text_encoders(module, message):
    @dataclass(frozen=True, kw_only=True)
    class Mine(Encoder):
        """As in core."""

        network: ClassVar = module

    assert message in fault(Mine)


class Given(Dataset):
    """The fields every data set has."""

    source: ClassVar[str] = "this test"

    def yields(self):
        return DataSpec(class_id=True)

    def examples(self, split, folder, resolution):
        return replace(self.right(split), **type(self).wrong)

    def right(self, split):
        keys = tuple(f"{split}/{index}" for index in range(3))
        return Examples(
            keys, (("a",),) * 3, lambda i: Image.new("L", (2, 2)), split, class_id=np.zeros(3, np.int64)
        )


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({}, None),
        ({"captions": (("a",), (), ("b",))}, "has an example without a caption in split `train`"),
        ({"class_id": None}, "declares class_id, but gives none"),
        (
            {"class_id": np.zeros(3, np.float32)},
            "class_id float32 [3] in split `train`; expected int64 [3]",
        ),
        ({"boxes": np.zeros((3, 4), np.float32)}, "does not declare boxes, but gives it"),
        ({"keys": ("a", "a", "b")}, "has two examples of the same key"),
        ({"keys": ("a", "b", "c")}, "has examples in both of its splits"),
        ({"fingerprint": "same"}, "gives both splits the same fingerprint"),
        ({"image": lambda i: None}, "gives a NoneType, no picture"),
    ],
)
def test_datasets(wrong, message):
    @dataclass(frozen=True, kw_only=True)
    class Mine(Given):
        """As every data set."""

    Mine.wrong = wrong
    if message is None:
        examine(Mine, "mine/right")
    else:
        assert message in fault(Mine)


def test_boxes_out_of_the_picture():
    @dataclass(frozen=True, kw_only=True)
    class Pixels(Shapes):
        """`count`, `test_count`, `seed`, `objects` as in core."""

        def examples(self, split, folder, resolution):
            found = super().examples(split, folder, resolution)
            return replace(found, boxes=found.boxes * resolution)

    assert "gives boxes outside 0..1" in fault(Pixels)


def test_options_and_documentation():
    @dataclass(frozen=True, kw_only=True)
    class Anything(Plain):
        """`side` as before."""

        mood: Any = 1

    assert "accepts anything as option `mood`: its type is Any" in fault(Anything)

    @dataclass(frozen=True, kw_only=True)
    class Mute(Plain):
        """`side` as before."""

        mood: int = 1

    assert "does not document option `mood` in its docstring" in fault(Mute)

    @dataclass(frozen=True, kw_only=True)
    class Bare(Plain):
        pass

    assert "has no docstring" in fault(Bare)

    @dataclass(frozen=True, kw_only=True)
    class Nowhere(Plain):
        """`side` as before."""

        source: ClassVar[str] = ""

    assert "has no `source`" in fault(Nowhere)

    @dataclass(frozen=True, kw_only=True)
    class Huge(Plain):
        """`side` as before."""

        tiny: ClassVar = {"sides": 3}

    assert "has `tiny` values for ['sides'], which are no options of it" in fault(Huge)


def test_needs_outside_the_vocabulary():
    @dataclass(frozen=True, kw_only=True)
    class Needy(Plain):
        """`side` as before."""

        needs: ClassVar = frozenset({"noise", "generator_code", "sentence"})

    assert "needs `sentence`, but stages may need only boxes, " in fault(Needy)


def test_a_plugin_that_is_not_there():
    with pytest.raises(GanzooError, match="no installed plugin `nowhere` offers a component"):
        conformance("nowhere")


def test_one_case_a_component_and_check():
    (mark,) = conformance("core").pytestmark
    names = [case.id for case in mark.args[1]]
    assert "losses-r1-starvation" in names and "text_encoders-ngrams-padding" in names
    assert len(names) == len(set(names))


def test_a_data_set_without_its_folder():
    @dataclass(frozen=True, kw_only=True)
    class Needy(Given):
        """As every data set."""

        def examples(self, split, folder, resolution):
            if folder is None:
                raise GanzooError("mine/right needs a folder: name it with --data")
            return self.right(split)

    examine(Needy, "mine/right")

    @dataclass(frozen=True, kw_only=True)
    class Careless(Given):
        """As every data set."""

        def examples(self, split, folder, resolution):
            return folder.iterdir()

    assert "fails without a folder; expected examples or a GanzooError: AttributeError" in fault(Careless)
