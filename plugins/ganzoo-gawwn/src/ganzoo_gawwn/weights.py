"""The authors' Torch7 networks (reedscot/nips2016) by 1-based paths in the module tree: `1.1.3.weight`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from torch import Tensor, nn

from ganzoo.components import Importer
from ganzoo.errors import GanzooError
from ganzoo.official import Network, copies, fill
from ganzoo_gawwn.box_stage import BoxGenerator
from ganzoo_gawwn.conditionings import Projection
from ganzoo_gawwn.discriminators import BoxJudge, KeypointJudge
from ganzoo_gawwn.keypoint_generator import PointsGenerator, PointsJudge
from ganzoo_gawwn.keypoint_stage import KeypointPainter
from ganzoo_gawwn.layers import Residual

Places = Mapping[str, tuple[str, int]]  # of our Sequentials: the authors' path to them, their first number


class GawwnImporter(Importer):
    """netG and netD: {"generator": {path: tensor}, "discriminators": [{path: tensor}]}.

    Either may be absent; paths may begin with `netG.` or `netD.`. What the authors use twice stands under the
    path of its first use.
    """

    text: ClassVar[str]  # the path of the generator's projection of the sentence
    block: ClassVar[int]  # the place of a residual block's layers beside the identity
    generator: ClassVar[tuple[type[nn.Module], Places]]
    discriminator: ClassVar[tuple[type[nn.Module], Places]]

    def load(self, model: nn.Module, state: Mapping[str, Any]) -> None:
        """Fill `model`. Raises GanzooError, with every path that does not fit, before anything is changed."""
        fill(Network(name, theirs, self.slots(model, name)) for name, theirs in _networks(state))

    def export(self, model: nn.Module) -> Mapping[str, Any]:
        """The model's weights under the authors' paths, without `netG.` and `netD.`."""
        names = ["netG", *("netD" for _ in model.get_submodule("discriminators").children())]
        generator, *discriminators = (copies(self.slots(model, name)) for name in names)
        return {"generator": generator, "discriminators": discriminators}

    def slots(self, model: nn.Module, name: str) -> dict[str, Tensor]:
        """The model's own tensors by the authors' path in `name`, "netG" or "netD"."""
        return {
            f"{path}.{kind}": tensor
            for path, layer in self._layers(model, name)
            for kind in ("weight", "bias", "running_mean", "running_var")
            if (tensor := getattr(layer, kind, None)) is not None
        }

    def _layers(self, model: nn.Module, name: str) -> Iterator[tuple[str, nn.Module]]:
        if name == "netG":
            yield self.text, _part(model, "conditionings", Projection).get_submodule("layer")
        kind, places = self.generator if name == "netG" else self.discriminator
        part = _part(model, "stages" if name == "netG" else "discriminators", kind)
        for child, (prefix, first) in places.items():
            layers = part.get_submodule(child)
            if isinstance(layers, nn.Sequential):
                yield from self._walk(layers, first, prefix)
            else:
                yield f"{prefix}{first}", layers

    def _walk(self, layers: nn.Sequential, first: int, prefix: str) -> Iterator[tuple[str, nn.Module]]:
        """Layers numbered from `first`; a residual block counts twice (ConcatTable, CAddTable)."""
        place = first
        for layer in layers:
            if isinstance(layer, Residual):
                yield from self._walk(layer.body, 1, f"{prefix}{place}.{self.block}.")
                place += 2
            else:
                yield f"{prefix}{place}", layer
                place += 1


@dataclass(frozen=True, kw_only=True)
class BoxModel(GawwnImporter):
    """The model that is told a bounding box.

    Source: reedscot/nips2016 main_cub_bbox.lua.
    """

    source: ClassVar[str] = "reedscot/nips2016 main_cub_bbox.lua"
    recipe: ClassVar[str] = "gawwn-bbox-birds"
    text: ClassVar[str] = "1.1.1.1.2.1.1.2.2"
    block: ClassVar[int] = 1
    generator: ClassVar[tuple[type[nn.Module], Places]] = (
        BoxGenerator,
        {
            "noise_global": ("1.1.1.1.1.", 4),
            "noise_local": ("1.2.1.1.1.1.1.", 2),
            "text_map": ("1.1.1.1.2.", 7),
            "up_global": ("1.1.", 3),
            "up_local": ("1.2.1.1.", 3),
            "merge": ("", 3),
        },
    )
    discriminator: ClassVar[tuple[type[nn.Module], Places]] = (
        BoxJudge,
        {
            "trunk": ("1.1.1.1.1.1.1.", 2),
            "code": ("1.1.1.1.1.2.1.", 3),
            "in_local": ("1.1.1.1.", 3),
            "out_local": ("1.1.", 5),
            "image_global": ("1.2.1.1.", 2),
            "text_map": ("1.2.1.2.", 7),
            "joint": ("1.2.", 4),
            "head": ("", 3),
        },
    )


@dataclass(frozen=True, kw_only=True)
class KeypointModel(GawwnImporter):
    """The model that is told keypoints.

    Source: reedscot/nips2016 main_cub_keypoints.lua.
    """

    source: ClassVar[str] = "reedscot/nips2016 main_cub_keypoints.lua"
    recipe: ClassVar[str] = "gawwn-keypoints-birds"
    text: ClassVar[str] = "1.1.1.1.1.1.2.2"
    block: ClassVar[int] = 2
    generator: ClassVar[tuple[type[nn.Module], Places]] = (
        KeypointPainter,
        {
            "noise": ("1.1.1.1.1.1.1.", 2),
            "in_global": ("1.1.1.1.", 2),
            "heat": ("1.1.1.2.", 1),
            "up_global": ("1.1.", 4),
            "in_local": ("1.2.1.1.", 2),
            "out_local": ("1.2.", 3),
            "merge": ("", 4),
        },
    )
    discriminator: ClassVar[tuple[type[nn.Module], Places]] = (
        KeypointJudge,
        {
            "trunk": ("1.1.1.1.1.1.1.1.", 2),
            "code": ("1.1.1.1.1.1.1.2.1.", 2),
            "in_local": ("1.1.1.1.1.1.", 3),
            "out_local": ("1.1.", 4),
            "image_global": ("1.2.1.1.", 2),
            "joint": ("1.2.", 4),
            "head": ("", 3),
        },
    )


@dataclass(frozen=True, kw_only=True)
class PointsModel(GawwnImporter):
    """The keypoint generator.

    Source: reedscot/nips2016 main_gen_keypoints.lua.
    """

    source: ClassVar[str] = "reedscot/nips2016 main_gen_keypoints.lua"
    recipe: ClassVar[str] = "gawwn-keypoint-generator-birds"
    text: ClassVar[str] = "1.1.1.1.1.2.1"
    block: ClassVar[int] = 1
    generator: ClassVar[tuple[type[nn.Module], Places]] = (
        PointsGenerator,
        {
            "noise": ("1.1.1.1.1.1.", 1),
            "known": ("1.1.1.1.1.3.", 2),
            "trunk": ("1.1.1.1.", 3),
        },
    )
    discriminator: ClassVar[tuple[type[nn.Module], Places]] = (
        PointsJudge,
        {
            "points": ("1.1.", 2),
            "code": ("1.2.", 1),
            "head": ("", 3),
        },
    )


def _networks(state: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """("netG" or "netD", its tensors by path without that prefix) for each network that `state` has."""
    unknown = sorted(set(state) - {"generator", "discriminators"})
    discriminators = state.get("discriminators", [])
    if unknown or len(discriminators) > 1:
        given = ", ".join(unknown) or f"{len(discriminators)} discriminators"
        raise GanzooError(f"GAWWN has one generator and one discriminator; the authors' weights have {given}")
    found = [("netG", state["generator"])] if "generator" in state else []
    for name, network in [*found, *(("netD", network) for network in discriminators)]:
        theirs = {path.removeprefix(f"{name}."): value for path, value in network.items()}
        if len(theirs) < len(network):
            raise GanzooError(f"the authors' weights have paths of {name} twice, with and without `{name}.`")
        yield name, theirs


def _part(model: nn.Module, name: str, kind: type[nn.Module]) -> nn.Module:
    """The one child of the model's `name`. Raises GanzooError unless there is one, of that kind."""
    parts = list(model.get_submodule(name).children())
    if len(parts) != 1 or not isinstance(parts[0], kind):
        found = ", ".join(type(part).__name__ for part in parts) or "nothing"
        raise GanzooError(
            f"the authors' weights fit a model with one {kind.__name__} in its {name}, not {found}"
        )
    return parts[0]
