"""Metrics of variety: how much pictures of one caption differ, which modes are there, what is copied."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from pydantic import PositiveInt

from ganzoo.core.quality import BackboneMetric
from ganzoo.metrics import diversity, memorisation, ndb
from ganzoo.metrics.ratios import Ratio
from ganzoo.metrics.samples import Samples

AT_ONCE = 4  # captions whose maps are in memory


@dataclass(frozen=True, kw_only=True)
class Diversity(BackboneMetric):
    """How much a model's pictures of one caption differ: the mean distance of their maps, in pairs.

    In the manner of LPIPS, without its learnt weights. Beside it stands what different real pictures have.

    `samples`, `backbone`, `weights`, `options`: as for every metric that looks with a network; it must show
    maps, as efficientnet-lite0 and timm's networks do.

    Source: Zhang et al. 2018, arXiv:1801.03924, equation 1; Mao et al. 2019, arXiv:1903.05628, section 4.1.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"copies", "backbone"})
    source: ClassVar[str] = "Zhang et al. 2018, arXiv:1801.03924, equation 1"
    decides: ClassVar[str] = "diversity"

    def ratios(self, samples: Samples) -> Mapping[str, Ratio]:
        """A mean over captions."""
        assert samples.copies is not None and samples.maps is not None
        found = []
        for part in torch.split(samples.copies, AT_ONCE):
            layers = [
                level.reshape(*part.shape[:2], *level.shape[1:]) for level in samples.maps(part.flatten(0, 1))
            ]
            found.append(diversity.statistics(layers).distances.double().cpu().numpy())
        return {self.decides: Ratio.mean(np.concatenate(found))}

    def __call__(self, samples: Samples) -> Mapping[str, float]:
        """The mean distance; higher = more varied."""
        return {name: ratio.value for name, ratio in self.ratios(samples).items()}


@dataclass(frozen=True, kw_only=True)
class DifferentBins(BackboneMetric):
    """NDB and JSD: do drawn pictures fill the training set's k-means bins as often? Lower is better.

    `bins`: how many. `whiten`: scale features to deviation 1 first. `samples`, `backbone`, `weights`,
    `options`: as for every metric that looks with a network.

    Source: Richardson & Weiss 2018, arXiv:1805.12462, section 2; Mao et al. 2019, section 4.1.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"fakes", "train", "backbone"})
    source: ClassVar[str] = "Richardson & Weiss 2018, arXiv:1805.12462, section 2"
    lower_is_better: ClassVar[bool] = True

    decides: ClassVar[str] = "ndb"
    tiny: ClassVar[Mapping[str, Any]] = {"bins": 4}

    bins: PositiveInt = 100
    whiten: bool = False

    def __call__(self, samples: Samples) -> Mapping[str, float]:
        """`ndb`, the share of bins that are different, in 0..1, and `jsd`, in nats, 0..log 2."""
        bins = samples.features["train"].once(
            f"bins {self.bins} {self.whiten}",
            lambda f: ndb.statistics(f.vector, self.bins, whiten=self.whiten),
        )
        found = ndb.value(bins, samples.features["fakes"].vector)
        return {self.decides: found.ndb / len(bins.counts), "jsd": found.jsd}


@dataclass(frozen=True, kw_only=True)
class Memorisation(BackboneMetric):
    """C_T: are drawn pictures nearer to training pictures than held-out real ones are? Far below 0 = copies.

    `samples`, `backbone`, `weights`, `options`: as for every metric that looks with a network.

    Source: Meehan, Chaudhuri & Dasgupta 2020, arXiv:2004.05675, section 3.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"fakes", "reals", "train", "backbone"})
    source: ClassVar[str] = "Meehan, Chaudhuri & Dasgupta 2020, arXiv:2004.05675, section 3"
    decides: ClassVar[str] = "c_t"

    def __call__(self, samples: Samples) -> Mapping[str, float]:
        """`c_t`, a z-score, and `nearest`: the mean distance to the nearest training picture."""
        training = samples.features["train"].vector
        held_out = samples.features["reals"].once(
            "origins", lambda f: memorisation.statistics(f.vector, training)
        )
        drawn = memorisation.statistics(samples.features["fakes"].vector, training)
        return {
            self.decides: memorisation.value(drawn, held_out),
            "nearest": float(drawn.distance.mean()),
        }
