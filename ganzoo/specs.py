"""What a wire carries, as sizes, known before any weight exists; and the fixed vocabulary of needs."""

from __future__ import annotations

from dataclasses import dataclass, field

# What a component may say it needs, by kind. Other words are `prefix/name`, found in `Condition.extra`.
NEEDS: dict[str, frozenset[str]] = {
    "text_encoders": frozenset({"captions", "embedding"}),
    "image_encoders": frozenset(),
    "conditionings": frozenset({"sentence", "words", "boxes", "keypoints"}),
    "stages": frozenset(
        {"noise", "generator_code", "words", "image", "hidden", "gaussian", "boxes", "keypoints"}
    ),
    "discriminators": frozenset({"boxes", "keypoints"}),
    "losses": frozenset(
        {
            "real", "fake", "mismatched", "unconditional", "noise", "gaussian", "words", "sentence",
            "samples_per_caption", "stages", "class_id", "image_vector", "image_regions", "boxes",
            "keypoints",
        }
    ),
    "metrics": frozenset(
        {"fakes", "reals", "captions", "image_encoder", "backbone", "train", "copies", "encoders"}
    ),
}  # fmt: skip


@dataclass(frozen=True)
class DataSpec:
    """What a data set gives with each picture. 0 = does not give it.

    `captions`: 1 where there are captions. `embedding`: width of a sentence embedding that comes with the
    data. `keypoints`: how many parts are marked. `pairs`: left and right ones among them, by number from 0;
    they trade places in a mirrored picture.
    """

    captions: int = 1
    embedding: int = 0
    class_id: bool = False
    boxes: bool = False
    keypoints: int = 0
    pairs: tuple[tuple[int, int], ...] = ()

    @property
    def offers(self) -> frozenset[str]:
        """The names of what it gives, of {captions, embedding, class_id, boxes, keypoints}."""
        names = ("captions", "embedding", "class_id", "boxes", "keypoints")
        return frozenset(name for name in names if getattr(self, name))


@dataclass(frozen=True)
class TextSpec:
    """Widths of what a text encoder gives: a sentence vector, word vectors. 0 = does not give it."""

    sentence: int
    words: int = 0


@dataclass(frozen=True)
class ImageSpec:
    """Widths of an image encoder's vector in the sentence space and regions in the word space (0 = none)."""

    vector: int
    regions: int = 0


@dataclass(frozen=True)
class ConditionSpec:
    """Widths of a condition. `gaussian`: it has mean and logvar. `extra`: names of one plugin's own tensors.

    `boxes` and `keypoints` tell which layout comes with it; the assembler fills them in from the data set.
    """

    generator_code: int
    discriminator_code: int
    gaussian: bool = False
    words: int = 0
    boxes: bool = False
    keypoints: int = 0
    extra: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class StageSpec:
    """What a stage gives: the side of its picture in pixels, channels of its hidden features (0 = none).

    `keypoints`: how many it draws itself; 0 = it draws a picture, and keypoints, if any, are given.
    """

    image: int
    hidden: int = 0
    attention: bool = False
    keypoints: int = 0


@dataclass(frozen=True)
class StageGiven:
    """What a stage is given: noise width, its condition, and the stage before it (None for the first)."""

    noise: int
    condition: ConditionSpec
    previous: StageSpec | None = None


@dataclass(frozen=True)
class DiscriminatorGiven:
    """What a discriminator is given: the side of its pictures in pixels, and the condition (its code)."""

    image: int
    condition: ConditionSpec
