"""AttnGAN's networks by the authors' names: taoxugit/AttnGAN, model.py."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

from torch import Tensor, nn

from ganzoo.components import Importer
from ganzoo.errors import GanzooError
from ganzoo.official import Network, copies, fill, named, networks, trunk_names
from ganzoo_attngan.discriminators import Judge
from ganzoo_attngan.image_encoder import CnnModule
from ganzoo_attngan.stages import AttendingStage
from ganzoo_attngan.text_encoder import RnnModule

ENCODERS = ("text_encoder", "image_encoder")


@dataclass(frozen=True, kw_only=True)
class AttnGan(Importer):
    """The authors' netG, netD0, ..., text and image encoder, any of which may be absent.

    {"generator": {name: tensor}, "discriminators": [...], "text_encoder": {...}, "image_encoder": {...}}.
    `discriminators` has one entry for each discriminator of the model, coarse to fine; None leaves that one
    as it is. Any number of stages. A model that has a discriminator at its last stage alone is the authors'
    DCGAN variant: only the last stage's picture has weights in their netG. The text encoder's rows follow
    the authors' vocabulary: `vocabulary: captions.pickle`.

    Source: taoxugit/AttnGAN model.py, trainer.py.
    """

    source: ClassVar[str] = "taoxugit/AttnGAN model.py"
    recipe: ClassVar[str] = "attngan-birds"

    def load(self, model: nn.Module, state: Mapping[str, Any]) -> None:
        """Fill `model`. Raises GanzooError, with every name that does not fit, before anything is changed."""
        own = partial(generator_slots, model), partial(discriminator_slots, model)
        gan = {name: part for name, part in state.items() if name not in ENCODERS}
        encoders = [
            Network(name.replace("_", " "), state[name], encoder_slots(model, name))
            for name in ENCODERS
            if name in state
        ]
        fill([*networks("AttnGAN", gan, *own), *encoders])

    def export(self, model: nn.Module) -> Mapping[str, Any]:
        """The model's weights under the authors' names; encoders where they are AttnGAN's."""
        found: dict[str, Any] = {
            "generator": copies(generator_slots(model)),
            "discriminators": [copies(slots) for slots in discriminator_slots(model)],
        }
        for name, kind in zip(ENCODERS, (RnnModule, CnnModule), strict=True):
            if isinstance(getattr(model, name, None), kind):
                found[name] = copies(encoder_slots(model, name))
        return found


def generator_slots(model: nn.Module) -> dict[str, Tensor]:
    """The generator's own tensors by the authors' name. Raises GanzooError for another model."""
    first, *others = model.get_submodule("stages").children()
    (conditioning,) = _shared(model)
    fits = _parts(first) == {"fc", "upsample", "image"} and _parts(conditioning) == {"fc", "activation"}
    if not fits or not all(isinstance(stage, AttendingStage) for stage in others):
        kinds = ", ".join(type(part).__name__ for part in (conditioning, first, *others))
        raise GanzooError(
            "the authors' weights fit a model of one stackgan/ca, one stackgan/initial and any number of "
            f"attngan/attend (Augmentation, InitialStage, AttendingStage, ...), not {kinds}"
        )
    stages = [first, *others]
    dcgan = list(model.get_submodule("discriminators")._modules) == [str(len(stages) - 1)] and len(stages) > 1
    slots = dict(named("ca_net.fc", conditioning.get_submodule("fc")))
    for number, stage in enumerate(stages, 1):
        layers = _attending(stage) if isinstance(stage, AttendingStage) else _initial(stage)
        slots |= {f"h_net{number}.{name}": tensor for name, tensor in layers}
        if not dcgan or stage is stages[-1]:
            picture = "img_net.img" if dcgan else f"img_net{number}.img"
            slots |= dict(named(picture, stage.get_submodule("image")))
    return slots


def discriminator_slots(model: nn.Module) -> list[dict[str, Tensor]]:
    """Each discriminator's own tensors by the authors' name. Raises GanzooError for another model."""
    found = []
    for level, judge in model.get_submodule("discriminators").named_children():
        if not isinstance(judge, Judge):
            raise GanzooError(
                "the authors' weights fit discriminators attngan/discriminator and "
                f"attngan/dcgan_discriminator (Judge); that of stage {level} is {type(judge).__name__}"
            )
        found.append(dict(_judge(judge)))
    return found


def encoder_slots(model: nn.Module, name: str) -> dict[str, Tensor]:
    """The text or the image encoder's own tensors by the authors' name. GanzooError for another encoder."""
    encoder = getattr(model, name, None)
    if name == "text_encoder" and isinstance(encoder, RnnModule):
        return dict([*named("encoder", encoder.embedding), *named("rnn", encoder.rnn)])
    if name == "image_encoder" and isinstance(encoder, CnnModule):
        trunk = encoder.trunk.state_dict(keep_vars=True)
        projections = {"emb_features": encoder.region, "emb_cnn_code": encoder.vector}
        return trunk | {n: t for prefix, part in projections.items() for n, t in named(prefix, part)}
    wanted = "attngan/rnn" if name == "text_encoder" else "attngan/cnn"
    raise GanzooError(
        f"the authors' {name.replace('_', ' ')} fits {wanted}; that of the model is {type(encoder).__name__}"
    )


def _shared(model: nn.Module) -> list[nn.Module]:
    conditionings = list(model.get_submodule("conditionings").children())
    if len(conditionings) != 1:
        raise GanzooError(
            "the authors' weights fit a model in which all stages share one stackgan/ca; it has "
            f"{len(conditionings)} conditionings"
        )
    return conditionings


def _parts(module: nn.Module) -> set[str]:
    """What it is made of: classes of another plugin are known by that, not by their name."""
    return {name for name, _ in module.named_children()}


def _initial(stage: nn.Module) -> Iterator[tuple[str, Tensor]]:
    yield from named("fc", stage.get_submodule("fc"))
    for number, block in enumerate(stage.get_submodule("upsample").children(), 1):
        yield from _upsampling(f"upsample{number}", block)


def _attending(stage: AttendingStage) -> Iterator[tuple[str, Tensor]]:
    yield from named("att.conv_context", stage.attention.project)
    for number, block in enumerate(stage.residual):
        yield from named(f"residual.{number}.block", block.get_submodule("body"))
    yield from _upsampling("upsample", stage.upsample)


def _upsampling(prefix: str, block: nn.Module) -> Iterator[tuple[str, Tensor]]:
    """The authors' block begins with a layer of its own for the upsampling."""
    for place, layer in enumerate(block.get_submodule("layers").children(), 1):
        yield from named(f"{prefix}.{place}", layer)


def _judge(judge: Judge) -> Iterator[tuple[str, Tensor]]:
    for prefix, layers in trunk_names(list(judge.tower)):
        for place, layer in enumerate(layers):
            yield from named(f"{prefix}.{place}", layer)
    yield from named("COND_DNET.jointConv", judge.conditional.joint)
    yield from named("COND_DNET.outlogits.0", judge.conditional.logit)
    if judge.unconditional is not None:
        yield from named("UNCOND_DNET.outlogits.0", judge.unconditional.logit)
