"""Comparing models: the same captions, draws, sample counts and budget for every row.

The package can be called: `ganzoo.bench([...], metrics=[...])` is `comparison.bench`.
"""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any


class _Callable(ModuleType):
    """A package that is also its main function."""

    def __call__(self, *given: Any, **named: Any) -> Any:
        from ganzoo.bench.comparison import bench

        return bench(*given, **named)


sys.modules[__name__].__class__ = _Callable
