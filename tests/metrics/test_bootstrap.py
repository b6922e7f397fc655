import numpy as np
import pytest

from ganzoo.errors import GanzooError
from ganzoo.metrics import frechet
from ganzoo.metrics.bootstrap import errors_over_samples, over_seeds


def test_seeds_repeat():
    x = np.arange(9.0)

    def error(seed):
        return errors_over_samples(9, lambda rows: {"mean": x[rows].mean()}, 20, seed)

    assert error(0) == error(0) != error(1)


def test_why_not_quantiles():
    """Nearly every resample is farther from the reference than the sample; its spread is right."""
    generator = np.random.default_rng(0)
    reference = frechet.Gaussian(np.zeros(8), np.eye(8))
    resampled = []

    def distance(x):
        return frechet.value(reference, frechet.statistics(x))

    x = generator.normal(size=(100, 8))

    def statistic(rows):
        resampled.append(distance(x[rows]))
        return {"distance": resampled[-1]}

    error = errors_over_samples(100, statistic, 100)["distance"]
    fresh = np.std([distance(generator.normal(size=(100, 8))) for _ in range(100)])
    assert np.quantile(resampled, 0.05) > distance(x)
    assert fresh / 2 < error < 2 * fresh


def test_over_seeds():
    """Student's t of two degrees of freedom: 4.302653."""
    found = over_seeds([1.0, 2.0, 6.0])
    error = np.sqrt(7) / np.sqrt(3)
    assert (found.value, found.error) == pytest.approx((3, error))
    assert (found.low, found.high) == pytest.approx((3 - 4.302653 * error, 3 + 4.302653 * error), rel=1e-6)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, float("nan")]])
def test_too_few_seeds(values):
    with pytest.raises(GanzooError, match="two finite numbers or more"):
        over_seeds(values)


@pytest.mark.parametrize("confidence", [0.0, 1.0, 95])
def test_confidence(confidence):
    with pytest.raises(GanzooError, match=r"confidence .*; expected one in 0\.\.1"):
        over_seeds([1.0, 2.0], confidence)


def test_errors_of_several_numbers_at_once():
    x = np.random.default_rng(0).normal(size=(200, 2)) * [1, 5]
    found = errors_over_samples(
        200, lambda rows: dict(zip("ab", x[rows].mean(0), strict=True)) | {"c": float("nan")}, count=500
    )
    assert set(found) == {"a", "b"}
    assert list(found.values()) == pytest.approx(x.std(0) / np.sqrt(200), rel=0.15)
    assert errors_over_samples(9, lambda rows: {"a": 1.0} if 0 in rows else {"a": 1.0, "b": 2.0}) == {"a": 0}
