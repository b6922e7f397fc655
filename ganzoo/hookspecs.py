"""The hooks a plugin may implement, one a kind of component. The host adds the plugin's prefix to every name.

A plugin's `__init__` holds its hooks and nothing else; each hook imports its components inside, so that names
and recipes can be read without importing torch.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from ganzoo.components import (
        Conditioning,
        Dataset,
        Discriminator,
        ImageEncoder,
        Importer,
        Loss,
        Metric,
        Stage,
        TextEncoder,
    )

hookspec = pluggy.HookspecMarker("ganzoo")
hookimpl = pluggy.HookimplMarker("ganzoo")


@hookspec
def ganzoo_text_encoders() -> Mapping[str, type[TextEncoder]]:
    """Captions -> TextFeatures."""
    raise AssertionError


@hookspec
def ganzoo_image_encoders() -> Mapping[str, type[ImageEncoder]]:
    """Pictures -> ImageFeatures (DAMSM, CLIP, R-precision)."""
    raise AssertionError


@hookspec
def ganzoo_conditionings() -> Mapping[str, type[Conditioning]]:
    """TextFeatures and Layout -> Condition."""
    raise AssertionError


@hookspec
def ganzoo_stages() -> Mapping[str, type[Stage]]:
    """StageOutput, Condition, noise -> the next StageOutput."""
    raise AssertionError


@hookspec
def ganzoo_discriminators() -> Mapping[str, type[Discriminator]]:
    """Pictures, code -> Logits."""
    raise AssertionError


@hookspec
def ganzoo_losses() -> Mapping[str, type[Loss]]:
    """Step -> a scalar to minimise."""
    raise AssertionError


@hookspec
def ganzoo_datasets() -> Mapping[str, type[Dataset]]:
    """A folder on disk, or a generator -> examples."""
    raise AssertionError


@hookspec
def ganzoo_metrics() -> Mapping[str, type[Metric]]:
    """Samples -> named numbers."""
    raise AssertionError


@hookspec
def ganzoo_importers() -> Mapping[str, type[Importer]]:
    """The authors' checkpoints -> ganzoo's weights, and back."""
    raise AssertionError


@hookspec
def ganzoo_recipes() -> Path:
    """A YAML file of recipes, in the form of registry.yaml."""
    raise AssertionError
