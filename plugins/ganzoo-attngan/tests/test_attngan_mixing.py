"""AttnGAN's parts among others': its stages on other words, other stages on its words, its loss anywhere."""

from importlib.util import find_spec

import pytest
import torch
from accelerate import Accelerator

import ganzoo
from ganzoo.plugins import load as load_plugins
from ganzoo.randomness import StepDraws
from ganzoo.rehearse import tiny, toy_batch
from ganzoo.updates import PhaseTrainer

ADAM = {"use": "adam", "lr": 1e-3}
WITHOUT_DAMSM = [{"use": "core/nonsaturating"}]


def changed(recipe, changes):
    for path, value in changes.items():
        recipe = recipe.set(path, value)
    return recipe


def words_of(text):
    """AttnGAN's generator without its encoders, on the words of another one."""
    return {
        "training.damsm": None,
        "image": None,
        "training.gan.measure": [],
        "training.gan.updates.generator.losses": WITHOUT_DAMSM,
        "text": text,
    }


@pytest.mark.parametrize(
    "use",
    [
        "minilm/text",
        "core/ngrams",
        pytest.param("clip/text", marks=pytest.mark.skipif(not find_spec("clip"), reason="no CLIP here")),
    ],
)
def test_its_stages_on_the_words_of_others(recipe, use):
    """Behind StackGAN++'s initial stage."""
    mixed = changed(recipe, words_of({"use": use}))
    assert [entry.stage.use for entry in mixed.stages] == ["stackgan/initial", "attngan/attend"]
    said = ganzoo.rehearse(mixed)
    assert {"gan/discriminator/attngan/matching", "gan/generator/core/nonsaturating"} == set(said)


def test_stackgan_stages_on_its_words(recipe):
    """With its DAMSM in both phases."""
    mixed = changed(
        recipe,
        {
            "stages.1.stage": {"use": "stackgan/refine", "residual_blocks": 1},
            "stages.1.discriminator": {"use": "stackgan/discriminator_pp", "channels": 2},
        },
    )
    said = ganzoo.rehearse(mixed)
    assert {"damsm/encoders/attngan/damsm", "gan/generator/attngan/damsm"} <= set(said)


STAGES = {
    "stackgan++": ["stackgan/initial", "stackgan/refine"],
    "attngan": ["stackgan/initial", "attngan/attend"],
    "both": ["stackgan/initial", "attngan/attend", "stackgan/refine", "attngan/attend"],
    "gan-int-cls": ["gan_int_cls/generator"],
    "stackgan": ["stackgan/stage1", "stackgan/stage2"],
}


@pytest.mark.parametrize("stages", STAGES.values(), ids=STAGES)
def test_its_loss_alone_moves_any_generator(recipe, stages):
    """And nothing but the generator."""
    registry = load_plugins()
    judge = {"use": "attngan/discriminator", "channels": 2}
    mixed = recipe.set("stages", [{"stage": {"use": name}, "discriminator": judge} for name in stages])
    mixed = mixed.set(
        "training.gan.updates", {"generator": {"optimizer": ADAM, "losses": [{"use": "attngan/damsm"}]}}
    )
    model = ganzoo.plan(tiny(mixed.set("training.gan.measure", []), registry)).build()
    phase = model.plan.phases[-1]
    trainer = PhaseTrainer(model, phase, Accelerator(cpu=True))
    trainer.train_mode()
    before = {name: value.clone() for name, value in model.named_parameters()}
    draws = StepDraws(0, 0, torch.device("cpu"), torch.float32)
    values = trainer.take_step(0, [toy_batch(model.plan, model.text_encoder)], [draws])
    assert all(value.isfinite() for value in values.values())
    moved = {
        name.split(".")[0] for name, value in model.named_parameters() if not torch.equal(value, before[name])
    }
    assert moved == {"stages", "conditionings"}
    for level, stage in enumerate(model.stages):
        assert any(
            not torch.equal(p, before[f"stages.{level}.{name}"]) for name, p in stage.named_parameters()
        )
