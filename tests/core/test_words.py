"""A table of word vectors: the sentence by hand, the vocabulary, training through the loop."""

import logging

import torch

import ganzoo
from ganzoo.core.words import Words

KNOWN = ("a", "red", "circle")


def test_the_mean_by_hand():
    encoder = Words(size=4, vocabulary=KNOWN).build()
    out = encoder(encoder.tokenize(["a red circle", "Red"]))
    table = encoder.table.weight
    torch.testing.assert_close(out.sentence, torch.stack([table[2:5].mean(0), table[3]]))
    torch.testing.assert_close(out.words[0], table[2:5])
    assert out.mask.tolist() == [[True] * 3, [True, False, False]] and not out.words[1, 1:].any()


def test_the_lstm_s_last_state_is_the_sentence():
    encoder = Words(size=4, over="lstm", vocabulary=KNOWN).build()
    out = encoder(encoder.tokenize(["red circle", "circle red", "a"]))
    torch.testing.assert_close(out.sentence, torch.stack([out.words[0, 1], out.words[1, 1], out.words[2, 0]]))
    assert not torch.allclose(out.sentence[0], out.sentence[1])
    by_hand, _ = encoder.reader(encoder.table(torch.tensor([[3, 4]])))
    torch.testing.assert_close(out.words[:1], by_hand)


def test_unknown_words_share_a_vector_and_are_named_once(caplog):
    encoder = Words(size=4, words=3, vocabulary=KNOWN).build()
    with caplog.at_level(logging.WARNING, "ganzoo"):
        tokens = encoder.tokenize(["a zebra, a star", "Okapi!"])
        encoder.tokenize(["zebra"])
        encoder.tokenize([" ".join(f"w{number:02}" for number in range(3))] * 2)
    assert tokens.ids.tolist() == [[2, 1, 1], [1, 1, 0]] and tokens.length.tolist() == [3, 2]
    said = [record.message for record in caplog.records]
    assert said == ["core/words does not know !, ,, okapi, zebra", "core/words does not know w00, w01, w02"]


def test_words_are_spelt_as_they_are_read():
    assert Words(words=3).build().spell(["A red, red circle"]) == [["a", "red", ","]]


def test_many_unknown_words_are_counted(caplog):
    with caplog.at_level(logging.WARNING, "ganzoo"):
        Words(size=4).build().tokenize([" ".join(f"w{number:02}" for number in range(12))])
    assert caplog.records[0].message.endswith("w08, w09 and 2 more")


def test_the_vocabulary_is_learnt_from_captions():
    assert Words().vocabulary_of(["A bird, a Bird", "the nest"]) == ("a", "bird", ",", "nest", "the")
    assert Words(vocabulary=("x",)).vocabulary_of(["a"]) == ("x",)
    assert Words().knowing(["b"]) == Words(vocabulary=("b",))


def test_an_update_of_encoders_trains_it_and_the_run_knows_its_words(tmp_path):
    recipe = ganzoo.recipe("char-cnn-rnn-shapes").named("small").set("text", {"use": "core/words", "size": 8})
    for path, value in {
        "data.count": 24,
        "data.batch": 4,
        "image.size": 8,
        "image.side": 16,
        "conditioning.size": 4,
        "stages.0.stage.channels": 2,
        "stages.0.discriminator.channels": 2,
        "stages.0.discriminator.text": 4,
        "training.encoders.steps": 2,
        "training.encoders.batch": 8,
        "training.gan.steps": 1,
        "training.gan.measure": [],
    }.items():
        recipe = recipe.set(path, value)
    run = ganzoo.train(recipe, run_dir=tmp_path / "run", device="cpu", save_every=1, keep=0)
    words = run.vocabulary.read_text().split()
    tables = [run.load(f"step-0000000{step}").text_encoder.table.weight for step in (1, 2, 3)]
    assert {"a", "red", "circle"} <= set(words) and len(tables[0]) == len(words) + 2
    assert not torch.equal(tables[0], tables[1]) and torch.equal(tables[1], tables[2])
    assert run.load().generate(["a small red circle"]).shape == (1, 3, 32, 32)
