"""Features without a random number: every library gives the same distances of them, on every machine."""

import numpy as np
import pytest


@pytest.fixture(scope="session")
def waves():
    """Two sets of features [200, 16]."""
    i, j = np.arange(200)[:, None], np.arange(16)[None]
    x = np.sin(0.7 * i + 1.3 * j + 0.05 * i * j) + 0.5
    y = 1.2 * np.cos(0.9 * i + 0.4 * j + 0.03 * i * j) + 0.6
    return x, y
