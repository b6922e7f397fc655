"""The joint embedding: the structured loss against the authors' and by hand; pictures; training."""

import re
from itertools import pairwise

import pytest
import timm
import torch
from ganzoo_char_cnn_rnn.image_encoder import Pooled
from ganzoo_char_cnn_rnn.joint_embedding import JointEmbedding, structured

import ganzoo
from ganzoo.errors import GanzooError


def test_one_direction_is_the_authors(authors):
    captions, pictures = (authors.io[f"sje/fea_txt{n}"].double().requires_grad_() for n in (1, 2))
    loss = JointEmbedding(rivals="captions").of_features(pictures, captions)
    assert authors.error(loss.unsqueeze(0), "sje/loss") < 1e-6
    loss.backward()
    assert authors.error(captions.grad, "sje/grad1") < 1e-6
    assert authors.error(pictures.grad, "sje/grad2") < 1e-6


def test_both_directions_by_hand():
    scores = torch.tensor([[2.0, 1.5], [0.0, 0.2]])
    assert float(structured(scores)) == pytest.approx((0.5 + 0.8) / 4)
    assert float(structured(scores.mT)) == pytest.approx((0.0 + 2.3) / 4)
    pictures, captions = torch.eye(2), scores.mT
    for rivals, value in {"captions": 1.3 / 4, "pictures": 2.3 / 4, "both": 3.6 / 4}.items():
        assert float(JointEmbedding(rivals=rivals).of_features(pictures, captions)) == pytest.approx(value)


def test_others_of_the_same_class_are_no_rivals():
    scores, classes = torch.randn(4, 4), torch.tensor([0, 1, 0, 2])
    by_hand = sum(
        max(0.0, 1 + float(scores[i, j] - scores[i, i]))
        for i in range(4) for j in range(4) if classes[i] != classes[j]
    )  # fmt: skip
    same = classes.unsqueeze(1) == classes
    assert float(structured(scores, 1.0, same)) == pytest.approx(by_hand / 16, rel=1e-5)


def small(**options):
    return Pooled(**{**Pooled.tiny, **options})


def test_vectors_are_the_trunks_features():
    encoder = small(project=False, size=96, side=16).build().eval()
    images = torch.rand(2, 3, 16, 16) * 2 - 1
    theirs = encoder.trunk((images / 2 + 0.5 - 0.5) / 0.5)
    torch.testing.assert_close(encoder(images).vector, theirs)
    assert small().build()(images).vector.shape == (2, 22)


def test_pixels_are_scaled_as_the_backbone_was_trained():
    assert small().mean == (0.5, 0.5, 0.5) and Pooled(backbone="resnet10t").std == (0.229, 0.224, 0.225)


def test_a_trunk_that_is_not_trained_has_no_parameters_and_stands_still():
    still, trained = small().build().train(), small(train_trunk=True).build().train()
    assert not list(still.trunk.parameters()) and list(trained.trunk.parameters())
    before = {name: value.clone() for name, value in still.state_dict().items()}
    still(torch.zeros(2, 3, 8, 8))
    assert all(torch.equal(value, before[name]) for name, value in still.state_dict().items())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backbone": "test_resnett"}, "timm has no network 'test_resnett'; did you mean"),
        (
            {"project": False},
            "96 features as they are, not `size: 22`; set image.size=96",
        ),
    ],
)
def test_networks_that_cannot_be(options, message):
    with pytest.raises(GanzooError, match=re.escape(message)):
        small(**options).build()


def test_a_training_starts_with_pretrained_weights(monkeypatch):
    """timm's own download is taken from a network here."""
    torch.manual_seed(0)
    source, create = timm.create_model("test_resnet", num_classes=0), timm.create_model

    def downloaded(name, pretrained, **options):
        made = create(name, pretrained=False, **options)
        if pretrained:
            made.load_state_dict(source.state_dict())
        return made

    monkeypatch.setattr(timm, "create_model", downloaded)
    for pretrained in (False, True):
        encoder = small(pretrained_trunk=pretrained)
        module = encoder.build()
        encoder.start(module)
        ours, theirs = module.trunk.state_dict(), source.state_dict()
        assert all(torch.equal(ours[name], theirs[name]) for name in theirs) == pretrained


def test_without_a_connection(monkeypatch):
    def fail(*_, **__):
        raise OSError("no connection")

    module = small().build()
    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(GanzooError, match="cannot get timm's weights of test_resnet: no connection; without"):
        small(pretrained_trunk=True).start(module)
    with pytest.raises(GanzooError, match="cannot use test_resnet: no connection"):
        small().build()


def test_the_encoders_are_trained_first_then_the_generator_on_them(tmp_path):
    recipe = ganzoo.recipe("char-cnn-rnn-shapes").named("small")
    for path, value in {
        "data.count": 48,
        "data.batch": 4,
        "text.channels": [6, 6],
        "text.recurrent": 6,
        "text.size": 8,
        "image.size": 8,
        "image.side": 16,
        "conditioning.size": 4,
        "stages.0.stage.channels": 2,
        "stages.0.discriminator.channels": 2,
        "stages.0.discriminator.text": 4,
        "training.encoders.steps": 2,
        "training.encoders.batch": 8,
        "training.gan.steps": 2,
        "training.gan.measure": [],
    }.items():
        recipe = recipe.set(path, value)
    run = ganzoo.train(recipe, run_dir=tmp_path / "run", device="cpu", save_every=1, keep=9)
    states = [run.load(f"step-0000000{step}").state_dict() for step in (1, 2, 4)]
    moved = [
        {name.split(".")[0] for name in one if not torch.equal(one[name], other[name])}
        for one, other in pairwise(states)
    ]
    assert {"text_encoder", "image_encoder"} == moved[0]
    assert {"conditionings", "stages", "discriminators"} >= moved[1] >= {"stages", "discriminators"}
    assert any("encoders/char_cnn_rnn/joint_embedding" in line for line in run.metrics)
    assert run.load().generate(["a small red circle"]).shape == (1, 3, 32, 32)
