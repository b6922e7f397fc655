"""The kinds of component: frozen dataclasses whose fields are hyperparameters.

A component says what it `needs`, `yields()` says what it gives, `build()` returns a plain `nn.Module`.
Options are validated by pydantic, so types and ranges stand in the annotations, as in `PositiveInt`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, PositiveInt

from ganzoo.specs import (
    ConditionSpec,
    DataSpec,
    DiscriminatorGiven,
    ImageSpec,
    StageGiven,
    StageSpec,
    TextSpec,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ganzoo.data.examples import Examples
    from ganzoo.metrics.ratios import Ratio
    from ganzoo.metrics.samples import Samples
    from ganzoo.step import Step


@dataclass(frozen=True, kw_only=True)
class Component(ABC):  # noqa: B024 - no method is common to every kind
    """What a recipe can name. Class attributes are facts about the class, fields are the recipe's options."""

    needs: ClassVar[frozenset[str]] = frozenset()
    source: ClassVar[str] = ""
    tiny: ClassVar[Mapping[str, Any]] = {}
    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    def requires(self) -> frozenset[str]:
        """What it needs with these options; `needs` unless an option switches something on."""
        return self.needs


class TextEncoder(Component):
    """Captions to features. `pretrained`: `build()` restores its weights, so run folders leave them out.

    `learns_words`: it has a vocabulary, which comes from the training captions. `free`: options that its
    weights do not depend on; they may differ from those of a run whose encoders are taken over.
    """

    pretrained: ClassVar[bool] = False
    free: ClassVar[frozenset[str]] = frozenset()
    learns_words: ClassVar[bool] = False

    @abstractmethod
    def yields(self) -> TextSpec:
        """Widths of the sentence and word features."""

    @abstractmethod
    def build(self) -> nn.Module:
        """A module with `tokenize(list[str]) -> Tokens` and `forward(Tokens) -> TextFeatures`.

        Where it gives words, `spell(list[str]) -> list[list[str]]` says what each stands for, to label them.
        """

    def vocabulary_of(self, captions: Iterable[str]) -> tuple[str, ...]:
        """The words that it must know before it is built, of the training captions.

        Asked where it `learns_words`; they are kept in the run folder, one a line, and handed to `knowing`.
        """
        raise AssertionError(f"{type(self).__name__} learns no words")

    def knowing(self, words: Sequence[str]) -> TextEncoder:
        """The same encoder with these words, which `vocabulary_of` gave."""
        raise AssertionError(f"{type(self).__name__} learns no words")


class ImageEncoder(Component):
    """Pictures to features in the text's space (DAMSM, CLIP). `pretrained`, `free` as for text encoders.

    `mean` and `std`, a number a channel: its first layer reads (p - mean) / std of pixels p in 0..1, as its
    weights were trained to. The module rescales the pictures in [-1, 1]; one half each: it need not.
    """

    pretrained: ClassVar[bool] = False
    free: ClassVar[frozenset[str]] = frozenset()
    mean: ClassVar[tuple[float, float, float]] = (0.5, 0.5, 0.5)
    std: ClassVar[tuple[float, float, float]] = (0.5, 0.5, 0.5)

    @abstractmethod
    def yields(self) -> ImageSpec:
        """Widths of the vector and the regions."""

    @abstractmethod
    def build(self) -> nn.Module:
        """A module with `forward([b, 3, r, r] in [-1, 1]) -> ImageFeatures`."""

    def start(self, module: nn.Module) -> None:
        """Give a newly built module the weights that a training begins with; by default those it has.

        What must be downloaded belongs here: loading a run builds the module, but never starts it.
        """


class Conditioning(Component):
    """Text features and layout to what stages read and discriminators judge against."""

    @abstractmethod
    def yields(self, text: TextSpec) -> ConditionSpec:
        """Widths of the codes. Words it passes on are `text.words` wide."""

    def epsilon(self, text: TextSpec) -> int:
        """Width of the standard normal draw it wants for each sample; 0 = it draws nothing."""
        return 0

    @abstractmethod
    def build(self, text: TextSpec) -> nn.Module:
        """A module with `forward(TextFeatures, Layout | None, epsilon [b, e]) -> Condition`; e may be 0."""


class Stage(Component):
    """One generator stage."""

    @abstractmethod
    def yields(self, given: StageGiven) -> StageSpec:
        """The side of its picture and its hidden channels."""

    @abstractmethod
    def build(self, given: StageGiven) -> nn.Module:
        """A module with `forward(StageOutput | None, Condition, noise [b, z]) -> StageOutput`."""


class Discriminator(Component):
    """Pictures and codes to logits. `heads` is {conditional} or {conditional, unconditional}.

    `judges`: "pictures" [b, 3, r, r], or "keypoints" [b, k, 3] behind a stage that draws these.
    """

    heads: ClassVar[frozenset[str]] = frozenset({"conditional"})
    judges: ClassVar[Literal["pictures", "keypoints"]] = "pictures"

    @property
    def reads_layout(self) -> bool:
        """Whether it is told a layout: it needs boxes, or keypoints that are not what it judges."""
        return bool(self.requires() & {"boxes", "keypoints"} - {self.judges})

    def check(self, given: DiscriminatorGiven) -> None:
        """Raises GanzooError where it cannot judge pictures of that side. By default it can judge any."""

    @abstractmethod
    def build(self, given: DiscriminatorGiven) -> nn.Module:
        """A module with `features(images) -> Tensor | tuple` and `judge(features, code [b, d]) -> Logits`.

        Where it `reads_layout`: `judge(features, code, layout)`, with the layout of the pictures.
        Where it saves time: `features_apart(batches)`, a list of the features of each, as if called in turn.
        """


@dataclass(frozen=True, kw_only=True)
class Loss(Component):
    """A step to a scalar to minimise. `updates` names the updates it can serve in.

    `weight` multiplies it. `every`: it is computed at every n-th step only, and multiplied by n (lazy
    regularisation).
    """

    updates: ClassVar[frozenset[Literal["discriminator", "generator", "encoders"]]]

    weight: float = 1.0
    every: PositiveInt = 1

    @abstractmethod
    def __call__(self, step: Step) -> Tensor:
        """A scalar, without `weight`. `step.update` names the update it serves."""

    def linear_penalty(self, picture: float, code: float) -> float | None:
        """Its value where a logit is linear, with gradients of these norms; None = it penalises no gradient.

        The formula to hold `__call__` to: the conformance kit compares them.
        """
        return None


@dataclass(frozen=True, kw_only=True)
class Dataset(Component):
    """A folder on disk, or a generator, to examples. The fields below every data set has.

    `batch`: examples a step (over all processes). `load_size`: side in pixels at which pictures are packed,
    from which random crops of the finest stage's resolution are cut; None = that resolution, no crop. `flip`:
    mirror half of the pictures. `average`: so many captions drawn with replacement, their sentence features
    averaged. `mismatched`: the wrong pair is another class's picture (`images`), or the real picture with the
    next row's caption (`captions`). `layout`: how boxes and keypoints follow crops and flips, exactly
    (`exact`) or as in GAWWN's program (`gawwn`: in whole pixels; a box cut off at its left or top keeps its
    size, points outside lie on the border, left and right parts keep their names in a mirrored picture).
    `hide`: so large a share of the keypoints, drawn anew each epoch, is hidden from the generator: for one
    that draws those it is not given.
    """

    batch: PositiveInt = 64
    load_size: PositiveInt | None = None
    flip: bool = False
    average: PositiveInt = 1
    mismatched: Literal["images", "captions"] = "images"
    layout: Literal["exact", "gawwn"] = "exact"
    hide: Annotated[float, Field(ge=0, le=1)] = 0.0

    @classmethod
    def recognise(cls, folder: Path) -> Dataset | None:
        """This data set, with options that fit what lies in `folder`; None where that is laid out otherwise.

        It only looks which files there are, and what the first of them hold. By default nothing is known.
        Raises GanzooError where the kind is clear but what lies there is damaged.
        """
        return None

    @abstractmethod
    def yields(self) -> DataSpec:
        """What comes with each picture."""

    @abstractmethod
    def examples(self, split: str, folder: Path | None, resolution: int) -> Examples:
        """The examples of `split` ("train" or "test"). `folder` is what the user gave as `--data`, or None.

        `resolution`, in pixels, is the side at which pictures will be packed (drawn pictures are drawn at
        it). Raises GanzooError when the folder is missing, empty or malformed.
        """


@dataclass(frozen=True, kw_only=True)
class Metric(Component):
    """Samples to named numbers. `decides` names the one that tells which of two sets is the better.

    Needs beyond pictures and captions: `image_encoder`, the encoders that the model was trained with;
    `encoders`, those that it names itself; `backbone`, what the network of its option `backbone` sees; with
    it `train`, of training pictures too; `copies`, several pictures of one caption. The last four are there
    in `ganzoo eval` and `ganzoo bench` only.

    `samples`: so many held-out captions are drawn when a checkpoint is measured. `judges_only`: the data set
    whose captions it can read, "" = any.
    """

    decides: ClassVar[str]
    judges_only: ClassVar[str] = ""
    lower_is_better: ClassVar[bool] = False

    samples: PositiveInt = 256

    @abstractmethod
    def __call__(self, samples: Samples) -> Mapping[str, float]:
        """The named numbers of `samples`. Raises GanzooError for samples that it cannot judge."""

    def ratios(self, samples: Samples) -> Mapping[str, Ratio] | None:
        """The numbers as ratios of sums over rows; None where they are no such.

        With them the interval of a number takes no time: rows are drawn again, nothing is computed anew.
        """
        return None

    def encoders(self) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
        """Text and image encoder that it grades with, as recipes name them, where it needs `encoders`.

        The image encoder is {} where it looks at no picture with one.
        """
        return None


class Importer(Component):
    """The authors' checkpoints to ganzoo's parameters and back, by a table of names.

    `recipe`: the catalogue's model whose checkpoints the authors released, "" where there is none.
    """

    recipe: ClassVar[str] = ""

    @abstractmethod
    def load(self, model: nn.Module, state: Mapping[str, Any]) -> None:
        """Fill `model` from the authors' state dicts; every key must be used or listed in an error."""

    @abstractmethod
    def export(self, model: nn.Module) -> Mapping[str, Any]:
        """The authors' keys with the model's weights; the inverse of `load`, bit for bit."""


KINDS: dict[str, type[Component]] = {
    "text_encoders": TextEncoder,
    "image_encoders": ImageEncoder,
    "conditionings": Conditioning,
    "stages": Stage,
    "discriminators": Discriminator,
    "losses": Loss,
    "datasets": Dataset,
    "metrics": Metric,
    "importers": Importer,
}
