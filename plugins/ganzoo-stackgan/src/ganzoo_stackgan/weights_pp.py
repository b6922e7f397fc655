"""StackGAN++'s networks by the authors' names: hanzhanggit/StackGAN-v2, model.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from torch import Tensor, nn

from ganzoo.components import Importer
from ganzoo.errors import GanzooError
from ganzoo.official import copies, fill, named, networks, trunk_names
from ganzoo_stackgan.conditioning import Augmentation
from ganzoo_stackgan.discriminators_pp import TwoHeaded
from ganzoo_stackgan.stages_pp import InitialStage, RefiningStage


@dataclass(frozen=True, kw_only=True)
class StackGanPP(Importer):
    """The authors' netG and netD0, netD1, ...: {"generator": {name: tensor}, "discriminators": [...]}.

    Either may be absent; names may begin with `module.`, as the authors' files have it, and are written
    without. `discriminators` has one entry for each discriminator of the model, coarse to fine; None leaves
    that one as it is. Any number of stages: the refining ones are `h_net2`, `h_net3`, ...

    Source: hanzhanggit/StackGAN-v2 model.py, trainer.py.
    """

    source: ClassVar[str] = "hanzhanggit/StackGAN-v2 model.py"
    recipe: ClassVar[str] = "stackgan-pp-birds"

    def load(self, model: nn.Module, state: Mapping[str, Any]) -> None:
        """Fill `model`. Raises GanzooError, with every name that does not fit, before anything is changed."""
        own = partial(generator_slots, model), partial(discriminator_slots, model)
        fill(networks("StackGAN++", state, *own))

    def export(self, model: nn.Module) -> Mapping[str, Any]:
        """The model's weights under the authors' names, without `module.`."""
        return {
            "generator": copies(generator_slots(model)),
            "discriminators": [copies(slots) for slots in discriminator_slots(model)],
        }


def generator_slots(model: nn.Module) -> dict[str, Tensor]:
    """The generator's own tensors by the authors' name. Raises GanzooError for another model."""
    stages = list(model.get_submodule("stages").children())
    kinds = [type(stage) for stage in stages]
    if not kinds or kinds != [InitialStage, *[RefiningStage] * (len(kinds) - 1)]:
        raise GanzooError(
            "the authors' weights fit a model whose stages are one stackgan/initial and any number of "
            f"stackgan/refine (InitialStage, RefiningStage, ...), not {_listed(kinds)}"
        )
    conditionings = list(model.get_submodule("conditionings").children())
    if [type(conditioning) for conditioning in conditionings] != [Augmentation]:
        raise GanzooError(
            "the authors' weights fit a model in which all stages share one stackgan/ca (Augmentation), "
            f"not {_listed([type(conditioning) for conditioning in conditionings])}"
        )
    slots = dict(named("ca_net", conditionings[0]))
    for number, stage in enumerate(stages, 1):
        layers = _initial(stage) if isinstance(stage, InitialStage) else _refining(stage)
        slots |= {f"h_net{number}.{name}": tensor for name, tensor in layers}
        slots |= dict(named(f"img_net{number}.img", stage.get_submodule("image")))
    return slots


def discriminator_slots(model: nn.Module) -> list[dict[str, Tensor]]:
    """Each discriminator's own tensors by the authors' name. Raises GanzooError for another model."""
    found = []
    for level, judge in model.get_submodule("discriminators").named_children():
        if not isinstance(judge, TwoHeaded):
            raise GanzooError(
                "the authors' weights fit discriminators stackgan/discriminator_pp (TwoHeaded); that of "
                f"stage {level} is {type(judge).__name__}"
            )
        found.append(dict(_judge(judge)))
    return found


def _initial(stage: InitialStage) -> Iterator[tuple[str, Tensor]]:
    yield from named("fc", stage.fc)
    for number, block in enumerate(stage.upsample, 1):
        yield from _upsampling(f"upsample{number}", block)


def _refining(stage: nn.Module) -> Iterator[tuple[str, Tensor]]:
    assert isinstance(stage, RefiningStage)
    yield from named("jointConv.0", stage.joint.conv)
    yield from _numbered("jointConv", stage.gate, 1)
    for number, block in enumerate(stage.residual):
        yield from named(f"residual.{number}.block", block.get_submodule("body"))
    yield from _upsampling("upsample", stage.upsample)


def _upsampling(prefix: str, block: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The authors' block begins with a layer of its own for the upsampling."""
    yield from _numbered(prefix, list(block.get_submodule("layers").children()), 1)


def _judge(judge: TwoHeaded) -> Iterator[tuple[str, Tensor]]:
    for prefix, layers in trunk_names(list(judge.tower)):
        yield from _numbered(prefix, layers, 0)
    yield from named("jointConv", judge.conditional.joint)
    yield from named("logits.0", judge.conditional.logit)
    yield from named("uncond_logits.0", judge.unconditional.logit)


def _numbered(
    prefix: str, layers: Sequence[nn.Module] | nn.Sequential, first: int
) -> Iterator[tuple[str, Tensor]]:
    for place, layer in enumerate(layers, first):
        yield from named(f"{prefix}.{place}", layer)


def _listed(kinds: Sequence[type]) -> str:
    return ", ".join(kind.__name__ for kind in kinds) or "nothing"
