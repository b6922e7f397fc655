"""StackGAN-v1's networks against the authors' code: pictures, logits, running statistics, sizes."""

import pytest
import torch
from ganzoo_stackgan.conditioning import ConditioningAugmentation
from ganzoo_stackgan.discriminators_v1 import Stage1Discriminator, Stage2Discriminator
from ganzoo_stackgan.stages_v1 import Stage1, Stage2
from ganzoo_stackgan.weights_v1 import generator_slots
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from ganzoo.errors import GanzooError
from ganzoo.flow import StageOutput, TextFeatures
from ganzoo.specs import ConditionSpec, DiscriminatorGiven, StageGiven, StageSpec, TextSpec

DTYPES = [(torch.float64, 1e-6), (torch.float32, 1e-4)]
OFFICIAL_TEXT = TextSpec(sentence=1024)


def synthesize(golden, model, dtype):
    noise, epsilons = golden.draws(dtype)
    return model.synthesize(TextFeatures(golden.sentence(dtype)), noise, epsilons)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_generator_draws_the_authors_pictures(v1, mode, dtype, tolerance):
    out = synthesize(v1, v1.model(dtype).train(mode == "train"), dtype)
    errors = v1.picture_errors(out.images[-1], f"out/{mode}/{v1.picture}")
    if v1.stage == 2:
        errors |= v1.picture_errors(out.images[0], f"out/{mode}/stage1_fake64")
    assert len(errors) >= 3 and max(errors.values()) < tolerance
    condition = out.conditions[-1]
    assert v1.error(condition.mean, f"out/{mode}/mu") < tolerance
    assert v1.error(condition.logvar, f"out/{mode}/logvar") < tolerance
    assert not condition.discriminator_code.requires_grad
    assert torch.equal(condition.discriminator_code, condition.mean)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_discriminator_gives_the_authors_probabilities(v1, mode, dtype, tolerance):
    model = v1.model(dtype).train(mode == "train")
    judge = model.discriminators[str(v1.stage - 1)]
    features = judge.features(v1.real(dtype))
    logits = judge.judge(features, v1.io["in/cond"].to(dtype))
    assert v1.error(features, f"out/{mode}/D_features") < tolerance
    assert v1.error(logits.conditional.sigmoid(), f"out/{mode}/D_cond") < tolerance
    if v1.stage == 1:
        assert logits.unconditional is None
    else:
        assert v1.error(logits.unconditional.sigmoid(), f"out/{mode}/D_uncond") < tolerance


def test_running_statistics_after_one_forward(v1):
    model = v1.model()
    synthesize(v1, model, torch.float64)
    prefix = "out/G_bn_after_one_train_forward/"
    ours = {key: slot for key, slot in generator_slots(model).items() if "running" in key}
    assert {prefix + key for key in ours} == {key for key in v1.io if key.startswith(prefix)}
    assert max(v1.error(slot, prefix + key) for key, slot in ours.items()) < 1e-6


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def test_parameters_at_the_authors_width():
    ca = ConditioningAugmentation(activation="relu", discriminator_code="detached_mean")
    condition = ca.yields(OFFICIAL_TEXT)
    stage2_given = StageGiven(100, condition, StageSpec(64, 96))
    with torch.device("meta"):
        augmentation = count(ca.build(OFFICIAL_TEXT))
        stage1 = count(Stage1().build(StageGiven(100, condition))) + augmentation
        stage2 = count(Stage2(residual_blocks=2).build(stage2_given)) + augmentation
        judge1 = count(Stage1Discriminator().build(DiscriminatorGiven(64, condition)))
        judge2 = count(Stage2Discriminator().build(DiscriminatorGiven(256, condition)))
    assert (stage1, stage1 + stage2) == (20_020_832, 57_151_312)
    assert (judge1, judge2) == (12_407_425, 159_889_538)


@settings(max_examples=12, deadline=None)
@given(
    power=st.integers(3, 6),
    channels=st.integers(1, 4),
    scale=st.sampled_from([2, 4]),
    blocks=st.integers(0, 2),
    sizes=st.tuples(*[st.integers(1, 9)] * 3),
    judged=st.sampled_from(["sentence", "mean", "detached_mean"]),
    activation=st.sampled_from(["relu", "glu"]),
)
def test_any_size(power, channels, scale, blocks, sizes, judged, activation):
    sentence, size, noise = sizes
    spec, side = TextSpec(sentence=sentence), 2**power
    ca = ConditioningAugmentation(size=size, activation=activation, discriminator_code=judged)
    condition = ca.yields(spec)
    made = ca.build(spec)(TextFeatures(torch.randn(3, sentence)), None, torch.randn(3, ca.epsilon(spec)))
    first, second = (
        Stage1(resolution=side, channels=channels),
        Stage2(channels=channels, scale=scale, residual_blocks=blocks),
    )
    given_first = StageGiven(noise, condition)
    given_second = StageGiven(noise, condition, first.yields(given_first))
    out = first.build(given_first)(None, made, torch.randn(3, noise))
    finer = second.build(given_second)(out, made, torch.zeros(3, 0))
    for stage, output in ((first.yields(given_first), out), (second.yields(given_second), finer)):
        assert output.image.shape == (3, 3, stage.image, stage.image)
        assert output.hidden.shape == (3, stage.hidden, stage.image, stage.image)
        assert output.image.abs().max() <= 1
    judge = Stage2Discriminator(channels=channels).build(DiscriminatorGiven(finer.image.shape[2], condition))
    logits = judge.judge(judge.features(finer.image), made.discriminator_code)
    assert logits.conditional.shape == logits.unconditional.shape == (3,)


def test_code_is_the_mean_where_epsilon_is_zero():
    text, spec = TextFeatures(torch.randn(4, 9)), TextSpec(sentence=9)
    made = ConditioningAugmentation(size=5).build(spec)(text, None, torch.zeros(4, 5))
    assert torch.equal(made.generator_code, made.mean)
    assert made.discriminator_code is made.mean and made.mean.requires_grad


def test_epsilon_moves_the_code_by_deviations():
    text, spec = TextFeatures(torch.randn(4, 9)), TextSpec(sentence=9)
    made = ConditioningAugmentation(size=5).build(spec)(text, None, torch.full((4, 5), 2.0))
    assert torch.allclose(made.generator_code, made.mean + 2 * (made.logvar / 2).exp())


def test_relu_keeps_mean_and_logvar_from_going_below_zero():
    text, spec = TextFeatures(torch.randn(64, 9)), TextSpec(sentence=9)
    relu, glu = (
        ConditioningAugmentation(size=5, activation=a).build(spec)(text, None, torch.zeros(64, 5))
        for a in ("relu", "glu")
    )
    assert relu.mean.min() >= 0 and relu.logvar.min() >= 0
    assert glu.mean.min() < 0 and glu.logvar.min() < 0


@pytest.mark.parametrize("side", [4, 48])
@pytest.mark.parametrize("judge", [Stage1Discriminator, Stage2Discriminator])
def test_discriminators_of_an_odd_side(judge, side):
    given_side = DiscriminatorGiven(side, ConditionSpec(3, 3))
    name = judge.__name__.removesuffix("Discriminator").lower()
    with pytest.raises(
        GanzooError, match=f"stackgan/{name}_discriminator cannot .*power of two of at least 8, not {side}"
    ):
        judge().build(given_side)


def test_stage2_behind_a_picture_that_does_not_divide_by_4():
    with pytest.raises(GanzooError, match="whose side divides by 4, not 30 pixels"):
        Stage2().yields(StageGiven(0, ConditionSpec(3, 3), StageSpec(30)))


def test_stage1_of_an_odd_side():
    with pytest.raises(ValidationError, match="power of two of at least 8, not 24"):
        TypeAdapter(Stage1).validate_python({"resolution": 24})


def test_stage2_reads_no_noise():
    condition = ConditionSpec(3, 3)
    stage = Stage2(channels=2, residual_blocks=1).build(StageGiven(0, condition, StageSpec(16)))
    ca = ConditioningAugmentation(size=3)
    code = ca.build(TextSpec(4))(TextFeatures(torch.randn(2, 4)), None, torch.zeros(2, 3))
    picture = StageOutput(torch.randn(2, 3, 16, 16))
    assert stage(picture, code, torch.zeros(2, 0)).image.shape == (2, 3, 64, 64)
