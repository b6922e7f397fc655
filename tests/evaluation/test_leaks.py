"""Metrics whose networks also trained the model are marked."""

import pytest

from ganzoo.assemble import assemble
from ganzoo.catalogue import recipe
from ganzoo.evaluation.asked import asked
from ganzoo.evaluation.leaks import leak


@pytest.fixture(scope="module")
def attngan(registry):
    return recipe("attngan-shapes")


def of(recipe, metric, registry):
    (one,) = asked([metric], registry)
    return leak(assemble(recipe, registry), one)


def test_own_encoders_leak_where_a_loss_of_the_generator_reads_them(attngan, registry):
    assert "attngan/cnn also trained the generator" in of(attngan, "damsm_r_precision", registry)
    without = attngan.set("training.gan.updates.generator.losses", [{"use": "core/nonsaturating"}])
    assert of(without, "damsm_r_precision", registry) == ""


@pytest.mark.parametrize("backbone", ["timm/test_resnet", "timm/test_resnet.r160_in1k"])
def test_the_trunk_of_the_image_encoder_leaks_by_its_name(attngan, registry, backbone):
    attngan = attngan.set("image.backbone", "test_resnet")
    assert "its network is also the image encoder" in of(attngan, f"kid@{backbone}", registry)
    assert of(attngan, "kid@timm/resnet10t", registry) == of(attngan, "shapes_agreement", registry) == ""


def test_the_default_network_has_two_names(attngan, registry):
    attngan = attngan.set("image.backbone", "tf_efficientnet_lite0")
    for name in ("kid", "kid@timm/tf_efficientnet_lite0", "kid@timm/tf_efficientnet_lite0.in1k"):
        assert of(attngan, name, registry), name


def test_a_text_encoder_with_weights_of_its_own_leaks(toy, registry):
    clip = {"use": "clip/text", "model": "random"}
    assert "was trained with clip/text" in of(toy.set("text", clip), "clip_score", registry)
    assert of(toy, "clip_score", registry) == ""


def test_a_text_encoder_alone_grades_nothing(toy, registry):
    assert toy.text.use == "core/ngrams" and of(toy, "fjd", registry) == ""
