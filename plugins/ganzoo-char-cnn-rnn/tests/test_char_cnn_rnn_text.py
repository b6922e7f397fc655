"""The text encoder against the authors' code: characters, embeddings, gradients; the importer."""

import re

import pytest
import torch
from ganzoo_char_cnn_rnn.text_encoder import CharCnnRnn, TemporalConvolution
from ganzoo_char_cnn_rnn.weights import slots
from safetensors.torch import save_file
from torch import nn

import ganzoo
from ganzoo.errors import GanzooError
from ganzoo.specs import TextSpec

TINY = {"size": 22, "channels": (9, 7), "recurrent": 6}


def holding(encoder):
    model = nn.Module()
    model.text_encoder = encoder
    return model


@pytest.fixture
def encoder(authors):
    """In float64, with the authors' weights."""
    model = holding(authors.component.build())
    ganzoo.load_official(model, "char-cnn-rnn", {"text_encoder": authors.weights})
    return model.text_encoder.double()


def test_captions_are_read_as_the_authors_do(authors, encoder):
    letters = encoder.one_hot(encoder.tokenize(authors.meta["captions"]))
    assert torch.equal(letters, authors.io["in/onehot"].double())


def test_sentences_and_gradients_are_the_authors(authors, encoder):
    letters = authors.io["in/onehot"].double().requires_grad_()
    embedded = encoder.embed(letters)
    assert authors.error(embedded, "out/emb") < 1e-5
    (embedded * authors.io["in/grad_out"]).sum().backward()
    gradients = {name: slot.grad for name, slot in slots(holding(encoder)).items()}
    assert gradients.keys() == {k.removeprefix("grad/") for k in authors.io if k.startswith("grad/")}
    errors = authors.gradient_errors(gradients, "grad/")
    assert max(errors.values()) < 1e-4, errors
    # Ties of the pooling over padding are broken by rounding: compared within captions, and summed over time.
    theirs, ours = authors.io["out/grad_onehot"].double(), letters.grad
    for row, caption in enumerate(authors.meta["captions"]):
        end = min(201, len(caption))
        assert float((ours[row, :end] - theirs[row, :end]).norm() / theirs[row, :end].norm()) < 1e-4
    assert float((ours.sum(1) - theirs.sum(1)).norm() / theirs.sum(1).norm()) < 1e-4


def test_forward_is_the_same_and_words_are_what_the_sentence_is_made_of(authors, encoder):
    captions = authors.meta["captions"]
    features = encoder(encoder.tokenize(captions))
    assert authors.error(features.sentence, "out/emb") < 1e-5
    places, stride = (18, 9) if authors.component.variant == "gru18" else (8, 18)
    counts = [min(places, -(-len(caption) // stride)) for caption in captions]
    assert features.mask.sum(1).tolist() == counts and features.words.shape[1] == places == counts[2]
    spelt = encoder.spell(captions)
    assert [len(own) for own in spelt] == counts and spelt[3] == ["red bird"]
    assert "".join(spelt[2]) == captions[2][: places * stride]
    longest = features.words[2].mean(0)
    torch.testing.assert_close(longest, features.sentence[2])
    assert not features.words[~features.mask].any()


def test_weights_come_out_as_they_went_in(authors, tmp_path):
    model = holding(authors.component.build())
    save_file(authors.weights, tmp_path / "reed.safetensors")
    ganzoo.load_official(model, "char-cnn-rnn", {"text_encoder": tmp_path / "reed.safetensors"})
    out = ganzoo.export_official(model, "char-cnn-rnn")["text_encoder"]
    assert out.keys() == authors.weights.keys()
    assert all(torch.equal(out[name], value) for name, value in authors.weights.items())


def test_every_misfit_is_listed_before_anything_changes(authors):
    model = holding(authors.component.build())
    before = {name: value.clone() for name, value in model.state_dict().items()}
    state = {**authors.weights, "2.1.weight": torch.zeros(20, 279), "9.bias": torch.zeros(1)}
    del state["6.bias"]
    with pytest.raises(GanzooError) as caught:
        ganzoo.load_official(model, "char-cnn-rnn", {"text_encoder": state})
    assert str(caught.value).splitlines()[1:] == [
        "  text encoder.2.1.weight is (20, 279) in the file, (20, 280) in the model",
        "  text encoder.6.bias is in the model, but not in the file",
        "  text encoder.9.bias is in the file, but not in the model",
    ]
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_other_models_and_networks_are_refused():
    with pytest.raises(GanzooError, match="fits char_cnn_rnn/text; that of the model is Identity"):
        ganzoo.export_official(holding(nn.Identity()), "char-cnn-rnn")
    with pytest.raises(GanzooError, match=r"a text_encoder alone; the weights have generator"):
        ganzoo.load_official(holding(CharCnnRnn(**TINY).build()), "char-cnn-rnn", {"generator": {}})


def test_a_temporal_convolution_is_torch_s_convolution():
    layer, given = TemporalConvolution(3, 5), torch.randn(2, 3, 9)
    nn.init.normal_(layer.weight), nn.init.normal_(layer.bias)
    same = nn.Conv1d(3, 5, 4)
    same.load_state_dict({"weight": layer.weight.view(5, 4, 3).transpose(1, 2), "bias": layer.bias})
    torch.testing.assert_close(layer(given), same(given))


def test_unknown_characters_and_capitals():
    encoder = CharCnnRnn(**TINY).build()
    tokens = encoder.tokenize(["A-ü b", "b"])
    assert tokens.ids.tolist() == [[1, 60, 71, 70, 2], [2, 0, 0, 0, 0]] and tokens.length.tolist() == [5, 1]
    seen = encoder.one_hot(tokens)
    assert seen.shape == (2, 201, 70) and seen.sum((1, 2)).tolist() == [4, 1]
    strict = CharCnnRnn(**TINY, lower_case=False).build()
    assert strict.tokenize(["Ab"]).ids.tolist() == [[71, 2]]


def test_sizes():
    assert CharCnnRnn().yields() == TextSpec(1024, 1024)
    with torch.device("meta"):
        shapes = {variant: CharCnnRnn(variant=variant).build() for variant in ("gru18", "rnn8")}
    assert shapes["gru18"].output.in_features == 512 and shapes["rnn8"].output.in_features == 256
    assert [tuple(layer.weight.shape) for layer in shapes["rnn8"].convolutions] == [
        (384, 280), (512, 1536), (256, 2048),
    ]  # fmt: skip
    start = CharCnnRnn(**TINY).build().output.weight.detach()
    assert 0.07 < float(start.abs().max()) <= 0.08


def test_fewer_characters_than_leave_a_place_are_refused():
    with pytest.raises(ganzoo.GanzooError, match=re.escape("characters")):
        ganzoo.plan(ganzoo.recipe("char-cnn-rnn-shapes").set("text.characters", 20))
    for variant in ("gru18", "rnn8"):
        encoder = CharCnnRnn(**TINY, variant=variant, characters=66).build()
        assert encoder(encoder.tokenize(["a" * 90])).sentence.isfinite().all()
