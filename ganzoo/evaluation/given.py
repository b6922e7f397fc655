"""What a metric is given: pictures of captions, drawn or real, and what its networks see in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ganzoo.components import Metric
from ganzoo.errors import GanzooError
from ganzoo.evaluation.drawing import Requests, draw, draw_copies, requests
from ganzoo.evaluation.encoding import Encoders
from ganzoo.evaluation.reference import Reference
from ganzoo.evaluation.splits import look
from ganzoo.metrics import backbones
from ganzoo.metrics.backbones import Backbone
from ganzoo.metrics.samples import FeatureSet, Samples
from ganzoo.model import Model

COPIES, VARIED = 8, 64  # pictures of one caption, and captions that get so many


@dataclass(frozen=True, eq=False)
class Pictures:
    """`images` [n, 3, r, r] uint8 of the captions `asked`, to be graded.

    `copies`: [m, k, 3, r, r] uint8, k pictures each of m captions, made when called. `seen`: what a network
    sees in `images`.
    """

    images: Tensor
    asked: Requests
    copies: Callable[[], Tensor]
    seen: Callable[[Backbone], FeatureSet]


def drawn_by(model: Model, reference: Reference) -> Pictures:
    """A model's pictures of all that is asked for; each network looks at them once."""
    asked, name = reference.requests, model.plan.recipe.name
    images = draw(model, asked, f"{name}: drawing")
    kept: dict[tuple[str, str], FeatureSet] = {}

    def copies() -> Tensor:
        index = np.unique(np.linspace(0, len(asked.captions) - 1, VARIED).round().astype(np.int64))
        first = asked.seeds[-1] + 1
        return draw_copies(model, asked, index, range(first, first + COPIES))

    def seen(network: Backbone) -> FeatureSet:
        key = (network.name, network.checksum)
        if key not in kept:
            kept[key] = look(network, images, f"{network.name}: drawn pictures")
        return kept[key]

    return Pictures(images, asked, copies, seen)


def real(metric: Metric, reference: Reference) -> Pictures:
    """Real pictures in the place of drawn ones. Their copies are of different captions."""
    split = reference.stand_in(metric)

    def copies() -> Tensor:
        index = np.linspace(0, len(split) - 1, VARIED * COPIES).round().astype(np.int64)
        mixed = split.images[np.random.default_rng(0).permutation(index)]
        return torch.from_numpy(mixed).reshape(VARIED, COPIES, *split.images.shape[1:])

    return Pictures(
        torch.from_numpy(split.images),
        requests(split.examples, len(split), 0),
        copies,
        lambda network: reference.seen(split, network),
    )


def samples_of(metric: Metric, pictures: Pictures, reference: Reference, model: Model | None) -> Samples:
    """All that a metric needs. `model`: whose own encoders grade, for metrics that ask for these."""
    needs, held_out = metric.requires(), reference.held_out
    reals = torch.from_numpy(held_out.images)
    samples = Samples(
        pictures.images if "backbone" in needs or "fakes" not in needs else _floats(pictures.images),
        reals if "backbone" in needs or "reals" not in needs else _floats(reals),
        pictures.asked.captions,
        pictures.asked.class_id,
        copies=pictures.copies() if "copies" in needs else None,
    )
    if "backbone" in needs:
        network = reference.backbone(metric)
        features = {"fakes": pictures.seen(network)} if "fakes" in needs else {}
        features |= {"reals": reference.seen(held_out, network)} if "reals" in needs else {}
        features |= {"train": reference.seen(reference.training, network)} if "train" in needs else {}
        samples = replace(samples, features=features, maps=_maps(network))
    if "image_encoder" in needs:
        assert model is not None, "its own encoders grade"
        own = Encoders.of(model)
        text = own.read_tokens(pictures.asked.tokens(model))
        return replace(samples, image_features=own.see(pictures.images), text=text)
    if "encoders" in needs:
        named, captions = reference.encoders(metric), [own[0] for own in held_out.examples.captions]
        return replace(
            samples,
            image_features=named.see(pictures.images) if named.image is not None else None,
            text=named.read(samples.captions),
            real_text=named.read(captions) if "reals" in needs else None,
        )
    return samples


def _floats(images: Tensor) -> Tensor:
    """Pictures in 8 bits as floats in [-1, 1]."""
    return images.float() / 127.5 - 1


def _maps(network: Backbone) -> Any:
    def maps(images: Tensor) -> list[Tensor]:
        found = network(images, maps=True).maps
        if not found:
            raise GanzooError(
                f"backbone {network.name} shows no maps; use {backbones.DEFAULT} or one of timm's"
            )
        return list(found)

    return maps
