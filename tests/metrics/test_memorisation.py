import numpy as np
import pytest
import torch

from ganzoo.errors import GanzooError
from ganzoo.metrics.memorisation import Origins, statistics, value


def origins(*distances):
    return Origins(torch.arange(len(distances)), torch.tensor(distances, dtype=torch.float64))


def test_waves(waves):
    x, y = waves
    found = value(statistics(y[:60], x[:100]), statistics(x[100:], x[:100]))
    assert found == pytest.approx(6.975058493933, abs=1e-11)


def test_against_counting_pairs():
    drawn, held_out = (1.0, 2.0, 2.0, 5.0), (2.0, 3.0, 0.5)
    u = sum(float(a > b) + 0.5 * (a == b) for a in drawn for b in held_out)
    expected = (u - 4 * 3 / 2) / np.sqrt(4 * 3 * (4 + 3 + 1) / 12)
    assert value(origins(*drawn), origins(*held_out)) == pytest.approx(expected, rel=1e-12)
    assert value(origins(*held_out), origins(*drawn)) == pytest.approx(-expected, rel=1e-12)


def test_honest_copying_and_far():
    generator = np.random.default_rng(0)
    training, held_out, honest = generator.normal(size=(3, 300, 8))
    copies = training + 0.01 * generator.normal(size=(300, 8))
    found = [value(statistics(drawn, training), statistics(held_out, training)) for drawn in (honest, copies)]
    far = value(statistics(5 * honest, training), statistics(held_out, training))
    assert abs(found[0]) < 4 and found[1] < -15 and far > 15


def test_exact_copies_on_both_sides_have_a_score():
    """All distances are equal: as far as each other."""
    assert value(origins(0, 0, 0), origins(0, 0)) == 0


def test_the_closest_of_a_gallery():
    training = np.random.default_rng(0).normal(size=(50, 8)).astype(np.float32) + 20
    drawn = np.stack([training[7] + 0.1, training[3], training[9] + 0.05])
    found = statistics(drawn, training)
    assert found.index.tolist() == [7, 3, 9] and found.distance[1] == 0
    assert found.closest(2).tolist() == [1, 2] and found.closest(9).tolist() == [1, 2, 0]


def test_an_empty_side():
    with pytest.raises(GanzooError, match="0 drawn and 2 held-out"):
        value(origins(), origins(1, 2))
