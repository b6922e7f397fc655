"""AttnGAN's stages on CLIP's words, and its DAMSM by CLIP's pictures, through `ganzoo.train`."""

import pytest

import ganzoo


@pytest.mark.parametrize("text", ["clip/text", "minilm/text"])
def test_attngan_s_stages_read_the_words(text, checkpoints, tmp_path):
    recipe = ganzoo.recipe("attngan-shapes").named("small").set("training.damsm", None)
    words = {"use": text, "words": 6}
    image = None
    losses = [{"use": "core/nonsaturating"}, {"use": "stackgan/kl"}]
    if text == "clip/text":
        words["checkpoint"] = str(checkpoints["transformer"])
        image = {"use": "clip/image", "checkpoint": words["checkpoint"]}
        losses.append({"use": "attngan/damsm"})
    for path, value in {
        "data.count": 16,
        "data.batch": 4,
        "text": words,
        "image": image,
        "conditioning.size": 4,
        "stages.0.stage.resolution": 8,
        "stages.0.stage.channels": 2,
        "stages.0.discriminator.channels": 2,
        "stages.1.discriminator.channels": 2,
        "training.gan.steps": 2,
        "training.gan.measure": [],
        "training.gan.updates.generator.losses": losses,
    }.items():
        recipe = recipe.set(path, value)
    run = ganzoo.train(recipe, run_dir=tmp_path / "run", device="cpu")
    assert run.load().generate(["a small red circle"]).shape == (1, 3, 16, 16)
    assert any(f"generator/{losses[-1]['use']}" in line for line in run.metrics)
