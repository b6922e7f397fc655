"""StackGAN++'s networks against the authors' code: pictures, probabilities, statistics, sizes."""

import pytest
import torch
from ganzoo_stackgan.conditioning import ConditioningAugmentation
from ganzoo_stackgan.discriminators_pp import DiscriminatorPP
from ganzoo_stackgan.stages_pp import Initial, Refine
from ganzoo_stackgan.weights_pp import generator_slots
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from torch import nn

from ganzoo.errors import GanzooError
from ganzoo.flow import Condition, TextFeatures
from ganzoo.specs import ConditionSpec, DiscriminatorGiven, StageGiven, TextSpec

DTYPES = [(torch.float64, 1e-6), (torch.float32, 1e-4)]
SIDES = (64, 128, 256)
OFFICIAL_TEXT = TextSpec(sentence=1024)


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_generator_draws_the_authors_pictures(pp, mode, dtype, tolerance):
    out = pp.synthesize(pp.model(dtype).train(mode == "train"))
    for side, image in zip(SIDES, out.images, strict=True):
        errors = pp.picture_errors(image, f"out/{mode}/fake{side}")
        assert len(errors) >= 3 and max(errors.values()) < tolerance
    condition = out.conditions[0]
    assert pp.error(condition.mean, f"out/{mode}/mu") < tolerance
    assert pp.error(condition.logvar, f"out/{mode}/logvar") < tolerance
    assert condition.discriminator_code is condition.mean


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
def test_code_and_hidden_features(pp, dtype, tolerance):
    out = pp.synthesize(pp.model(dtype).eval())
    assert pp.error(out.conditions[0].generator_code, "out/eval/c_code") < tolerance
    assert pp.error(out.stages[0].hidden[:, :, ::4, ::4], "out/eval/h_code1_s4") < tolerance
    assert pp.error(out.stages[1].hidden[:, :, ::8, ::8], "out/eval/h_code2_s8") < tolerance


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_discriminators_give_the_authors_probabilities(pp, mode, dtype, tolerance):
    model = pp.model(dtype).train(mode == "train")
    for side, real, judge in zip(SIDES, pp.real(dtype), model.discriminators.values(), strict=True):
        logits = judge.judge(judge.features(real), pp.input("cond", dtype))
        assert pp.error(logits.conditional.sigmoid(), f"out/{mode}/D{side}_cond") < tolerance
        assert pp.error(logits.unconditional.sigmoid(), f"out/{mode}/D{side}_uncond") < tolerance


def test_running_statistics_after_one_forward(pp):
    model = pp.model()
    pp.synthesize(model)
    prefix = "out/G_bn_after_one_train_forward/"
    ours = {key: slot for key, slot in generator_slots(model).items() if "running" in key}
    assert {prefix + key for key in ours} == {key for key in pp.io if key.startswith(prefix)}
    assert max(pp.error(slot, prefix + key) for key, slot in ours.items()) < 1e-6


def count(module):
    return sum(parameter.numel() for parameter in module.parameters())


def official_stages(condition, count=3):
    """As many of the authors' stages as asked for, and what each is given."""
    previous = None
    for number in range(count):
        stage = Refine() if number else Initial()
        given_stage = StageGiven(100, condition, previous)
        previous = stage.yields(given_stage)
        yield stage, given_stage, previous


def test_parameters_at_the_authors_width():
    ca = ConditioningAugmentation()
    condition = ca.yields(OFFICIAL_TEXT)
    with torch.device("meta"):
        generator = [stage.build(given_stage) for stage, given_stage, _ in official_stages(condition)]
        judges = [DiscriminatorPP().build(DiscriminatorGiven(side, condition)) for side in SIDES]
        assert sum(map(count, generator)) + count(ca.build(OFFICIAL_TEXT)) == 21_239_696
    assert [count(judge) for judge in judges] == [5_723_906, 18_834_178, 71_269_122]


def test_stages_double_the_side_and_halve_the_features():
    made = [spec for *_, spec in official_stages(ConditionSpec(128, 128), count=5)]
    assert [spec.image for spec in made] == [64, 128, 256, 512, 1024]
    assert [spec.hidden for spec in made] == [64, 32, 16, 8, 4]


def test_start_is_orthogonal():
    torch.manual_seed(0)
    condition = ConditionSpec(5, 5)
    stage, given_initial = Initial(resolution=16, channels=4), StageGiven(6, condition)
    initial = stage.build(given_initial)
    refine = Refine().build(StageGiven(6, condition, stage.yields(given_initial)))
    judge = DiscriminatorPP(channels=2).build(DiscriminatorGiven(32, condition))
    for module in (initial, refine, judge):
        layers = [m for m in module.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        assert len(layers) >= 4
        for layer in layers:
            matrix = layer.weight.detach().flatten(1)
            gram = matrix @ matrix.T if len(matrix) <= matrix.shape[1] else matrix.T @ matrix
            assert torch.allclose(gram, torch.eye(len(gram)), atol=1e-5)


@settings(max_examples=12, deadline=None)
@given(
    power=st.integers(3, 5),
    channels=st.integers(1, 5),
    blocks=st.integers(0, 2),
    more=st.integers(0, 2),
    sizes=st.tuples(*[st.integers(1, 9)] * 2),
)
def test_any_size(power, channels, blocks, more, sizes):
    size, noise = sizes
    spec = ConditionSpec(size, size, gaussian=True)
    code = torch.randn(3, size)
    out, previous = None, None
    for number in range(1 + more):
        stage = Refine(residual_blocks=blocks) if number else Initial(resolution=2**power, channels=channels)
        given_stage = StageGiven(noise, spec, previous)
        previous = stage.yields(given_stage)
        out = stage.build(given_stage)(out, Condition(code, code), torch.randn(3, noise))
        assert out.image.shape == (3, 3, previous.image, previous.image)
        assert out.hidden.shape == (3, previous.hidden, previous.image, previous.image)
        assert out.image.abs().max() <= 1
    judge = DiscriminatorPP(channels=channels).build(DiscriminatorGiven(previous.image, spec))
    logits = judge.judge(judge.features(out.image), code)
    assert logits.conditional.shape == logits.unconditional.shape == (3,)


def test_refining_behind_another_stage_reads_only_its_features_and_the_code(pp):
    """What stands in front may be anything with hidden features: the picture and the noise do not matter."""
    model = pp.model().eval()
    out = pp.synthesize(model)
    first, condition = out.stages[0], out.conditions[0]
    alone = type(first)(image=torch.full_like(first.image, float("nan")), hidden=first.hidden)
    again = model.stages[1](alone, condition, torch.full((3, 1), float("nan")))
    assert torch.equal(again.image, out.stages[1].image)


def test_gradient_of_the_judged_code_reaches_the_conditioning():
    made = ConditioningAugmentation(size=5).build(TextSpec(4))(
        TextFeatures(torch.randn(3, 4)), None, torch.zeros(3, 5)
    )
    assert made.discriminator_code.requires_grad


@pytest.mark.parametrize("side", [4, 48])
def test_pictures_of_an_odd_side(side):
    with pytest.raises(
        GanzooError, match=f"stackgan/discriminator_pp cannot .*power of two of at least 8, not {side}"
    ):
        DiscriminatorPP().build(DiscriminatorGiven(side, ConditionSpec(3, 3)))


def test_initial_stage_of_an_odd_side():
    with pytest.raises(ValidationError, match="power of two of at least 8, not 24"):
        TypeAdapter(Initial).validate_python({"resolution": 24})
