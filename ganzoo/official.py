"""The authors' tensors into ours: every name accounted for, all or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

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


Slots = Mapping[str, Tensor]


def networks(
    family: str,
    state: Mapping[str, Any],
    generator: Callable[[], Slots],
    discriminators: Callable[[], Sequence[Slots]],
) -> Iterator[Network]:
    """What `state`, {"generator": {name: tensor}, "discriminators": [{name: tensor}, ...]}, has of a family.

    Either may be absent, and None stands for a discriminator that stays as it is. Names may begin with
    `module.`, as DataParallel saves them. The functions give the model's own tensors by the authors' names.
    """
    if unknown := sorted(set(state) - {"generator", "discriminators"}):
        raise GanzooError(
            f"{family} has a generator and discriminators; the weights have {', '.join(unknown)}"
        )
    if "generator" in state:
        yield Network("netG", _unwrapped("netG", state["generator"]), generator())
    if "discriminators" in state:
        ours, theirs = discriminators(), state["discriminators"]
        if len(theirs) != len(ours):
            raise GanzooError(
                f"the authors' weights have {len(theirs)} discriminators, the model has {len(ours)}; give "
                "one for each, coarse to fine, None to leave one as it is"
            )
        for number, (their, our) in enumerate(zip(theirs, ours, strict=True)):
            if their is not None:
                name = f"netD {number}"
                yield Network(name, _unwrapped(name, their), our)


def _unwrapped(name: str, theirs: Mapping[str, Any]) -> dict[str, Any]:
    bare = {key.removeprefix("module."): value for key, value in theirs.items()}
    if len(bare) < len(theirs):
        raise GanzooError(f"the authors' weights have names of {name} twice, with and without `module.`")
    return bare


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


def named(prefix: str, module: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The tensors of `module` by the authors' names, which begin with `prefix`."""
    for name, tensor in module.state_dict(keep_vars=True).items():
        yield f"{prefix}.{name}", tensor


def trunk_names(layers: Sequence[nn.Module]) -> Iterator[tuple[str, Sequence[nn.Module]]]:
    """The blocks of a discriminator's trunk by the names that StackGAN++ and AttnGAN give them.

    Down by 16 in one, then a block a layer, each named by how far down it is: convolution, norm, activation.
    """
    sixteen = 11  # four convolutions, three batch norms, four activations
    yield "img_code_s16", layers[:sixteen]
    scale, narrowing = 16, 0
    for start in range(sixteen, len(layers), 3):
        conv = layers[start]
        assert isinstance(conv, nn.Conv2d)
        if conv.stride == (2, 2):
            scale *= 2
            yield f"img_code_s{scale}", layers[start : start + 3]
        else:
            narrowing += 1
            yield f"img_code_s{scale}_{narrowing}", layers[start : start + 3]
