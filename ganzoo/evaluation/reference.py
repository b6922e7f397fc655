"""What the models of one comparison are measured with: held-out examples, real pictures, networks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from ganzoo.components import Dataset, Metric
from ganzoo.evaluation.asked import Asked
from ganzoo.evaluation.drawing import Requests, requests
from ganzoo.evaluation.encoding import Encoders
from ganzoo.evaluation.splits import Split
from ganzoo.metrics import backbones
from ganzoo.metrics.backbones import Backbone
from ganzoo.metrics.samples import FeatureSet
from ganzoo.plugins import Registry
from ganzoo.plugins import load as load_plugins
from ganzoo.runtime import device_called, keep_large_blocks

log = logging.getLogger("ganzoo")

MOST_SAMPLES = 30_000  # the papers' number; drawn where there are as many captions
LEAST_SAMPLES = 1_000


class Reference:
    """What models of one comparison are measured with: held-out examples, real pictures, networks.

    `side`: of the real pictures, in pixels; None = that of the first model. `samples`: None = as many as
    there are held-out captions, from 1,000 to 30,000.
    """

    def __init__(
        self,
        data: Dataset,
        use: str,
        folder: Path | None,
        *,
        side: int,
        samples: int | None = None,
        seed: int = 0,
        device: str = "auto",
    ) -> None:
        keep_large_blocks()
        self.device = device_called(device)
        self.use, self.seed, self.side = use, seed, side
        self._data, self._folder = data, folder
        self._networks: dict[tuple[str, Any], Backbone] = {}
        self._encoders: dict[str, Encoders] = {}
        self._seen: dict[tuple[str, str, str], FeatureSet] = {}
        self._floors: dict[str, Mapping[str, float]] = {}
        self.registry: Registry = load_plugins()
        self.held_out = self._split("test")
        captions = sum(len(own) for own in self.held_out.examples.captions)
        self.samples = samples or min(max(captions, LEAST_SAMPLES), MOST_SAMPLES)
        self.requests: Requests = requests(self.held_out.examples, self.samples, seed)

    def _split(self, split: str) -> Split:
        if split == "test" and not len(self._data.examples("test", self._folder, self.side)):
            log.warning("the data has no test split: models are measured on what they were trained on")
            split = "train"
        return Split.packed(self._data, self._folder, split, self.side)

    @cached_property
    def training(self) -> Split:
        """The training split."""
        return self._split("train")

    def backbone(self, metric: Metric) -> Backbone:
        """The network of a metric's option `backbone`, built once."""
        name, weights = str(getattr(metric, "backbone", "")), getattr(metric, "weights", None)
        options: Mapping[str, Any] = getattr(metric, "options", {})
        key = (name, repr((weights, options)))
        if key not in self._networks:
            encoders = self.registry.components("image_encoders")
            if name in encoders and not name.startswith(backbones.TIMM):
                encoder = Encoders.image_called({"use": name, **options}, self.registry)
                self._networks[key] = backbones.of_encoder(name, encoder, self.device)
            else:
                self._networks[key] = backbones.named(name, self.device, weights)
        return self._networks[key]

    def encoders(self, metric: Metric) -> Encoders:
        """The text and image encoder that a metric names, built once."""
        asked = metric.encoders()
        assert asked is not None, "a metric that needs `encoders` names them"
        if repr(asked) not in self._encoders:
            self._encoders[repr(asked)] = Encoders.called(*asked, self.registry, self.device)
        return self._encoders[repr(asked)]

    @cached_property
    def real_training(self) -> Split:
        """As many training pictures as are drawn, or all there are."""
        return self.training.evenly(self.samples)

    def stand_in(self, metric: Metric) -> Split:
        """Real pictures to put in the place of drawn ones, as many as there are of these.

        Training pictures, or held-out ones for metrics that compare with the training pictures.
        """
        return self.held_out if "train" in metric.requires() else self.real_training

    def floor(self, asked: Asked, measure: Callable[[], Mapping[str, float]]) -> Mapping[str, float]:
        """What a metric says of real pictures, by `measure` when it is first asked for."""
        if repr(asked) not in self._floors:
            self._floors[repr(asked)] = measure()
        return self._floors[repr(asked)]

    def seen(self, split: Split, network: Backbone) -> FeatureSet:
        """What a network sees in a split: one object, so that what is derived from it once stays with it."""
        key = (split.content, network.name, network.checksum)
        if key not in self._seen:
            self._seen[key] = split.seen_by(network)
        return self._seen[key]
