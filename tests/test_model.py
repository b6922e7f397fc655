import pytest
import torch

from ganzoo.errors import GanzooError

CAPTIONS = ["a small red circle", "a large blue square", "a green star above a red cross"]


@pytest.fixture(scope="module")
def model(plan):
    torch.manual_seed(0)
    return plan.build()


def test_same_caption_and_seed_same_picture(model):
    whole = model.generate(CAPTIONS, seed=3)
    for row, caption in enumerate(CAPTIONS):
        torch.testing.assert_close(model.generate([caption], seed=3)[0], whole[row], rtol=0, atol=1e-5)
    torch.testing.assert_close(model.generate(CAPTIONS[::-1], seed=3).flip(0), whole, rtol=0, atol=1e-5)
    torch.testing.assert_close(model.generate(CAPTIONS, seed=3, batch=2), whole, rtol=0, atol=1e-5)


def test_another_seed_another_picture(model):
    assert not torch.allclose(model.generate(CAPTIONS, 0), model.generate(CAPTIONS, 1))


def test_one_seed_a_caption(model):
    each = model.generate(CAPTIONS, seed=[5, 6, 7])
    torch.testing.assert_close(each[1], model.generate(CAPTIONS, 6)[1], rtol=0, atol=1e-5)
    with pytest.raises(GanzooError, match="3 captions and 2 seeds"):
        model.generate(CAPTIONS, seed=[1, 2])


def test_pictures_are_square_and_bounded(model):
    pictures = model.generate(CAPTIONS)
    assert pictures.shape == (3, 3, 16, 16) and float(pictures.abs().max()) <= 1


def test_generate_evaluates_and_leaves_modes_as_they_were(model):
    model.train()
    model.discriminators.eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    model.generate(CAPTIONS)
    assert model.stages.training and not model.discriminators.training
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize(
    "captions, message",
    [([""], "caption 1 of 1 is empty"), (["a", "  "], "caption 2 of 2 is empty"), ([], "no caption")],
)
def test_empty_captions(model, captions, message):
    with pytest.raises(GanzooError, match=message):
        model.generate(captions)


def test_synthesize_returns_every_draw_and_stage(model):
    noise = torch.randn(3, 6)
    out = model.eval().synthesize(model.encode(CAPTIONS), noise)
    assert torch.equal(out.noise, noise) and len(out.stages) == len(out.conditions) == len(out.epsilons) == 1
    assert out.conditions[0].discriminator_code.shape == (3, 24) and out.images[0] is out.stages[0].image


def test_compiled_stages_keep_their_names(plan):
    model = plan.build()
    names = set(model.state_dict())
    model.compile_stages()
    assert set(model.state_dict()) == names
