"""The authors' iteration of StackGAN++ with mode seeking, through ganzoo's own loop."""

import copy
import json
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from accelerate import Accelerator

import ganzoo
from ganzoo.assemble import assemble
from ganzoo.catalogue import recipe as find
from ganzoo.flow import Batch, TextFeatures, Tokens
from ganzoo.misfits import MismatchError
from ganzoo.plugins import load as load_plugins
from ganzoo.recipe import Recipe
from ganzoo.testing.golden import Golden, RecordedDraws
from ganzoo.updates import PhaseTrainer

GOLDEN = Golden(Path(__file__).parent / "golden" / "msgan_stackganpp_step_a")
JUDGES = ("netD0", "netD1", "netD2")


def tree():
    """The authors' networks at the fixture's sizes, trained as msgan-birds says."""
    sizes, birds = GOLDEN.config, find("msgan-birds").to_dict()
    judge = {"use": "stackgan/discriminator_pp", "channels": sizes["DF_DIM"]}
    refine = {"use": "stackgan/refine", "residual_blocks": sizes["R_NUM"]}
    stages = [{"use": "stackgan/initial", "channels": sizes["GF_DIM"]}, refine, refine]
    phase = birds["training"]["gan"]
    return {
        "data": {"use": "core/shapes", "batch": sizes["B"]},
        "text": {"use": "core/ngrams", "size": sizes["TEXT_DIMENSION"]},
        "conditioning": {"use": "stackgan/ca", "size": sizes["EMBEDDING_DIM"]},
        "noise": sizes["Z_DIM"],
        "stages": [{"stage": stage, "discriminator": judge} for stage in stages],
        "training": {
            "gan": {
                "steps": 1,
                "samples_per_caption": phase["samples_per_caption"],
                "copies_apart": phase["copies_apart"],
                "updates": phase["updates"],
            }
        },
    }


def authors_model():
    recipe = Recipe.from_yaml(json.dumps({"recipes": {"golden": tree()}}))
    model = assemble(recipe, load_plugins()).build().double()
    state = {
        net: {k.removeprefix(f"{net}."): v for k, v in GOLDEN.weights.items() if k.startswith(f"{net}.")}
        for net in ("netG", *JUDGES)
    }
    parts = {"generator": state["netG"], "discriminators": [state[net] for net in JUDGES]}
    return ganzoo.load_official(model, "stackgan-pp", parts)


def batch():
    def pictures(name):
        low = [GOLDEN.io[f"in/{name}_low{level}"].double() for level in range(3)]
        return tuple(F.interpolate(x, scale_factor=8, mode="nearest") for x in low)

    text = GOLDEN.io["in/txt"].double()
    tokens = Tokens(torch.zeros(len(text), 1, dtype=torch.int64), torch.ones(len(text), dtype=torch.int64))
    return Batch(pictures("real"), tokens, pictures("wrong"), TextFeatures(text))


def draws():
    noise = [GOLDEN.io[f"in/noise{copy}"].double() for copy in (1, 2)]
    return RecordedDraws([*noise, *GOLDEN.io["in/ca_eps"].double().chunk(2)])


def gradients(model):
    """Every weight's gradient under the authors' names."""
    twin = copy.deepcopy(model)
    for slot, parameter in zip(twin.parameters(), model.parameters(), strict=True):
        slot.data = torch.zeros_like(parameter) if parameter.grad is None else parameter.grad
    found = ganzoo.export_official(twin, "stackgan-pp")
    return {"netG": found["generator"]} | dict(zip(JUDGES, found["discriminators"], strict=True))


@pytest.fixture(scope="module")
def stepped():
    model = authors_model()
    trainer = PhaseTrainer(model, model.plan.phases[0], Accelerator(cpu=True))
    trainer.train_mode()
    recorded = draws()
    values = trainer.take_step(0, [batch()], [recorded])
    assert recorded.left == 0
    return model, {name: float(value) for name, value in values.items()}


def test_losses(stepped):
    _, values = stepped
    theirs = {name: float(GOLDEN.io[f"step/{name}"]) for name in ("errG_total", "kl_loss", "lz_loss")}
    judged = sum(float(GOLDEN.io[f"step/errD{level}"]) for level in range(3))
    assert values["discriminator/stackgan/matching_pp"] == pytest.approx(judged, rel=1e-4)
    seeking = GOLDEN.config["MS_LOSS"] * values["generator/msgan/mode_seeking"]
    assert seeking == pytest.approx(theirs["lz_loss"], rel=1e-4)
    assert 4 * values["generator/stackgan/kl"] == pytest.approx(theirs["kl_loss"], rel=1e-4)
    total = 2 * values["generator/core/nonsaturating"] + theirs["kl_loss"] + theirs["lz_loss"]
    assert total == pytest.approx(theirs["errG_total"], rel=1e-4)


@pytest.mark.parametrize("net", JUDGES)
def test_gradients_of_the_discriminators(stepped, net):
    prefix = f"step/gradD/{net}."
    ours = gradients(stepped[0])[net]
    names = [key.removeprefix(prefix) for key in GOLDEN.io if key.startswith(prefix)]
    assert len(names) > 10
    errors = GOLDEN.gradient_errors({name: ours[name] for name in names}, prefix)
    assert max(errors.values()) < 5e-4, errors


def test_gradients_of_the_generator(stepped):
    """Behind the discriminators' Adam step, whose signs a float32 original may take otherwise."""
    prefix = "step/gradG/"
    names = [key.removeprefix(prefix) for key in GOLDEN.io if key.startswith(prefix)]
    ours = gradients(stepped[0])["netG"]
    short = {name: ours[name.removeprefix("netG.")] for name in names}
    errors = GOLDEN.gradient_errors(short, prefix)
    assert len(errors) == 44 and max(errors.values()) < 5e-3, errors


def test_pictures_and_codes():
    model = authors_model()
    recorded, text = draws(), batch().text
    noise = torch.cat([recorded.normal(3, 7), recorded.normal(3, 7)])
    epsilon = torch.cat([recorded.normal(3, 6), recorded.normal(3, 6)])
    model.train()
    with torch.no_grad():
        out = model.synthesize(text.repeat(2), noise, [epsilon] * 3)
    coarse, middle, fine = out.images
    assert GOLDEN.error(coarse, "out/fake0") < 1e-4 and GOLDEN.error(middle, "out/fake1") < 1e-4
    assert GOLDEN.error(F.avg_pool2d(fine, 4), "out/fake2_ds4") < 1e-4
    assert GOLDEN.error(out.conditions[0].mean, "out/mu") < 1e-4
    assert GOLDEN.error(out.conditions[0].logvar, "out/logvar") < 1e-4
    assert GOLDEN.error(fine.mean(), "out/fake2_mean") < 1e-4
    assert GOLDEN.error(fine.std(), "out/fake2_std") < 1e-4


@pytest.mark.parametrize(
    "path, value, said",
    [
        ("training.gan.samples_per_caption", 1, "needs `samples_per_caption`; this phase has 1; set"),
        ("training.gan.samples_per_caption", 3, "this phase has 3; set `samples_per_caption: 2`, or another"),
        ("noise", 0, "needs `noise`; the recipe has none; set `noise:` to a width above 0"),
    ],
)
def test_what_it_needs(path, value, said):
    recipe = Recipe.from_yaml(json.dumps({"recipes": {"golden": tree()}})).set(path, value)
    with pytest.raises(MismatchError) as caught:
        assemble(recipe, load_plugins())
    assert any(said in sentence for sentence in caught.value.sentences), caught.value.sentences
