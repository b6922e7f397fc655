"""The networks against the authors' code: pictures, keypoints, probabilities, running statistics, sizes."""

import pytest
import torch

from ganzoo.flow import TextFeatures

DTYPES = [torch.float64, torch.float32]


def draw(golden, model, dtype):
    """The generator's picture, or keypoints."""
    layout = (golden.shown or golden.layout).to("cpu", dtype)
    out = model.synthesize(TextFeatures(golden.sentence.to(dtype)), golden.noise.to(dtype), layout=layout)
    (stage,) = out.stages
    return stage.layout.keypoints if golden.shown else stage.image


def real(golden, dtype):
    """What the discriminator judges, and its layout where it reads one."""
    if golden.shown:
        return golden.io["mid/loc_real"].to(dtype), ()
    return golden.io["in/img"].to(dtype), (golden.layout.to("cpu", dtype),)


def probabilities(golden, model, dtype):
    judge = model.discriminators["0"]
    images, layout = real(golden, dtype)
    return judge.judge(judge.features(images), golden.sentence.to(dtype), *layout).conditional.sigmoid()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_generator_draws_the_authors_pictures(golden, mode, dtype):
    model = golden.model(dtype).train(mode == "train")
    assert golden.error(draw(golden, model, dtype), f"out/G_{mode}") < 1e-4


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_discriminator_gives_the_authors_probabilities(golden, mode, dtype):
    model = golden.model(dtype).train(mode == "train")
    assert golden.error(probabilities(golden, model, dtype), f"out/D_{mode}") < 1e-4


@pytest.mark.parametrize("dtype", DTYPES)
def test_running_statistics_after_one_forward(golden, dtype):
    model = golden.model(dtype)
    draw(golden, model, dtype)
    probabilities(golden, model, dtype)
    errors = {
        f"{net}.{path}": golden.error(ours, f"out/{net[-1]}_train_running/{net}.{path}")
        for net in ("netG", "netD")
        for path, ours in golden.importer.slots(model, net).items()
        if "running" in path
    }
    assert len(errors) == sum("_train_running/" in key for key in golden.io)
    assert max(errors.values()) < 1e-4
