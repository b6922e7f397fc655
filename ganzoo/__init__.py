"""ganzoo: a plugin-based zoo of text-to-image GANs. Importing it does not import torch; using it does."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ganzoo.api import export_official as export_official
    from ganzoo.api import load as load
    from ganzoo.api import load_official as load_official
    from ganzoo.api import plan as plan
    from ganzoo.bench.comparison import bench as bench
    from ganzoo.catalogue import recipe as recipe
    from ganzoo.catalogue import recipes as recipes
    from ganzoo.convert import convert as convert
    from ganzoo.data_check import data_check as data_check
    from ganzoo.data_prepare import data_prepare as data_prepare
    from ganzoo.differences import diff as diff
    from ganzoo.errors import GanzooError as GanzooError
    from ganzoo.evaluation.evaluate import evaluate as evaluate
    from ganzoo.install import install as install
    from ganzoo.misfits import MismatchError as MismatchError
    from ganzoo.new_plugin import new_plugin as new_plugin
    from ganzoo.rehearse import rehearse as rehearse
    from ganzoo.train import train as train

_HOMES = {
    "GanzooError": "ganzoo.errors",
    "MismatchError": "ganzoo.misfits",
    "convert": "ganzoo.convert",
    "data_check": "ganzoo.data_check",
    "data_prepare": "ganzoo.data_prepare",
    "diff": "ganzoo.differences",
    "evaluate": "ganzoo.evaluation.evaluate",
    "export_official": "ganzoo.api",
    "install": "ganzoo.install",
    "load": "ganzoo.api",
    "load_official": "ganzoo.api",
    "new_plugin": "ganzoo.new_plugin",
    "plan": "ganzoo.api",
    "recipe": "ganzoo.catalogue",
    "recipes": "ganzoo.catalogue",
    "rehearse": "ganzoo.rehearse",
    "train": "ganzoo.train",
}

# Packages that can be called as functions, and whose modules are imported by name.
_PACKAGES = {"bench": "ganzoo.bench"}

__all__ = sorted([*_HOMES, *_PACKAGES])


def __getattr__(name: str) -> Any:
    if name in _PACKAGES:
        return importlib.import_module(_PACKAGES[name])
    if name not in _HOMES:
        raise AttributeError(f"module 'ganzoo' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return list(__all__)


class _Package(ModuleType):
    """Keeps a public function's name from being taken by the module of that name when Python loads it."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _HOMES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
