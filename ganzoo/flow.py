"""What travels between components: frozen dataclasses of tensors.

`captions -> Tokens -> TextFeatures -> Condition -> StageOutput (one a stage) -> Logits`. Axis letters: b
batch, n samples (samples_per_caption x b), t words, s sentence width, w word width, c generator code, d
discriminator code, r resolution in pixels, f hidden channels, k keypoints, z noise width.
"""

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from jaxtyping import Bool, Float, Int64
from torch import Tensor

F = TypeVar("F", bound="Flow")  # not Self: beartype refuses that in classes which jaxtyping decorates for it


@dataclass(frozen=True, eq=False)
class Flow:
    """Anything made of tensors that share their first axis, the batch."""

    def map(self: F, change: Callable[[Tensor], Tensor]) -> F:
        """The same with `change` applied to every tensor in it, however deep."""
        return dataclasses.replace(
            self, **{f.name: _map(getattr(self, f.name), change) for f in dataclasses.fields(self)}
        )

    def to(self: F, device: torch.device | str, dtype: torch.dtype | None = None) -> F:
        """On `device`; floating tensors also in `dtype` when one is given."""
        return self.map(lambda x: x.to(device, dtype if x.is_floating_point() else None, non_blocking=True))

    def detach(self: F) -> F:
        """Cut off from the graph."""
        return self.map(Tensor.detach)

    def repeat(self: F, times: int) -> F:
        """The whole batch `times` over: rows 0..b-1, then the same again, as MSGAN's halves expect."""
        return self if times == 1 else self.map(lambda x: x.repeat(times, *[1] * (x.dim() - 1)))

    def rows(self: F, index: Any) -> F:
        """The rows that `index` (a slice or an index tensor) picks."""
        return self.map(lambda x: x[index])


def _map(value: Any, change: Callable[[Tensor], Tensor]) -> Any:
    if isinstance(value, Tensor):
        return change(value)
    if isinstance(value, Flow):
        return value.map(change)
    if isinstance(value, tuple):
        return tuple(_map(item, change) for item in value)
    if isinstance(value, Mapping):
        return {key: _map(item, change) for key, item in value.items()}
    return value


@dataclass(frozen=True, eq=False)
class Tokens(Flow):
    """Captions as numbers. `ids` 0 is padding; `length` counts words that are no padding.

    `embedding` is a sentence embedding that the data set itself brings (precomputed char-CNN-RNN features,
    say).
    """

    ids: Int64[Tensor, "b t"]
    length: Int64[Tensor, "b"]
    embedding: Float[Tensor, "b s"] | None = None


@dataclass(frozen=True, eq=False)
class TextFeatures(Flow):
    """What a text encoder says of captions. `mask`: True = a word, False = padding."""

    sentence: Float[Tensor, "b s"]
    words: Float[Tensor, "b t w"] | None = None
    mask: Bool[Tensor, "b t"] | None = None


@dataclass(frozen=True, eq=False)
class ImageFeatures(Flow):
    """What an image encoder says of pictures: a vector in the sentence space, regions in the word space."""

    vector: Float[Tensor, "b s"]
    regions: Float[Tensor, "b n w"] | None = None


@dataclass(frozen=True, eq=False)
class Layout(Flow):
    """Where things are. Boxes are (x, y, width, height), keypoints (x, y, visible 0 or 1), all in 0..1."""

    boxes: Float[Tensor, "b 4"] | None = None
    keypoints: Float[Tensor, "b k 3"] | None = None


@dataclass(frozen=True, eq=False)
class Condition(Flow):
    """What a conditioning makes of the text: what stages read, what discriminators judge pictures against.

    `mean` and `logvar` are there when the code was drawn from a Gaussian. `extra` carries one plugin's own
    tensors under `plugin/name`. `layout` is filled in by the model.
    """

    generator_code: Float[Tensor, "b c"]
    discriminator_code: Float[Tensor, "b d"]
    mean: Float[Tensor, "b c"] | None = None
    logvar: Float[Tensor, "b c"] | None = None
    words: Float[Tensor, "b t w"] | None = None
    mask: Bool[Tensor, "b t"] | None = None
    layout: Layout | None = None
    extra: Mapping[str, Tensor] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class StageOutput(Flow):
    """One stage's picture in [-1, 1], the hidden features behind it, where each word looked (t maps).

    `layout`: where a stage that draws keypoints has put them; stages behind it read this one.
    """

    image: Float[Tensor, "b 3 r r"]
    hidden: Float[Tensor, "b f r r"] | None = None
    attention: Float[Tensor, "b t q q"] | None = None
    layout: Layout | None = None


@dataclass(frozen=True, eq=False)
class Logits(Flow):
    """A discriminator's word before sigmoid: on (picture, code), and on the picture alone if it says so."""

    conditional: Float[Tensor, "b"]
    unconditional: Float[Tensor, "b"] | None = None


@dataclass(frozen=True, eq=False)
class Batch(Flow):
    """One batch of real examples.

    `images`: one tensor a stage resolution, [b, 3, r_i, r_i] in [-1, 1]. `mismatched`: the same shapes,
    pictures that do not show their row's caption, or `()`; `mismatched_layout`: theirs. `shown`: the part of
    `layout` that the generator is given; None = all of it. `text`: the features of `tokens`, where a frozen
    encoder made them once.
    """

    images: tuple[Tensor, ...]
    tokens: Tokens
    mismatched: tuple[Tensor, ...] = ()
    text: TextFeatures | None = None
    class_id: Int64[Tensor, "b"] | None = None
    layout: Layout | None = None
    mismatched_layout: Layout | None = None
    shown: Layout | None = None
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class GeneratorOutput(Flow):
    """One run of the generator with every draw that went into it; n = samples_per_caption x b rows.

    `epsilons`, `conditions` and `stages` have one entry a stage; stages that share a conditioning share its
    entry.
    """

    text: TextFeatures
    noise: Float[Tensor, "n z"]
    epsilons: tuple[Tensor, ...]
    conditions: tuple[Condition, ...]
    stages: tuple[StageOutput, ...]

    @property
    def images(self) -> tuple[Tensor, ...]:
        """Every stage's picture, coarse to fine."""
        return tuple(stage.image for stage in self.stages)
