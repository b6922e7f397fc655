"""NDB and JSD against the numbers of the repository that MSGAN's authors name."""

from pathlib import Path

import numpy as np
import pytest

from ganzoo.errors import GanzooError
from ganzoo.metrics.ndb import bins_of, statistics, value
from ganzoo.testing.golden import Golden

GOLDEN = Golden(Path(__file__).parent / "golden" / "msgan_ndb_a")
QUERIES = ("same", "collapsed", "shifted")


def array(key):
    return GOLDEN.io[key].numpy()


@pytest.fixture(scope="module")
def golden():
    """Our bins, and for each of ours the place of the same bin among theirs (ties stand in any order)."""
    bins = bins_of(array("in/train"), array("in/kmeans_labels"), used=array("in/used_d_indices"))
    theirs = array("mid/bin_centers")
    place = np.square(bins.centres[:, None] - theirs).sum(2).argmin(1)
    assert sorted(place) == list(range(len(theirs)))
    return bins, place


def test_bins(golden):
    bins, place = golden
    assert np.allclose(bins.centres, array("mid/bin_centers")[place], rtol=1e-12)
    assert np.allclose(bins.counts / bins.counts.sum(), array("mid/bin_proportions")[place], rtol=1e-12)
    assert (np.diff(bins.counts) <= 0).all()


@pytest.mark.parametrize("query", QUERIES)
def test_comparison(golden, query):
    bins, place = golden
    found = value(bins, array(f"in/query_{query}"))
    assert (place[bins.assign(array(f"in/query_{query}"))] == array(f"out/{query}/assignment")).all()
    assert np.allclose(found.shares, array(f"out/{query}/proportions")[place], rtol=1e-12)
    assert np.allclose(found.z, array(f"out/{query}/z")[place], rtol=1e-9, atol=1e-12)
    assert (found.different == array(f"out/{query}/different")[place]).all()
    assert found.ndb == int(array(f"out/{query}/NDB")[0])
    assert found.jsd == pytest.approx(float(array(f"out/{query}/JS")[0]), rel=1e-12)


def test_k_means_finds_the_clusters():
    generator = np.random.default_rng(0)
    centres = np.array([[0.0, 0.0], [100.0, 0.0], [0.0, 100.0]])
    features = np.concatenate(
        [c + generator.normal(size=(n, 2)) for c, n in zip(centres, (60, 30, 10), strict=True)]
    )
    bins = statistics(features, 3)
    assert list(bins.counts) == [60, 30, 10] and np.abs(bins.centres - centres).max() < 1.5
    assert value(bins, features).ndb == 0 and value(bins, features).jsd == pytest.approx(0, abs=1e-12)
    collapsed = value(bins, features[:60])
    assert collapsed.ndb == 3 and 0 < collapsed.jsd < np.log(2)


def test_whitening_makes_dimensions_count_alike():
    generator = np.random.default_rng(0)
    wide, narrow = (
        generator.normal(size=200) * 1000,
        np.repeat([0.0, 1.0], 100) + generator.normal(size=200) / 100,
    )
    features = np.stack([wide, narrow], 1)
    bins = bins_of(features, np.repeat([0, 1], 100), whiten=True)
    assert (bins.assign(features) == np.repeat([0, 1], 100)).mean() > 0.9


def test_many_dimensions_are_thinned_out():
    bins = statistics(np.random.default_rng(0).normal(size=(8, 1206)), 2)
    assert len(bins.used) == 201 and bins.centres.shape == (2, 1206)


def test_more_bins_than_features():
    with pytest.raises(GanzooError, match="NDB wants 5 bins of 3 training features; name 3 bins or fewer"):
        statistics(np.zeros((3, 2)), 5)


def test_shares_in_reverse():
    """Shares (1..10) / 55 beside (10..1) / 55, of 1,100 features on a side: all bins but the middle two."""
    member = np.repeat(np.arange(10), 20 * np.arange(1, 11))
    features = member[:, None].astype(float)
    found = value(bins_of(features, member), 9 - features)
    assert found.ndb == 8 and found.jsd == pytest.approx(0.15130337234221, abs=1e-13)
