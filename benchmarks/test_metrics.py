"""Metrics at Inception's 2,048 dimensions beside the libraries that others use, on the same features.

`pytest benchmarks/test_metrics.py -s` prints the ratios, some minutes of which are scipy's square root of a
matrix, taken once. Frechet distances begin at means and covariances, the others at features.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from statistics import median

import numpy as np
import pytest
import torch
from prdc import compute_prdc
from scipy.linalg import sqrtm

from benchmarks.plain import as_in_training, rounds, seconds
from ganzoo.metrics import density_coverage, frechet, kid, precision_recall

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # theirs, of packages that they import
    from torch_fidelity import metric_fid, metric_kid, metric_prc

WIDTH, MANY, FEW, NEIGHBOURS = 2048, 2500, 1000, 2500


@pytest.fixture(scope="module", autouse=True)
def _settings() -> None:
    as_in_training()


def features(n: int, seed: int) -> np.ndarray:
    """Of 1 / f variances, as networks' features have."""
    drawn = np.random.default_rng(seed).normal(size=(n, WIDTH))
    return drawn / np.sqrt(np.arange(1, WIDTH + 1)) + 0.01 * seed


def fresh(one: frechet.Gaussian) -> frechet.Gaussian:
    """Without the root that is kept."""
    return frechet.Gaussian(one.mean, one.covariance, one.thin)


def beside(what: str, own: Callable[[], object], others: dict[str, Callable[[], object]], times: int) -> None:
    own()  # not timed
    turns = [[seconds(act) for act in (own, *others.values())] for _ in range(times)]
    ours, *theirs = (median(column) for column in zip(*turns, strict=True))
    for name, their in zip(others, theirs, strict=True):
        print(f"\n{what}: ganzoo {ours:.2f} s, {name} {their:.2f} s, ratio {their / ours:.1f}", end="")


def fidelity(one: frechet.Gaussian, other: frechet.Gaussian) -> float:
    sides = [{"mu": side.mean, "sigma": side.covariance} for side in (one, other)]
    return metric_fid.fid_statistics_to_metric(*sides, verbose=False)["frechet_inception_distance"]


def by_sqrtm(one: frechet.Gaussian, other: frechet.Gaussian) -> float:
    root = sqrtm(one.covariance @ other.covariance).real
    apart = np.square(one.mean - other.mean).sum()
    return float(apart + np.trace(one.covariance) + np.trace(other.covariance) - 2 * np.trace(root))


@pytest.mark.parametrize("n", [MANY, FEW])
def test_frechet(n: int) -> None:
    one, other = (frechet.statistics(features(n, seed)) for seed in (0, 1))
    what = f"Frechet distance, {WIDTH} dimensions, {n} features"
    found = {}

    def keep(name: str, act: Callable[..., float]) -> Callable[[], None]:
        return lambda: found.update({name: act(one, other)})

    own = keep("ganzoo", lambda one, other: frechet.value(fresh(one), fresh(other)))
    beside(what, own, {"torch-fidelity": keep("torch-fidelity", fidelity)}, rounds())
    if n > WIDTH:
        beside(what, own, {"scipy's sqrtm": keep("sqrtm", by_sqrtm)}, 1)
    one.root  # noqa: B018  # kept from here on
    kept = keep("kept", frechet.value)
    beside(f"{what}, root kept", kept, {"torch-fidelity": keep("torch-fidelity", fidelity)}, rounds())
    print(f"\n{found}")
    assert list(found.values()) == pytest.approx([found["ganzoo"]] * len(found), rel=1e-5)


def test_neighbours() -> None:
    x, y = features(NEIGHBOURS, 0), features(NEIGHBOURS, 1)

    def prdc() -> None:
        with redirect_stdout(StringIO()):
            compute_prdc(x, y, 5)

    def of(metric: object) -> Callable[[], object]:
        return lambda: metric.value(metric.statistics(x), metric.statistics(y))

    what = f"{WIDTH} dimensions, {NEIGHBOURS} features"
    beside(f"Density and coverage, {what}", of(density_coverage), {"prdc": prdc}, rounds())
    tensors = torch.from_numpy(y), torch.from_numpy(x)
    options = {"prc_neighborhood": 3, "prc_batch_size": 10000, "save_cpu_ram": False, "verbose": False}
    theirs = {"torch-fidelity": lambda: metric_prc.prc_features_to_metric(*tensors, **options)}
    beside(f"Precision and recall, {what}", of(precision_recall), theirs, rounds())
    whole = {"kid_subsets": 1, "kid_subset_size": NEIGHBOURS, "verbose": False}
    theirs = {"torch-fidelity": lambda: metric_kid.kid_features_to_metric(*tensors, **whole)}
    beside(f"Kernel distance, {what}", lambda: kid.value(x, y), theirs, rounds())
