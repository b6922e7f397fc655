"""The package clip-anytorch, whose module is called clip."""

from __future__ import annotations

import warnings
from types import ModuleType

from ganzoo.errors import GanzooError

INSTALL = "pip install 'clip-anytorch>=2.6,<3' 'setuptools>=77.0.3,<82'"


def imported() -> ModuleType:
    """The module. Raises GanzooError where it, or pkg_resources, which it imports, is missing."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # pkg_resources says that it is deprecated
            import clip
    except ImportError as error:
        raise GanzooError(
            f"ganzoo-clip needs clip-anytorch and, for it, setuptools before 82: {error}; {INSTALL}"
        ) from error
    if not hasattr(clip, "available_models"):
        raise GanzooError(f"the installed package `clip` is not clip-anytorch; {INSTALL}")
    return clip


CLIP = imported()
