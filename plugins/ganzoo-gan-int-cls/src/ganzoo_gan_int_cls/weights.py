"""The authors' Torch7 networks (reedscot/icml2016) by 1-based paths in the module tree: `5.2.1.weight`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from torch import Tensor, nn

from ganzoo.components import Importer
from ganzoo.errors import GanzooError
from ganzoo.official import Network, copies, fill
from ganzoo_gan_int_cls.conditionings import Projection
from ganzoo_gan_int_cls.discriminators import Matcher
from ganzoo_gan_int_cls.layers import Residual
from ganzoo_gan_int_cls.stages import Upsampler

Part = TypeVar("Part", bound=nn.Module)


@dataclass(frozen=True, kw_only=True)
class GanIntCls(Importer):
    """The authors' netG and netD: {"generator": {path: tensor}, "discriminators": [{path: tensor}]}.

    Either may be absent; paths may begin with `netG.` or `netD.`. The authors' networks have convolution
    biases, which their training zeroes before every evaluation. Where ours are built without (`bias: false`),
    `load` leaves the authors' biases out and `export` writes zeros.

    Source: reedscot/icml2016 main_cls_int.lua, main_cls.lua.
    """

    source: ClassVar[str] = "reedscot/icml2016 main_cls_int.lua, main_cls.lua"
    recipe: ClassVar[str] = "gan-int-cls-birds"

    def load(self, model: nn.Module, state: Mapping[str, Any]) -> None:
        """Fill `model`. Raises GanzooError, with every path that does not fit, before anything is changed."""
        fill(Network(name, theirs, slots(model, name)) for name, theirs in _networks(state))

    def export(self, model: nn.Module) -> Mapping[str, Any]:
        """The model's weights under the authors' paths, without `netG.` and `netD.`."""
        names = ["netG", *("netD" for _ in model.get_submodule("discriminators").children())]
        generator, *discriminators = (copies(slots(model, name)) for name in names)
        return {"generator": generator, "discriminators": discriminators}


def _networks(state: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """("netG" or "netD", its tensors by path without that prefix) for each network that `state` has."""
    unknown = sorted(set(state) - {"generator", "discriminators"})
    discriminators = state.get("discriminators", [])
    if unknown or len(discriminators) > 1:
        given = ", ".join(unknown) or f"{len(discriminators)} discriminators"
        raise GanzooError(
            f"GAN-INT-CLS has one generator and one discriminator; the authors' weights have {given}"
        )
    found = [("netG", state["generator"])] if "generator" in state else []
    for name, network in [*found, *(("netD", network) for network in discriminators)]:
        theirs = {path.removeprefix(f"{name}."): value for path, value in network.items()}
        if len(theirs) < len(network):
            raise GanzooError(f"the authors' weights have paths of {name} twice, with and without `{name}.`")
        yield name, theirs


def slots(model: nn.Module, name: str) -> dict[str, Tensor]:
    """The model's own tensors by the authors' path in `name`, "netG" or "netD".

    Where a convolution of the model has no bias, zeros that belong to nobody.
    """
    return {
        f"{path}.{kind}": tensor for path, layer in _layers(model, name) for kind, tensor in _tensors(layer)
    }


def _layers(model: nn.Module, name: str) -> Iterator[tuple[str, nn.Module]]:
    """The layers of netG (whose text branch is our conditioning) or netD by the authors' path."""
    if name == "netG":
        conditioning = _part(model, "conditionings", Projection, "gan_int_cls/project")
        stage = _part(model, "stages", Upsampler, "gan_int_cls/generator")
        yield from _walk(conditioning.layers, 1, "1.2.")
        yield from _walk(stage.layers, 3)
    else:
        discriminator = _part(model, "discriminators", Matcher, "gan_int_cls/discriminator")
        yield from _walk(discriminator.image, 1, "1.1.")
        yield from _walk(discriminator.code, 1, "1.2.")
        yield from _walk(discriminator.joint, 3)


def _walk(layers: nn.Sequential, first: int, prefix: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Layers numbered from `first`; a residual block counts twice (ConcatTable, CAddTable)."""
    place = first
    for layer in layers:
        if isinstance(layer, Residual):
            yield from _walk(layer.body, 1, f"{prefix}{place}.2.")
            place += 2
        else:
            yield f"{prefix}{place}", layer
            place += 1


def _tensors(layer: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for kind in ("weight", "bias", "running_mean", "running_var"):
        tensor = getattr(layer, kind, None)
        if tensor is not None:
            yield kind, tensor
        elif kind == "bias" and isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            yield kind, layer.weight.new_zeros(layer.out_channels)


def _part(model: nn.Module, name: str, kind: type[Part], component: str) -> Part:
    """The one child of the model's `name`. Raises GanzooError unless there is one, built by `component`."""
    parts = list(model.get_submodule(name).children())
    if len(parts) != 1 or not isinstance(parts[0], kind):
        found = ", ".join(type(part).__name__ for part in parts) or "nothing"
        raise GanzooError(
            f"the authors' weights fit a model with one {component} ({kind.__name__}) in its {name}, "
            f"not {found}"
        )
    return parts[0]
