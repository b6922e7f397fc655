"""Metrics of how real and how varied drawn pictures are, by what a network sees in them.

Each is a thin face of the module of its name in `ganzoo/metrics`, where the equations are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, TypeVar

from pydantic import PositiveInt

from ganzoo.components import Metric
from ganzoo.errors import GanzooError
from ganzoo.metrics import (
    cmmd,
    density_coverage,
    fjd,
    frechet,
    frechet_infinite,
    inception_score,
    kid,
    precision_recall,
)
from ganzoo.metrics.neighbours import Balls
from ganzoo.metrics.samples import FeatureSet, Samples

T = TypeVar("T")
INCEPTION, OFFLINE = "inception", "efficientnet-lite0"
BOTH = frozenset({"fakes", "reals", "backbone"})


@dataclass(frozen=True, kw_only=True)
class BackboneMetric(Metric):
    """What metrics share that look with a network.

    `backbone`: `efficientnet-lite0` (weights from pip), `inception` (that of 2015, downloaded), `timm/NAME`,
    or an image encoder such as clip/image, with its `options`. `weights`: a file of the network's weights.
    """

    backbone: str = OFFLINE
    weights: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class FrechetDistance(BackboneMetric):
    """Frechet distance of drawn and real pictures (FID, with Inception's features); lower is better.

    It grows as the number of samples falls: compare only distances of as many.

    `samples`, `backbone`, `weights`, `options`: as for every metric that looks with a network.

    Source: Heusel et al. 2017, arXiv:1706.08500, equation 6.
    """

    needs: ClassVar[frozenset[str]] = BOTH
    source: ClassVar[str] = "Heusel et al. 2017, arXiv:1706.08500, equation 6"
    lower_is_better: ClassVar[bool] = True
    decides: ClassVar[str] = "fd"

    def __call__(self, samples: Samples) -> Mapping[str, float]:
        """The distance, 0 = the same Gaussian."""
        return {self.decides: frechet.value(*_both(samples, "gaussian", _gaussian))}


@dataclass(frozen=True, kw_only=True)
class FrechetInfinite(BackboneMetric):
    """The Frechet distance that infinitely many drawn pictures would have; lower is better.

    Samples should outnumber the network's features five times: only there the fitted line is straight.

    `samples`, `backbone`, `weights`, `options`: as for every metric that looks with a network.

    Source: Chong & Forsyth 2020, arXiv:1911.07023.
    """

    needs: ClassVar[frozenset[str]] = BOTH
    source: ClassVar[str] = "Chong & Forsyth 2020, arXiv:1911.07023"
    lower_is_better: ClassVar[bool] = True
    decides: ClassVar[str] = "fd_infinity"

    def __call__(self, samples: Samples) -> Mapping[str, float]:
        """The distance at 1 / n = 0."""
        real = samples.features["reals"].once("gaussian", _gaussian)
        curve = frechet_infinite.statistics(samples.features["fakes"].vector, real)
        return {self.decides: frechet_infinite.value(curve).infinite}


@dataclass(frozen=True, kw_only=True)
class KernelDistance(BackboneMetric):
    """Kernel distance of drawn and real pictures (KID, with Inception's features); lower is better.

    Of the whole samples, without bias: it may lie below 0, and hardly depends on their number.

    `samples`, `backbone`, `weights`, `options`: as for every metric that looks with a network.

    Source: Binkowski et al. 2018, arXiv:1801.01401, section 4.
    """

    needs: ClassVar[frozenset[str]] = BOTH
    source: ClassVar[str] = "Binkowski et al. 2018, arXiv:1801.01401, section 4"
    lower_is_better: ClassVar[bool] = True
    decides: ClassVar[str] = "kid"

    def __call__(self, samples: Samples) -> Mapping[str, float]:
        """The distance, around 0 for the same distribution."""
        return {self.decides: kid.value(samples.features["reals"].vector, samples.features["fakes"].vector)}


@dataclass(frozen=True, kw_only=True)
class InceptionScore(BackboneMetric):
    """Inception score: how sure a classifier is of pictures, and how varied they are; higher is better.

    Kept for the sake of old papers. It never sees a real picture, and belongs to one classifier.

    `splits`: the score is the mean over so many parts. `samples`, `backbone`, `weights`, `options`: as for
    every metric that looks with a network.

    Source: Salimans et al. 2016, arXiv:1606.03498, section 4.
    """

    needs: ClassVar[frozenset[str]] = frozenset({"fakes", "backbone"})
    source: ClassVar[str] = "Salimans et al. 2016, arXiv:1606.03498, section 4"
    decides: ClassVar[str] = "inception_score"

    splits: PositiveInt = inception_score.SPLITS

    def __call__(self, samples: Samples) -> Mapping[str, float]:
        """Mean and deviation over splits. Raises GanzooError for a backbone that names no classes."""
        logits = samples.features["fakes"].logits
        if logits is None:
            raise GanzooError(
                f"an Inception score needs a classifier, but backbone {self.backbone} names no classes; "
                f"use {OFFLINE} or {INCEPTION}"
            )
        mean, deviation = inception_score.value(inception_score.statistics(logits, self.splits))
        return {self.decides: mean, "inception_score_deviation": deviation}


@dataclass(frozen=True, kw_only=True)
class PrecisionRecall(BackboneMetric):
    """Improved precision (are drawn pictures real?) and recall (is all there is drawn?), in 0..1.

    `k`: balls reach to the k-th neighbour. `samples`, `backbone`, `weights`, `options`: as for every metric
    that looks with a network.

    Source: Kynkaanniemi et al. 2019, arXiv:1904.06991, equations 1 and 2.
    """

    needs: ClassVar[frozenset[str]] = BOTH
    source: ClassVar[str] = "Kynkaanniemi et al. 2019, arXiv:1904.06991, equations 1 and 2"
    decides: ClassVar[str] = "precision"

    k: PositiveInt = precision_recall.NEIGHBOUR

    def __call__(self, samples: Samples) -> Mapping[str, float]:
        """`precision` and `recall`."""
        return precision_recall.value(*_both(samples, f"precision {self.k}", self._balls))

    def _balls(self, features: FeatureSet) -> Balls:
        return precision_recall.statistics(features.vector, self.k)


@dataclass(frozen=True, kw_only=True)
class DensityCoverage(BackboneMetric):
    """Density and coverage: precision and recall that a few outliers do not move; higher is better.

    `k`: balls reach to the k-th neighbour. `samples`, `backbone`, `weights`, `options`: as for every metric
    that looks with a network.

    Source: Naeem et al. 2020, arXiv:2002.09797, section 3.
    """

    needs: ClassVar[frozenset[str]] = BOTH
    source: ClassVar[str] = "Naeem et al. 2020, arXiv:2002.09797, section 3"
    decides: ClassVar[str] = "coverage"

    k: PositiveInt = density_coverage.NEIGHBOUR

    def __call__(self, samples: Samples) -> Mapping[str, float]:
        """`density`, around 1 for one distribution, and `coverage`, in 0..1."""
        found = density_coverage.value(*_both(samples, f"density {self.k}", self._balls))
        return {name: found[name] for name in ("density", "coverage")}

    def _balls(self, features: FeatureSet) -> Balls:
        return density_coverage.statistics(features.vector, self.k)


@dataclass(frozen=True, kw_only=True)
class Cmmd(BackboneMetric):
    """Gaussian-kernel distance of CLIP's embeddings of drawn and real pictures (CMMD); lower is better.

    Almost a distance of means: it says little of how varied pictures are.

    `unbiased`: leave out the pairs of a row with itself, which the authors count. `samples`, `backbone`,
    `weights`, `options`: as for every metric that looks with a network; the paper's is clip/image with
    `model: ViT-L/14@336px`.

    Source: Jayasumana et al. 2024, arXiv:2401.09603, section 4.
    """

    needs: ClassVar[frozenset[str]] = BOTH
    source: ClassVar[str] = "Jayasumana et al. 2024, arXiv:2401.09603, section 4"
    lower_is_better: ClassVar[bool] = True
    decides: ClassVar[str] = "cmmd"

    backbone: str = "clip/image"
    unbiased: bool = False

    def __call__(self, samples: Samples) -> Mapping[str, float]:
        """The distance, times 1000."""
        real = samples.features["reals"].once("directions", lambda f: cmmd.statistics(f.vector))
        drawn = cmmd.statistics(samples.features["fakes"].vector)
        return {self.decides: cmmd.value(real, drawn, unbiased=self.unbiased)}


@dataclass(frozen=True, kw_only=True)
class FrechetJoint(BackboneMetric):
    """Frechet distance of pictures together with their captions (FJD); lower is better.

    A model that draws real pictures of the wrong captions has a low Frechet distance and a high joint one.

    `text`: the text encoder that reads captions for it, with `text_options`. `samples`, `backbone`,
    `weights`, `options`: as for every metric that looks with a network.

    Source: DeVries et al. 2019, arXiv:1907.08175, section 4.
    """

    needs: ClassVar[frozenset[str]] = BOTH | {"captions", "encoders"}
    source: ClassVar[str] = "DeVries et al. 2019, arXiv:1907.08175, section 4"
    lower_is_better: ClassVar[bool] = True
    decides: ClassVar[str] = "fjd"

    text: str = "core/ngrams"
    text_options: Mapping[str, Any] = field(default_factory=dict)

    def encoders(self) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """The text encoder alone."""
        return {"use": self.text, **self.text_options}, {}

    def __call__(self, samples: Samples) -> Mapping[str, float]:
        """The distance, 0 = the same Gaussian of pictures and captions."""
        assert samples.text is not None and samples.real_text is not None
        real, drawn = samples.features["reals"].vector, samples.features["fakes"].vector
        asked = samples.real_text.sentence
        alpha = fjd.scale(real, asked)
        one = samples.features["reals"].once(
            f"joint {self.text}", lambda f: fjd.statistics(f.vector, asked, alpha)
        )
        return {self.decides: fjd.value(one, fjd.statistics(drawn, samples.text.sentence, alpha))}


def _both(samples: Samples, name: str, make: Callable[[FeatureSet], T]) -> tuple[T, T]:
    """What is made of the real and of the drawn features, once each, in this order."""
    return samples.features["reals"].once(name, make), samples.features["fakes"].once(name, make)


def _gaussian(features: FeatureSet) -> frechet.Gaussian:
    return frechet.statistics(features.vector)
