"""What the kit says of a component that is wrong."""

from __future__ import annotations

import pytest

from ganzoo.testing import examine


@pytest.fixture
def fault():
    """`fault(cls)`: the message of the first check that fails."""

    def say(cls, **known):
        with pytest.raises(AssertionError) as caught:
            examine(cls, "mine/broken", **known)
        message = str(caught.value)
        assert "component mine/broken" in message
        return message

    return say
