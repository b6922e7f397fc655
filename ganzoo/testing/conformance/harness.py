"""How each kind of component is built, called, and held to what its specs declare."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Any, cast

import torch
from torch import Tensor, nn

from ganzoo.errors import GanzooError
from ganzoo.flow import Condition, Flow, ImageFeatures, Logits, StageOutput, TextFeatures, Tokens
from ganzoo.specs import ConditionSpec, DiscriminatorGiven
from ganzoo.testing.conformance.inputs import (
    JUDGED,
    KEYPOINTS,
    NOISE,
    ROWS,
    SIDE,
    Inputs,
    Larder,
    Withheld,
)
from ganzoo.testing.conformance.subject import Subject

SIDES = (16, 32, 64, 128, 256)
CAPTIONS = ["a small red circle above a large blue square", "square", "a green star"]


class Harness(ABC):
    """One subject, ready to be built and called. `flow`: the type that its module returns."""

    flow: type[Flow]

    def __init__(self, subject: Subject) -> None:
        self.subject, self.component = subject, subject.component

    @abstractmethod
    def make(self, withheld: Withheld) -> nn.Module:
        """What the component builds."""

    @abstractmethod
    def inputs(self, seed: int = 0, withheld: Withheld = "nothing") -> Inputs:
        """Arguments for `call`."""

    def call(self, module: nn.Module, *arguments: Any) -> Any:
        """One forward pass."""
        return module(*arguments)

    @abstractmethod
    def declared(self, out: Any, withheld: Withheld) -> None:
        """Fail unless `out` is what the specs declare."""

    def build(self, withheld: Withheld = "nothing", seed: int = 0) -> nn.Module:
        """A module whose random start is that of `seed`."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            module = self.subject.attempt("build() fails", lambda: self.make(withheld))
        self.subject.expect(
            isinstance(module, nn.Module), f"builds a {type(module).__name__}, not an nn.Module"
        )
        return module

    def run(self, module: nn.Module, inputs: Inputs, doing: str = "fails") -> Any:
        """`call`; what goes wrong in it is the component's fault, and `doing` says when."""
        out = self.subject.attempt(doing, lambda: self.call(module, *inputs.arguments))
        given = type(out).__name__
        self.subject.expect(
            isinstance(out, self.flow), f"gives {given}, not ganzoo.flow.{self.flow.__name__}"
        )
        return out

    def width(self, what: str, tensor: Tensor | None, declared: int, axis: int = 1) -> None:
        """Fail unless `tensor` has the declared width; 0 = it must be absent."""
        real = 0 if tensor is None else tensor.shape[axis]
        self.subject.expect(
            real == declared, f"declares {what} {_wide(declared)}, but gives {what} {_wide(real)}"
        )
        self.rows(what, tensor)

    def rows(self, what: str, tensor: Tensor | None) -> None:
        """Fail unless there is a row for each row of the batch."""
        if tensor is not None and len(tensor) != ROWS:
            self.subject.fail(f"gives {len(tensor)} rows of {what} for a batch of {ROWS}")


def _wide(width: int) -> str:
    return f"{width} wide" if width else "not at all"


class OfTextEncoder(Harness):
    """`tokenize(captions)` or tokens with embeddings -> TextFeatures."""

    flow = TextFeatures

    def make(self, withheld: Withheld) -> nn.Module:
        """Nothing is given to a text encoder."""
        return cast(nn.Module, self.component.build())

    def tokenize(self, module: Any, captions: list[str]) -> Tokens:
        """The module's own tokens."""
        tokens = self.subject.attempt("fails to tokenize", lambda: module.tokenize(captions))
        self.subject.expect(isinstance(tokens, Tokens), "tokenizes to something else than Tokens")
        return cast(Tokens, tokens)

    def inputs(self, seed: int = 0, withheld: Withheld = "nothing") -> Inputs:
        """Captions of unequal length, and embeddings."""
        larder = Larder(self.subject, withheld, seed)
        shift = seed % ROWS
        tokens = self.tokenize(self.module, CAPTIONS[shift:] + CAPTIONS[:shift])
        embedding = larder.maybe("embedding", lambda: larder.normal(ROWS, self.component.yields().sentence))
        ids, length = (larder.give("captions", part) for part in (tokens.ids, tokens.length))
        return larder.inputs(Tokens(ids, length, embedding))

    @cached_property
    def module(self) -> nn.Module:
        """One build, kept: it only tokenizes."""
        return self.build()

    def declared(self, out: TextFeatures, withheld: Withheld) -> None:
        """Widths of sentence and words; a mask beside words."""
        spec = self.component.yields()
        self.width("a sentence", out.sentence, spec.sentence)
        self.width("words", out.words, spec.words, axis=2 if out.words is not None else 1)
        if out.words is None or out.mask is None:
            both = (out.words is None) == (out.mask is None)
            self.subject.expect(both, "gives only one of words and mask")
            return
        self.subject.expect(
            out.mask.shape == out.words.shape[:2], "gives a mask of another shape than its words"
        )


class OfImageEncoder(Harness):
    """Pictures -> ImageFeatures."""

    flow = ImageFeatures

    def make(self, withheld: Withheld) -> nn.Module:
        """Nothing is given to an image encoder."""
        return cast(nn.Module, self.component.build())

    def inputs(self, seed: int = 0, withheld: Withheld = "nothing") -> Inputs:
        """Pictures in [-1, 1]."""
        larder = Larder(self.subject, withheld, seed)
        return larder.inputs(larder.normal(ROWS, 3, 2 * SIDE, 2 * SIDE).tanh())

    def declared(self, out: ImageFeatures, withheld: Withheld) -> None:
        """Widths of the vector and the regions."""
        spec = self.component.yields()
        self.width("a vector", out.vector, spec.vector)
        self.width("regions", out.regions, spec.regions, axis=2 if out.regions is not None else 1)


class OfConditioning(Harness):
    """TextFeatures, Layout, epsilon -> Condition."""

    flow = Condition

    def make(self, withheld: Withheld) -> nn.Module:
        """Given the text's widths."""
        return cast(nn.Module, self.component.build(Larder(self.subject, withheld).text_spec()))

    def inputs(self, seed: int = 0, withheld: Withheld = "nothing") -> Inputs:
        """Features, layout, and a draw as wide as `epsilon()` says."""
        larder = Larder(self.subject, withheld, seed)
        text, layout = larder.text(), larder.layout()
        epsilon = larder.normal(ROWS, self.component.epsilon(larder.text_spec()))
        if epsilon.shape[1]:
            larder.named["epsilon"] = epsilon
        return larder.inputs(text, layout, epsilon)

    def declared(self, out: Condition, withheld: Withheld) -> None:
        """Widths of the codes, mean and logvar, words, and the names in `extra`."""
        spec: ConditionSpec = self.component.yields(Larder(self.subject, withheld).text_spec())
        self.width("a generator code", out.generator_code, spec.generator_code)
        self.width("a discriminator code", out.discriminator_code, spec.discriminator_code)
        gaussian = spec.generator_code if spec.gaussian else 0
        self.width("a Gaussian's mean", out.mean, gaussian)
        self.width("a Gaussian's logvar", out.logvar, gaussian)
        self.width("words", out.words, spec.words, axis=2 if out.words is not None else 1)
        names = frozenset(out.extra)
        self.subject.expect(
            names == spec.extra, f"declares extra {sorted(spec.extra)}, but gives {sorted(names)}"
        )


class OfStage(Harness):
    """StageOutput, Condition, noise -> StageOutput."""

    flow = StageOutput

    def make(self, withheld: Withheld) -> nn.Module:
        """Given the widths of noise and condition, and the stage before it if it reads that."""
        return cast(nn.Module, self.component.build(Larder(self.subject, withheld).stage_given()))

    def inputs(self, seed: int = 0, withheld: Withheld = "nothing") -> Inputs:
        """A condition, noise, and the stage before it."""
        larder = Larder(self.subject, withheld, seed)
        return larder.inputs(larder.previous(), larder.condition(), larder.noise())

    def declared(self, out: StageOutput, withheld: Withheld) -> None:
        """The picture's side and range, hidden channels, whether there is attention."""
        spec = self.component.yields(Larder(self.subject, withheld).stage_given())
        shape = tuple(out.image.shape)
        declared = (ROWS, 3, spec.image, spec.image)
        self.subject.expect(
            shape == declared, f"declares pictures {list(declared)}, but gives pictures {list(shape)}"
        )
        largest = float(out.image.detach().abs().max())
        self.subject.expect(
            largest <= 1 + 1e-4, f"gives pictures with values up to {largest:.3g}; expected [-1, 1]"
        )
        self.width("hidden features", out.hidden, spec.hidden)
        there = out.attention is not None
        self.subject.expect(
            there == spec.attention, f"declares attention={spec.attention}, but gives attention={there}"
        )
        self.rows("attention", out.attention)
        points = out.layout.keypoints if out.layout else None
        self.width("keypoints", points, spec.keypoints)


class OfDiscriminator(Harness):
    """Pictures (or keypoints), codes, perhaps a layout -> Logits, through `features` and `judge`."""

    flow = Logits

    def __init__(self, subject: Subject, code: int = JUDGED) -> None:
        super().__init__(subject)
        self.code = code

    def given(self, withheld: Withheld = "nothing") -> DiscriminatorGiven:
        """Pictures of the smallest side that it accepts, a code `code` wide."""
        larder = Larder(self.subject, withheld)
        points = KEYPOINTS if larder.has("keypoints") else 0
        condition = ConditionSpec(NOISE, self.code, boxes=larder.has("boxes"), keypoints=points)
        for side in SIDES:
            given = DiscriminatorGiven(side, condition)
            try:
                self.component.check(given)
            except GanzooError:
                continue
            return given
        self.subject.fail(f"accepts pictures of none of these sides: {SIDES}")

    def make(self, withheld: Withheld) -> nn.Module:
        """Given the pictures' side and the code's width."""
        return cast(nn.Module, self.component.build(self.given(withheld)))

    def inputs(self, seed: int = 0, withheld: Withheld = "nothing") -> Inputs:
        """What it judges, codes, and a layout where it declares that it reads one."""
        larder = Larder(self.subject, withheld, seed)
        side = self.given().image
        larder.named["code"] = code = larder.normal(ROWS, self.code)
        drawn = larder.normal(ROWS, 3, side, side).tanh()
        larder.named["images"] = images = drawn if self.component.judges == "pictures" else larder.keypoints()
        return larder.inputs(images, code, *((larder.layout(),) if self.component.reads_layout else ()))

    def call(self, module: Any, *arguments: Any) -> Any:
        """`judge(features(images), code)`, with the layout where it reads one."""
        images, *others = arguments
        return module.judge(module.features(images), *others)

    def declared(self, out: Logits, withheld: Withheld) -> None:
        """One logit a row, from each head it declares."""
        heads = self.component.heads
        known = ({"conditional"}, {"conditional", "unconditional"})
        self.subject.expect(set(heads) in known, f"declares heads {sorted(heads)}; expected one of {known}")
        there = out.unconditional is not None
        self.subject.expect(
            there == ("unconditional" in heads),
            f"declares heads {sorted(heads)}, but gives {'an' if there else 'no'} unconditional logit",
        )
        for name in heads:
            shape = tuple(getattr(out, name).shape)
            self.subject.expect(shape == (ROWS,), f"gives {name} logits {list(shape)}; expected [{ROWS}]")


HARNESSES: dict[str, type[Harness]] = {
    "text_encoders": OfTextEncoder,
    "image_encoders": OfImageEncoder,
    "conditionings": OfConditioning,
    "stages": OfStage,
    "discriminators": OfDiscriminator,
}
