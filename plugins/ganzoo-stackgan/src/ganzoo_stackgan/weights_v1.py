"""StackGAN's networks by the authors' names: hanzhanggit/StackGAN-Pytorch, model.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from torch import Tensor, nn

from ganzoo.components import Importer
from ganzoo.errors import GanzooError
from ganzoo.official import copies, fill, named, networks
from ganzoo_stackgan.conditioning import Augmentation
from ganzoo_stackgan.discriminators_v1 import Judge
from ganzoo_stackgan.stages_v1 import Refinement, Sketch

KINDS = (Sketch, Refinement)


@dataclass(frozen=True, kw_only=True)
class StackGanV1(Importer):
    """The authors' netG and netD: {"generator": {name: tensor}, "discriminators": [{name: tensor}, ...]}.

    Either may be absent. A model of stage I takes the authors' netG of stage I; a model of both stages that
    of stage II, which holds stage I as `STAGE1_G`. `discriminators` has one entry for each discriminator of
    the model, coarse to fine; None leaves that one as it is.

    Source: hanzhanggit/StackGAN-Pytorch model.py, trainer.py.
    """

    source: ClassVar[str] = "hanzhanggit/StackGAN-Pytorch model.py"
    recipe: ClassVar[str] = "stackgan-v1-coco"

    def load(self, model: nn.Module, state: Mapping[str, Any]) -> None:
        """Fill `model`. Raises GanzooError, with every name that does not fit, before anything is changed."""
        own = partial(generator_slots, model), partial(discriminator_slots, model)
        fill(networks("StackGAN", state, *own))

    def export(self, model: nn.Module) -> Mapping[str, Any]:
        """The model's weights under the authors' names."""
        return {
            "generator": copies(generator_slots(model)),
            "discriminators": [copies(slots) for slots in discriminator_slots(model)],
        }


def generator_slots(model: nn.Module) -> dict[str, Tensor]:
    """The generator's own tensors by the authors' name. Raises GanzooError for another model."""
    stages = list(model.get_submodule("stages").children())
    conditionings = list(model.get_submodule("conditionings").children())
    fits = all(isinstance(stage, kind) for stage, kind in zip(stages, KINDS, strict=False))
    if not fits or not 1 <= len(stages) <= len(KINDS):
        found = ", ".join(type(stage).__name__ for stage in stages) or "nothing"
        raise GanzooError(
            "the authors' weights fit a model whose stages are stackgan/stage1, or stackgan/stage1 and "
            f"stackgan/stage2 (Sketch, Refinement), not {found}"
        )
    if len(conditionings) != len(stages) or not all(isinstance(c, Augmentation) for c in conditionings):
        found = ", ".join(type(part).__name__ for part in conditionings) or "nothing"
        raise GanzooError(
            "the authors' weights fit a model in which each stage has a stackgan/ca of its own "
            f"(Augmentation), not {found} for {len(stages)} stages"
        )
    slots: dict[str, Tensor] = {}
    for level, (stage, conditioning) in enumerate(zip(stages, conditionings, strict=True)):
        prefix = "" if level == len(stages) - 1 else "STAGE1_G."
        layers = [*named("ca_net", conditioning), *_stage(stage)]
        slots |= {prefix + name: tensor for name, tensor in layers}
    return slots


def discriminator_slots(model: nn.Module) -> list[dict[str, Tensor]]:
    """Each discriminator's own tensors by the authors' name. Raises GanzooError for another model."""
    found = []
    for level, judge in model.get_submodule("discriminators").named_children():
        if not isinstance(judge, Judge):
            raise GanzooError(
                "the authors' weights fit discriminators stackgan/stage1_discriminator and "
                f"stackgan/stage2_discriminator (Judge); that of stage {level} is {type(judge).__name__}"
            )
        found.append(dict(_judge(judge)))
    return found


def _stage(stage: Sketch | Refinement) -> Iterator[tuple[str, Tensor]]:
    if isinstance(stage, Sketch):
        yield from named("fc", stage.fc)
    else:
        yield from named("encoder", stage.encoder)
        yield from named("hr_joint.0", stage.joint.conv)
        for place, layer in enumerate(stage.joined, 1):
            yield from named(f"hr_joint.{place}", layer)
        for number, block in enumerate(stage.residual):
            yield from named(f"residual.{number}.block", block.body)
    for number, block in enumerate(stage.up, 1):
        for place, layer in enumerate(block.layers, 1):  # theirs begins with the upsampling
            yield from named(f"upsample{number}.{place}", layer)
    yield from named("img", stage.image)


def _judge(judge: Judge) -> Iterator[tuple[str, Tensor]]:
    yield from named("encode_img", judge.tower)
    yield from named("get_cond_logits.outlogits", judge.conditional.joint)
    yield from named("get_cond_logits.outlogits.3", judge.conditional.logit)
    if judge.unconditional is not None:
        yield from named("get_uncond_logits.outlogits.0", judge.unconditional.logit)
