"""Our metrics against torch-fidelity, torchmetrics, clean-fid and prdc, on the same features.

Features are drawn, no network is loaded. Libraries that draw subsets are given the draws again.
"""

import warnings

import numpy as np
import pytest
import torch

from ganzoo.metrics import (
    clip_score,
    cmmd,
    density_coverage,
    frechet,
    inception_score,
    kid,
    memorisation,
    precision_recall,
)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # theirs, of packages that they import
    from cleanfid import fid as cleanfid
    from prdc import compute_prdc
    from scipy.stats import mannwhitneyu
    from sklearn.neighbors import NearestNeighbors
    from torch_fidelity import metric_fid, metric_isc, metric_kid, metric_prc
    from torchmetrics.functional.multimodal.clip_score import clip_score as torchmetrics_clip_score
    from torchmetrics.image.fid import _compute_fid
    from torchmetrics.image.inception import InceptionScore
    from torchmetrics.image.kid import poly_mmd

KINDS = ["full rank", "fewer than dimensions", "far from 0", "waves"]


@pytest.fixture
def sets(request, waves):
    """Two sets of features [n, d] and [m, d] in float64."""
    generator = np.random.default_rng(0)
    n, m = (40, 50) if request.param == "fewer than dimensions" else (600, 500)
    x, y = generator.normal(size=(n, 64)), 1.1 * generator.normal(size=(m, 64)) + 0.2
    if request.param == "waves":
        return waves
    return (x + 100, y + 100) if request.param == "far from 0" else (x, y)


every_kind = pytest.mark.parametrize("sets", KINDS, indirect=True)


def by_fidelity(x, y):
    ours = [metric_fid.fid_features_to_statistics(torch.from_numpy(side)) for side in (x, y)]
    return metric_fid.fid_statistics_to_metric(*ours, verbose=False)["frechet_inception_distance"]


def by_torchmetrics(x, y):
    sides = [torch.from_numpy(side) for side in (x, y)]
    return float(_compute_fid(*(part for side in sides for part in (side.mean(0), side.T.cov()))))


@pytest.mark.filterwarnings("ignore:The `disp` argument:DeprecationWarning")
@pytest.mark.parametrize("library", [by_fidelity, by_torchmetrics, cleanfid.fid_from_feats])
@every_kind
def test_frechet(sets, library, request):
    found = frechet.value(*(frechet.statistics(side) for side in sets))
    rank_deficient = "fewer" in request.node.callspec.id
    assert found == pytest.approx(library(*sets), rel=1e-5 if rank_deficient else 1e-9, abs=1e-9)


@pytest.mark.parametrize("library", [by_fidelity, by_torchmetrics])
def test_frechet_of_single_precision(library):
    x, y = (np.random.default_rng(seed).normal(size=(300, 32)).astype(np.float32) for seed in (0, 1))
    found = frechet.value(frechet.statistics(x), frechet.statistics(y))
    assert found == pytest.approx(library(x, y), rel=1e-4)


@every_kind
def test_kid_in_full(sets):
    """A single subset of all features is our estimate; both libraries want as many on both sides."""
    n = min(len(side) for side in sets)
    x, y = (torch.from_numpy(side[:n]) for side in sets)
    found = kid.value(x, y)
    assert found == pytest.approx(float(poly_mmd(x, y)), rel=1e-9, abs=1e-12)
    theirs = metric_kid.kid_features_to_metric(x, y, kid_subsets=1, kid_subset_size=n, verbose=False)
    assert found == pytest.approx(theirs["kernel_inception_distance_mean"], rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("sets", KINDS[:1], indirect=True)
def test_kid_in_subsets_of_torch_fidelity(sets):
    x, y = sets
    theirs = metric_kid.kid_features_to_metric(
        torch.from_numpy(x), torch.from_numpy(y), kid_subsets=20, kid_subset_size=200, rng_seed=2020,
        verbose=False,
    )  # fmt: skip
    draws = np.random.RandomState(2020)
    found = [
        kid.value(*(side[draws.choice(len(side), 200, replace=False)] for side in sets)) for _ in range(20)
    ]
    assert np.mean(found) == pytest.approx(theirs["kernel_inception_distance_mean"], abs=1e-12)
    assert np.std(found) == pytest.approx(theirs["kernel_inception_distance_std"], abs=1e-12)


@pytest.mark.parametrize("sets", KINDS[:1], indirect=True)
def test_kid_in_subsets_of_clean_fid(sets):
    """It draws from the second set first, by numpy's global state."""
    x, y = sets
    state = np.random.get_state()
    try:
        np.random.seed(0)
        theirs = cleanfid.kernel_distance(x, y, num_subsets=20, max_subset_size=200)
    finally:
        np.random.set_state(state)
    draws = np.random.RandomState(0)
    found = [
        kid.value(*(side[draws.choice(len(side), 200, replace=False)] for side in (y, x))) for _ in range(20)
    ]
    assert np.mean(found) == pytest.approx(theirs, abs=1e-12)


@pytest.mark.parametrize(("n", "splits"), [(200, 10), (203, 10), (50, 1)])
def test_inception_score_of_torch_fidelity(n, splits):
    logits = torch.from_numpy(3 * np.random.default_rng(0).normal(size=(n, 20)))
    theirs = metric_isc.isc_features_to_metric(logits, splits, shuffle=False)
    mean, deviation = inception_score.value(inception_score.statistics(logits, splits))
    assert mean == pytest.approx(theirs["inception_score_mean"], abs=1e-12)
    assert deviation == pytest.approx(theirs["inception_score_std"], abs=1e-12)


@pytest.mark.filterwarnings("ignore:Metric `InceptionScore` will save:UserWarning")
def test_inception_score_of_torchmetrics():
    """It shuffles by torch's global state and takes the deviation over s - 1."""
    logits = torch.from_numpy(3 * np.random.default_rng(0).normal(size=(200, 20)))
    metric = InceptionScore(feature=torch.nn.Identity(), splits=10)
    metric.update(logits)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        mean, deviation = metric.compute()
        torch.manual_seed(0)
        shuffled = logits[torch.randperm(200)]
    scores = inception_score.statistics(shuffled, 10)
    assert inception_score.value(scores)[0] == pytest.approx(float(mean), abs=1e-12)
    assert scores.std(ddof=1) == pytest.approx(float(deviation), abs=1e-12)


@pytest.mark.parametrize("k", [1, 3, 5])
@every_kind
def test_precision_and_recall_of_torch_fidelity(sets, k):
    """Generated features come first there."""
    x, y = sets
    theirs = metric_prc.prc_features_to_metric(
        torch.from_numpy(y), torch.from_numpy(x), prc_neighborhood=k, prc_batch_size=100, save_cpu_ram=False,
        verbose=False,
    )  # fmt: skip
    found = precision_recall.value(*(precision_recall.statistics(side, k) for side in sets))
    assert found["precision"] == pytest.approx(theirs["precision"], abs=1e-6)  # theirs is in float32
    assert found["recall"] == pytest.approx(theirs["recall"], abs=1e-6)


@pytest.mark.parametrize("k", [1, 3, 5])
@every_kind
def test_prdc(sets, k):
    x, y = sets
    theirs = compute_prdc(x, y, k)
    found = density_coverage.value(*(density_coverage.statistics(side, k) for side in sets))
    assert found == {
        "density": pytest.approx(theirs["density"], rel=1e-12),
        "coverage": theirs["coverage"],
        "prdc_precision": theirs["precision"],
        "prdc_recall": theirs["recall"],
    }


@every_kind
def test_cmmd_by_the_kernel_of_torch_fidelity(sets):
    """The biased estimate with its Gaussian kernel; it wants as many on both sides."""
    n = min(len(side) for side in sets)
    x, y = (side[:n] / np.linalg.norm(side[:n], axis=1, keepdims=True) for side in sets)
    kernel = {"kid_kernel_rbf_sigma": 10.0}
    kernels = [metric_kid.kernel_rbf(*both, **kernel) for both in ((x, x), (x, y), (y, y))]
    for unbiased, name in ((False, "biased"), (True, "unbiased")):
        found = cmmd.value(cmmd.statistics(x), cmmd.statistics(y), unbiased=unbiased)
        assert found == pytest.approx(1000 * metric_kid.mmd2(*kernels, mmd_est=name), abs=1e-9)


class Embeddings(torch.nn.Module):
    """What torchmetrics wants of a CLIP model; takes embeddings, as pictures of one pixel, for pictures."""

    def get_image_features(self, images):
        return images.flatten(1)


@pytest.mark.parametrize("sign", [1, -1])
def test_clip_score_of_torchmetrics(waves, sign):
    x, y = (torch.from_numpy(side) for side in waves)
    theirs = torchmetrics_clip_score(
        x[:, :, None, None],
        sign * y[:, :, None, None],
        lambda: (Embeddings(), lambda images, **_: {"pixel_values": torch.stack(images)}),
    )
    found = clip_score.value(clip_score.statistics(x, sign * y))
    assert found["clip_score_percent"] == pytest.approx(float(theirs), abs=1e-12)


@every_kind
def test_nearest_training_features_of_scikit_learn(sets):
    training, other = sets
    drawn, held_out = other[: len(other) // 2], other[len(other) // 2 :]
    search = NearestNeighbors(n_neighbors=1, algorithm="brute").fit(training)
    distances = []
    for side in (drawn, held_out):
        distance, index = search.kneighbors(side)
        found = memorisation.statistics(side, training)
        assert found.index.tolist() == index[:, 0].tolist()
        assert np.allclose(found.distance, distance[:, 0], rtol=1e-9)
        distances.append(distance[:, 0])
    u = mannwhitneyu(*distances).statistic
    n, m = len(drawn), len(held_out)
    z = (u - n * m / 2) / np.sqrt(n * m * (n + m + 1) / 12)
    found = memorisation.value(*(memorisation.statistics(side, training) for side in (drawn, held_out)))
    assert found == pytest.approx(z, rel=1e-12)
