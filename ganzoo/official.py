"""The authors' tensors into ours: every name accounted for, all or nothing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ganzoo.errors import GanzooError


@dataclass(frozen=True)
class Network:
    """One of the authors' networks. `ours`: the model's own tensors by the authors' names."""

    name: str
    theirs: Mapping[str, Any]
    ours: Mapping[str, Tensor]

    def misfits(self) -> list[str]:
        """What is unknown, missing or of another shape, one line each, sorted.

        Batch norm's `num_batches_tracked` may be missing: torch has it since 0.4.1 and does not use it here.
        """
        found = [f"{self.name}.{key} is in the file, but not in the model" for key in self._unknown()]
        found += [f"{self.name}.{key} is in the model, but not in the file" for key in self._missing()]
        for key in self.theirs.keys() & self.ours.keys():
            value, own = self.theirs[key], tuple(self.ours[key].shape)
            shape = tuple(value.shape) if isinstance(value, Tensor) else type(value).__name__
            if shape != own:
                found.append(f"{self.name}.{key} is {shape} in the file, {own} in the model")
        return sorted(found)

    def _unknown(self) -> list[str]:
        return [key for key in self.theirs if key not in self.ours]

    def _missing(self) -> list[str]:
        missing = [key for key in self.ours if key not in self.theirs]
        return [key for key in missing if not key.endswith(".num_batches_tracked")]


@torch.no_grad()
def fill(networks: Iterable[Network]) -> None:
    """Copy the authors' tensors. Raises GanzooError, with every misfit, before anything is changed."""
    networks = list(networks)
    problems = [misfit for network in networks for misfit in network.misfits()]
    if problems:
        raise GanzooError("\n  ".join(["the authors' weights do not fit the model:", *problems]))
    for network in networks:
        for key, value in network.theirs.items():
            network.ours[key].copy_(value)


def copies(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors by name, apart from the model."""
    return {name: tensor.detach().clone() for name, tensor in tensors.items()}
