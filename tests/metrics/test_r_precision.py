"""R-precision, exact over all draws of mismatched captions."""

from itertools import combinations

import pytest
import torch
import torch.nn.functional as F

from ganzoo.errors import GanzooError
from ganzoo.flow import ImageFeatures, TextFeatures
from ganzoo.metrics.damsm_r_precision import DamsmRPrecision
from ganzoo.metrics.r_precision import statistics, value
from ganzoo.metrics.samples import Samples


def features(count, width=5, noise=1.0):
    captions = torch.randn(count, width)
    return captions + noise * torch.randn(count, width), captions


def by_hand(pictures, captions, rivals, left_out):
    """Every draw of rivals, one after the other."""
    cosines = F.cosine_similarity(pictures.double()[:, None], captions.double(), dim=2)
    found = []
    for row, scores in enumerate(cosines):
        others = [i for i in range(len(scores)) if not left_out[row, i]]
        draws = list(combinations(others, min(rivals, len(others))))
        found.append(sum(all(scores[row] > scores[i] for i in draw) for draw in draws) / len(draws))
    return torch.tensor(found, dtype=torch.float64)


@pytest.mark.parametrize("rivals", [1, 3, 7, 8, 99])
def test_is_the_mean_over_all_draws(rivals):
    pictures, captions = features(9)
    found = statistics(pictures, captions, rivals=rivals)
    assert torch.allclose(found[:, 0], by_hand(pictures, captions, rivals, torch.eye(9).bool()), atol=1e-12)
    assert torch.allclose(found[:, 1], torch.tensor(1 / (1 + min(rivals, 8))).double())


def test_rows_alike_are_no_rivals():
    pictures, captions = features(8)
    classes, wordings = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3]), torch.tensor([0, 1, 2, 3, 3, 4, 5, 6])
    left_out = (classes[:, None] == classes) | (wordings[:, None] == wordings)
    found = statistics(pictures, captions, [classes, wordings], rivals=2)
    assert torch.allclose(found[:, 0], by_hand(pictures, captions, 2, left_out), atol=1e-12)


def test_perfect_and_blind_features():
    _, captions = features(400, 32)
    assert value(statistics(captions, captions)) == (1.0, pytest.approx(0.01))
    blind, chance = value(statistics(torch.randn(400, 32), captions))
    assert abs(blind - chance) < 0.02


def test_ties_and_what_is_not_finite_do_not_count():
    same = torch.ones(5, 3)
    assert value(statistics(same, same))[0] == 0
    pictures, captions = features(5, noise=0.0)
    captions[2] = torch.nan
    found = statistics(pictures, captions)[:, 0]
    assert not found.any(), "nothing is known to be farther than a caption of NaN"


def test_a_row_without_rivals_is_left_out():
    pictures, captions = features(3, noise=0.0)
    classes = torch.tensor([0, 0, 1])
    found = statistics(pictures, captions, [classes])
    assert value(found) == (1.0, pytest.approx((1 / 2 + 1 / 2 + 1 / 3) / 3))
    with pytest.raises(GanzooError, match="captions that differ"):
        value(statistics(pictures, captions, [torch.zeros(3).long()]))


def test_in_parts(monkeypatch):
    pictures, captions = features(20)
    whole = statistics(pictures, captions, rivals=4)
    monkeypatch.setattr("ganzoo.metrics.r_precision.AT_ONCE", 60)
    assert torch.equal(statistics(pictures, captions, rivals=4), whole)


def test_shapes_that_do_not_fit():
    with pytest.raises(GanzooError, match=r"\[4, 3\] of pictures and \[5, 3\]"):
        statistics(torch.zeros(4, 3), torch.zeros(5, 3))


def test_the_metric_reads_captions_and_classes():
    _, captions = features(6, noise=0.0)
    captions[1] = captions[0]  # one wording twice; rows 2 and 3 are of one class
    captions[3] = 2 * captions[2]
    samples = Samples(
        torch.zeros(6, 3, 8, 8),
        torch.zeros(6, 3, 8, 8),
        ("a", "a", "b", "c", "d", "e"),
        torch.tensor([0, 1, 2, 2, 3, 4]),
        TextFeatures(captions),
        ImageFeatures(captions),
    )
    assert DamsmRPrecision()(samples) == {
        "damsm_r_precision": 1.0,
        "damsm_r_precision/chance": pytest.approx((4 / 5 + 2 / 6) / 6),
    }
