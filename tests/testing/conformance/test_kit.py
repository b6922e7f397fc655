"""The kit as a plugin calls it."""

from __future__ import annotations

import pytest

from ganzoo.errors import GanzooError
from ganzoo.testing import conformance


def test_a_plugin_that_is_not_there():
    with pytest.raises(GanzooError, match="no installed plugin `nowhere` offers a component"):
        conformance("nowhere")


def test_one_case_a_component_and_check():
    (mark,) = conformance("core").pytestmark
    names = [case.id for case in mark.args[1]]
    assert "losses-r1-starvation" in names and "text_encoders-ngrams-padding" in names
    assert len(names) == len(set(names))
