"""The networks against the authors' code: pictures, probabilities, running statistics, gradients, sizes."""

import pytest
import torch
import torch.nn.functional as F
from ganzoo_gan_int_cls.conditionings import Project
from ganzoo_gan_int_cls.discriminators import BirdsFlowers, Coco
from ganzoo_gan_int_cls.stages import Generator
from ganzoo_gan_int_cls.weights import slots
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from ganzoo.errors import GanzooError
from ganzoo.flow import TextFeatures
from ganzoo.specs import DiscriminatorGiven, StageGiven, TextSpec

DTYPES = [torch.float64, torch.float32]
OFFICIAL_TEXT = TextSpec(sentence=1024)


def draw(model, sentence, noise):
    return model.synthesize(TextFeatures(sentence), noise).images[0]


def probabilities(model, images, sentence):
    judge = model.discriminators["0"]
    return judge.judge(judge.features(images), sentence).conditional.sigmoid()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_generator_draws_the_authors_pictures(golden, mode, dtype):
    model = golden.model(dtype).train(mode == "train")
    images = draw(model, golden.generator_sentence.to(dtype), golden.noise("G").to(dtype))
    assert golden.error(images, f"out/G_{mode}") < 1e-4


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_discriminator_gives_the_authors_probabilities(golden, mode, dtype):
    model = golden.model(dtype).train(mode == "train")
    ours = probabilities(model, golden.io["in/real_img"].to(dtype), golden.sentence.to(dtype))
    assert golden.error(ours, f"out/D_{mode}") < 1e-4


@pytest.mark.parametrize("dtype", DTYPES)
def test_running_statistics_after_one_forward(golden, dtype):
    model = golden.model(dtype)
    draw(model, golden.generator_sentence.to(dtype), golden.noise("G").to(dtype))
    probabilities(model, golden.io["in/real_img"].to(dtype), golden.sentence.to(dtype))
    errors = {
        f"{net}.{path}": golden.error(ours, f"out/{net[-1]}_train_running/{net}.{path}")
        for net in ("netG", "netD")
        for path, ours in slots(model, net).items()
        if "running" in path
    }
    assert len(errors) == sum("_train_running/" in key for key in golden.io)
    assert max(errors.values()) < 1e-4


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float64, 5e-4), (torch.float32, 1e-2)])
def test_gradients_of_the_authors_iteration(golden, dtype, tolerance, bias):
    """By hand: the discriminator's objective, then the generator's before the authors' updated netD."""
    model = golden.model(dtype, bias=bias)
    io = {key: value.to(dtype) for key, value in golden.io.items()}
    sentence, cls = golden.sentence.to(dtype), golden.config["cls_weight"]
    made = draw(model, sentence, golden.noise("D").to(dtype)).detach()
    real, wrong, fake = (
        probabilities(model, images, sentence) for images in (io["in/real_img"], io["in/wrong_img"], made)
    )
    one, zero = torch.ones_like(real), torch.zeros_like(real)
    bce = F.binary_cross_entropy
    (bce(real, one) + cls * bce(wrong, zero) + (1 - cls) * bce(fake, zero)).backward()
    assert (
        max(golden.error(p, f"step/D_{n}") for p, n in ((real, "real"), (wrong, "wrong"), (fake, "fake")))
        < 1e-4
    )
    assert max(golden.gradient_errors(gradients(model, "netD"), "step/gradD/").values()) < tolerance

    take_authors_update(model, golden)
    sentence = golden.generator_sentence.to(dtype)
    judged = probabilities(model, draw(model, sentence, golden.noise("G").to(dtype)), sentence)
    bce(judged, torch.ones_like(judged)).backward()
    assert golden.error(judged, "step/D_on_G") < 1e-4
    assert max(golden.gradient_errors(gradients(model, "netG"), "step/gradG/").values()) < tolerance


def gradients(model, net):
    return {f"{net}.{path}": slot.grad for path, slot in slots(model, net).items() if slot.grad is not None}


def take_authors_update(model, golden):
    """netD after the authors' Adam step, its convolution biases zeroed again."""
    biases = {f"{name}.bias" for name, layer in model.named_modules() if isinstance(layer, nn.Conv2d)}
    zeroed = {id(p) for name, p in model.named_parameters() if name in biases}
    with torch.no_grad():
        for path, slot in slots(model, "netD").items():
            if slot.requires_grad and id(slot) not in zeroed:
                slot.copy_(golden.io[f"step/postD/netD.{path}"])


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


@pytest.mark.parametrize(
    ("stage", "judge", "sizes", "biases"),
    [
        (Generator, BirdsFlowers, (18_909_699, 4_032_321), (4_227, 2_241)),
        (Generator, Coco, (41_107_551, 36_190_301), (6_471, 6_861)),
    ],
)
@pytest.mark.parametrize("bias", [False, True])
def test_parameters_at_the_authors_width(stage, judge, sizes, biases, bias):
    condition = Project().yields(OFFICIAL_TEXT)
    channels = {"channels": 196} if judge is Coco else {}
    with torch.device("meta"):
        generator = stage(bias=bias, **channels).build(StageGiven(100, condition))
        discriminator = judge(bias=bias).build(DiscriminatorGiven(64, condition))
        projection = Project().build(OFFICIAL_TEXT)
    ours = (count(generator) + count(projection), count(discriminator))
    assert ours == (sizes if bias else tuple(size - b for size, b in zip(sizes, biases, strict=True)))


def test_start_is_the_authors():
    torch.manual_seed(0)
    condition = Project().yields(OFFICIAL_TEXT)
    judged = DiscriminatorGiven(64, condition)
    discriminator = BirdsFlowers(channels=16, bias=True).build(judged).requires_grad_(False)
    weights = torch.cat([m.weight.flatten() for m in discriminator.modules() if isinstance(m, nn.Conv2d)])
    assert float(weights.mean()) == pytest.approx(0, abs=1e-3)
    assert float(weights.std()) == pytest.approx(0.02, rel=0.02)
    assert all(not m.bias.any() for m in discriminator.modules() if isinstance(m, nn.Conv2d | nn.BatchNorm2d))
    scales = torch.cat([m.weight for m in discriminator.modules() if isinstance(m, nn.BatchNorm2d)])
    assert float(scales.mean()) == pytest.approx(1, abs=0.01)
    assert float(scales.std()) == pytest.approx(0.02, rel=0.2)
    linear = discriminator.code[0]
    bound = 1024**-0.5
    assert float(linear.weight.abs().max()) == pytest.approx(bound, rel=0.01)
    assert float(linear.bias.abs().max()) <= bound


@settings(max_examples=12, deadline=None)
@given(
    power=st.integers(4, 7),
    channels=st.integers(1, 5),
    large=st.booleans(),
    sizes=st.tuples(*[st.integers(1, 9)] * 4),
    judge=st.sampled_from([BirdsFlowers, Coco]),
)
def test_any_size(power, channels, large, sizes, judge):
    sentence, size, text, noise = sizes
    spec = TextSpec(sentence=sentence, words=3)
    project, stage = Project(size=size), Generator(resolution=2**power, channels=channels, large=large)
    condition = project.yields(spec)
    given_stage = StageGiven(noise, condition)
    side = stage.yields(given_stage).image
    features = TextFeatures(
        torch.randn(3, sentence), torch.randn(3, 4, 3), torch.ones(3, 4, dtype=torch.bool)
    )
    made = project.build(spec)(features, None, torch.zeros(3, 0))
    assert made.generator_code.shape == (3, condition.generator_code)
    assert made.words is features.words and made.mask is features.mask
    image = stage.build(given_stage)(None, made, torch.randn(3, noise)).image
    assert image.shape == (3, 3, 2**power, 2**power) and side == 2**power
    assert image.abs().max() <= 1
    discriminator = judge(channels=channels, text=text).build(DiscriminatorGiven(side, condition))
    logits = discriminator.judge(discriminator.features(image), made.discriminator_code)
    assert logits.conditional.shape == (3,) and logits.unconditional is None


@pytest.mark.parametrize("side", [8, 48])
@pytest.mark.parametrize("judge", [BirdsFlowers, Coco])
def test_pictures_of_an_odd_side(judge, side):
    with pytest.raises(GanzooError, match=f"{judge.__name__} .*power of two of at least 16, not {side}"):
        judge().build(DiscriminatorGiven(side, Project().yields(OFFICIAL_TEXT)))
