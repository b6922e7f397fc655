from functools import reduce
from operator import add

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from ganzoo.metrics.frechet import of_moments, statistics
from ganzoo.metrics.moments import moments


@given(st.lists(st.integers(1, 9), min_size=1, max_size=6), st.sampled_from([0.0, 1e6]))
def test_batches_and_processes_add_up(sizes, far):
    generator = np.random.default_rng(sum(sizes))
    x = generator.normal(size=(sum(sizes) + 1, 4)) + far
    parts = np.split(x, np.cumsum(sizes))
    found = reduce(add, [moments(part) for part in parts])
    whole = of_moments(found)
    assert found.count == len(x)
    assert np.allclose(whole.mean, x.mean(0), rtol=1e-14)
    assert np.allclose(whole.covariance, np.cov(x, rowvar=False), atol=1e-12 + 1e-15 * far)
    assert np.allclose(whole.covariance, statistics(x).covariance, atol=1e-12 + 1e-15 * far)
