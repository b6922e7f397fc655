"""What the models of one comparison are measured with: held-out examples, real pictures, networks."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from ganzoo.components import Dataset, Metric
from ganzoo.errors import GanzooError
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
    """Held-out examples of `data` (a component called `use`), real pictures beside them, and networks.

    `side`: of the real pictures, in pixels. `samples`: None = as many as there are held-out captions, from
    1,000 to 30,000. Without a test split the training split serves, and a warning says so. Raises GanzooError
    for data that is not there, fewer than two samples, a seed below 0.
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
        self.use, self.side = use, side
        self._data, self._folder = data, folder
        self._networks: dict[tuple[str, Any], Backbone] = {}
        self._encoders: dict[str, Encoders] = {}
        self._seen: dict[tuple[str, str, str], FeatureSet] = {}
        self._floors: dict[str, Mapping[str, float]] = {}
        self.registry: Registry = load_plugins()
        examples = data.examples("test", folder, side)
        self._fingerprint = examples.fingerprint
        if not len(examples):
            log.warning("the data has no test split: models are measured on what they were trained on")
        self.held_out = Split.packed("test", examples, side) if len(examples) else self.training
        captions = sum(len(own) for own in self.held_out.examples.captions)
        self.samples = min(max(captions, LEAST_SAMPLES), MOST_SAMPLES) if samples is None else samples
        self.requests: Requests = requests(self.held_out.examples, self.samples, seed)

    def holds(self, data: Dataset) -> bool:
        """Whether other options of the data set make the same held-out pictures."""
        if data == self._data:
            return True
        return data.examples("test", self._folder, self.side).fingerprint == self._fingerprint

    @cached_property
    def training(self) -> Split:
        """The training split."""
        return Split.packed("train", self._data.examples("train", self._folder, self.side), self.side)

    def backbone(self, metric: Metric) -> Backbone:
        """The network of a metric's option `backbone`, built once.

        Raises GanzooError for an unknown one, weights that cannot be had, options that it has not.
        """
        name, weights = str(getattr(metric, "backbone", "")), getattr(metric, "weights", None)
        options: Mapping[str, Any] = getattr(metric, "options", {})
        key = (name, repr((weights, options)))
        if key not in self._networks:
            encodes = "/" in name and not name.startswith(backbones.TIMM)
            if given := ("weights" if encodes and weights else "" if encodes or not options else "options"):
                raise GanzooError(
                    f"backbone {name} takes no `{given}`: `options` are those of image encoders, such as "
                    f"clip/image; `weights` is for {backbones.DEFAULT}, {backbones.INCEPTION} and timm's"
                )
            if encodes:
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
    def _real_training(self) -> Split:
        return self.training.evenly(self.samples)

    @cached_property
    def _real_held_out(self) -> Split:
        return self.held_out.evenly(self.samples)

    def stand_in(self, metric: Metric) -> Split:
        """Real pictures to put in the place of drawn ones: as many as are drawn, or all there are.

        Training pictures for metrics that compare with the held-out ones. For others held-out pictures, so
        that encoders which learnt the training pictures by heart do not grade these.
        """
        compares = "reals" in metric.requires() and "train" not in metric.requires()
        return self._real_training if compares else self._real_held_out

    def seen(self, split: Split, network: Backbone) -> FeatureSet:
        """What a network sees in a split: one object, so that what is derived from it once stays with it."""
        key = (split.content, network.name, network.checksum)
        if key not in self._seen:
            self._seen[key] = split.seen_by(network)
        return self._seen[key]

    def floor(self, metric: Metric, make: Callable[[], Mapping[str, float]]) -> Mapping[str, float]:
        """`make()`, what a metric says of real pictures; made once where that does not depend on a model."""
        if "image_encoder" in metric.requires():
            return make()
        key = repr(metric)
        if key not in self._floors:
            self._floors[key] = make()
        return self._floors[key]
