"""AttnGAN's networks against the authors' code: pictures, attention, statistics, sizes."""

import pytest
import torch
from ganzoo_attngan.discriminators import DcganDiscriminator, TwoHeadedDiscriminator
from ganzoo_attngan.stages import Attend, WordAttention, tiled
from ganzoo_attngan.weights import generator_slots
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzoo.errors import GanzooError
from ganzoo.flow import Condition, StageOutput
from ganzoo.specs import ConditionSpec, DiscriminatorGiven, StageGiven, StageSpec

DTYPES = [(torch.float64, 1e-6), (torch.float32, 1e-4)]
SIDES = (64, 128, 256)
MASKS = {"tiled": "eval", "own": "eval_alignedmask", "nothing": "eval_nomask"}


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_generator_draws_the_authors_pictures(attngan, mode, dtype, tolerance):
    out = attngan.synthesize(attngan.model(dtype).train(mode == "train"))
    for side, image in zip(SIDES, out.images, strict=True):
        errors = attngan.picture_errors(image, f"out/{mode}/fake{side}")
        assert len(errors) >= 3 and max(errors.values()) < tolerance
    condition, attention = out.conditions[0], [stage.attention for stage in out.stages]
    assert attngan.error(condition.mean, f"out/{mode}/mu") < tolerance
    assert attngan.error(condition.logvar, f"out/{mode}/logvar") < tolerance
    assert attngan.error(attention[1][:, :, ::4, ::4], f"out/{mode}/att1_s4") < tolerance
    assert attngan.error(attention[2][:, :, ::8, ::8], f"out/{mode}/att2_s8") < tolerance
    assert attention[0] is None
    assert torch.equal(condition.discriminator_code, attngan.input("sent_emb", dtype))


def test_code_and_hidden_features(attngan):
    out = attngan.synthesize(attngan.model().eval())
    assert attngan.error(out.conditions[0].generator_code, "out/eval/c_code") < 1e-6
    assert attngan.error(out.stages[0].hidden[:, :, ::4, ::4], "out/eval/h_code1_s4") < 1e-6


@pytest.mark.parametrize("mask", MASKS)
def test_masks(attngan, mask):
    out = attngan.synthesize(attngan.model(mask=mask).eval())
    for side, image in zip(SIDES[1:], out.images[1:], strict=True):
        errors = attngan.picture_errors(image, f"out/{MASKS[mask]}/fake{side}")
        assert len(errors) == 4 and max(errors.values()) < 1e-6
    attention = out.stages[1].attention
    assert attngan.error(attention[:, :, ::4, ::4], f"out/{MASKS[mask]}/att1_s4") < 1e-6


@pytest.mark.parametrize("mask", ["tiled", "own"])
def test_a_caption_alone(attngan, mask):
    """In a batch of one the authors' order is right; ours is in any batch."""
    model = attngan.model(mask=mask).eval()
    last = slice(-1, None)
    pictures = [attngan.synthesize(model, last).images]
    pictures += [tuple(image[last] for image in attngan.synthesize(model).images)] if mask == "own" else []
    for images in pictures:
        for side, image in zip(SIDES[1:], images[1:], strict=True):
            errors = attngan.picture_errors(image, f"out/eval_batch1_lastsample/fake{side}")
            assert max(errors.values()) < 1e-6


MASKED_ATTENTION = {"tiled": "official_tiled_mask", "own": "aligned_mask", "nothing": "mask_none"}


@pytest.mark.parametrize("mask", MASKED_ATTENTION)
def test_word_attention_and_its_gradients(damsm, mask):
    where = f"out/global_attention/{MASKED_ATTENTION[mask]}"
    words = damsm.io["in/words_emb"].double().requires_grad_()
    hidden = damsm.io["in/h_code"].double().requires_grad_()
    attention = WordAttention(words.shape[1], hidden.shape[1], mask).double()
    attention.project.load_state_dict({"weight": damsm.weights["conv_context.weight"]})
    read, maps = attention(hidden, words.mT, damsm.io["in/captions"] > 0)
    assert damsm.error(read, f"{where}/weightedContext") < 1e-6
    assert damsm.error(maps, f"{where}/attn") < 1e-6
    (read * damsm.io["in/probe"].double()).sum().backward()
    assert damsm.error(hidden.grad, f"{where}/grad_h") < 1e-6
    assert damsm.error(words.grad, f"{where}/grad_words") < 1e-6
    assert damsm.error(attention.project.weight.grad, f"{where}/grad_conv") < 1e-6


def test_tiled_masks_are_those_of_the_wrong_rows():
    mask = torch.tensor([[True, True], [True, False]])
    assert tiled(mask, 3).tolist() == [
        [[True, True, True], [True, False, True]],
        [[True, True, True], [False, True, False]],
    ]


@pytest.mark.parametrize(("dtype", "tolerance"), DTYPES)
@pytest.mark.parametrize("mode", ["train", "eval"])
def test_discriminators_give_the_authors_probabilities(attngan, mode, dtype, tolerance):
    model = attngan.model(dtype).train(mode == "train")
    code = attngan.input("sent_emb", dtype)
    for side, real, judge in zip(SIDES, attngan.real(dtype), model.discriminators.values(), strict=True):
        features = judge.features(real)
        logits = judge.judge(features, code)
        assert attngan.error(features, f"out/{mode}/D{side}_features") < tolerance
        assert attngan.error(logits.conditional.sigmoid(), f"out/{mode}/D{side}_cond") < tolerance
        assert attngan.error(logits.unconditional.sigmoid(), f"out/{mode}/D{side}_uncond") < tolerance


def test_running_statistics_after_one_forward(attngan):
    model = attngan.model()
    attngan.synthesize(model)
    prefix = "out/G_bn_after_one_train_forward/"
    ours = {key: slot for key, slot in generator_slots(model).items() if "running" in key}
    assert {prefix + key for key in ours} == {key for key in attngan.io if key.startswith(prefix)}
    assert max(attngan.error(slot, prefix + key) for key, slot in ours.items()) < 1e-6


@settings(max_examples=8, deadline=None)
@given(
    hidden=st.integers(1, 5), words=st.integers(1, 7), side=st.sampled_from([4, 8]), length=st.integers(1, 5)
)
def test_any_size(hidden, words, side, length):
    spec = ConditionSpec(3, 3, words=words)
    given_stage = StageGiven(0, spec, StageSpec(side, hidden))
    stage = Attend(residual_blocks=1)
    made = stage.yields(given_stage)
    mask = torch.arange(length) < torch.randint(1, length + 1, (3, 1))
    condition = Condition(torch.ones(3, 3), torch.ones(3, 3), words=torch.randn(3, length, words), mask=mask)
    before = StageOutput(torch.zeros(3, 3, side, side), torch.randn(3, hidden, side, side))
    out = stage.build(given_stage)(before, condition, torch.zeros(3, 0))
    assert out.image.shape == (3, 3, made.image, made.image) and made.image == 2 * side
    assert out.hidden.shape == (3, made.hidden, made.image, made.image)
    assert out.attention.shape == (3, length, side, side)
    assert torch.allclose(out.attention.sum(1), torch.ones(3, side, side), atol=1e-5)
    assert not out.attention[~mask].any()


def test_words_without_a_mask_are_all_looked_at():
    attention = WordAttention(4, 3, "own")
    hidden, words = torch.randn(2, 3, 4, 4), torch.randn(2, 5, 4)
    every = torch.ones(2, 5, dtype=torch.bool)
    for ours, same in zip(attention(hidden, words, None), attention(hidden, words, every), strict=True):
        assert torch.equal(ours, same)


def test_parameters_at_the_authors_width():
    spec = ConditionSpec(100, 256)
    with torch.device("meta"):
        judges = [TwoHeadedDiscriminator().build(DiscriminatorGiven(side, spec)) for side in SIDES]
    counts = [sum(p.numel() for p in judge.parameters()) for judge in judges]
    assert [round(count / 1e6, 2) for count in counts] == [6.31, 19.42, 71.86]


@pytest.mark.parametrize("side", [4, 48])
@pytest.mark.parametrize("kind", ["discriminator", "dcgan_discriminator"])
def test_pictures_of_an_odd_side(kind, side):
    judge = {"discriminator": TwoHeadedDiscriminator, "dcgan_discriminator": DcganDiscriminator}[kind]
    with pytest.raises(GanzooError, match=f"attngan/{kind} cannot .*power of two of at least 8, not {side}"):
        judge().build(DiscriminatorGiven(side, ConditionSpec(3, 3)))
