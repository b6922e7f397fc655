"""The second phase on the encoders of another run: `--from-phase gan --encoders RUN`."""

import json
import shutil

import pytest
import torch

import ganzoo
from ganzoo.cli.training import train as command
from ganzoo.errors import GanzooError
from ganzoo.run import Run

ENCODERS = ("text_encoder.", "image_encoder.")


def of_encoders(run, which="newest"):
    return {name: value for name, value in run.load(which).state_dict().items() if name.startswith(ENCODERS)}


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.fixture(scope="module")
def second(recipe, run, tmp_path_factory):
    """Two steps of the second phase alone, on the encoders of `run`."""
    return ganzoo.train(
        recipe.set("text.words", 3), run_dir=tmp_path_factory.mktemp("runs") / "second", device="cpu",
        from_phase="gan", encoders=run.path, save_every=1, keep=0,
    )  # fmt: skip


def test_weights_and_words_are_taken_over(run, second):
    assert same(of_encoders(second), of_encoders(run))
    assert second.vocabulary.read_text() == run.vocabulary.read_text()
    assert list(second.recipe.phases) == ["gan"] and {line["phase"] for line in second.metrics} == {"gan"}
    assert second.settings["encoders"] == str(run.path.absolute())


def test_going_on_needs_neither_option_nor_run(run, second, recipe, tmp_path):
    """To the last bit what it would have been in one go, wherever the first run is by then."""
    moved = Run(shutil.copytree(second.path, tmp_path / "run"))
    settings = json.loads((moved.path / "run.json").read_text()) | {"encoders": "/no/longer/there"}
    (moved.path / "run.json").write_text(json.dumps(settings))
    shutil.rmtree(moved.checkpoints / "step-00000002")
    ganzoo.train(moved.recipe, run_dir=moved.path, resume=True)
    assert same(moved.load().state_dict(), second.load().state_dict())
    trained = recipe.set("text.words", 3)
    again = ganzoo.train(trained, run_dir=second.path, resume=True, from_phase="gan")
    assert same(again.load().state_dict(), second.load().state_dict())


def test_a_run_on_taken_encoders_hands_them_on(recipe, second, tmp_path):
    third = ganzoo.train(
        recipe.set("training.gan.steps", 1), run_dir=tmp_path / "run", device="cpu",
        from_phase="gan", encoders=second.path,
    )  # fmt: skip
    assert same(of_encoders(third), of_encoders(second))


def test_without_from_phase_their_training_goes_on(recipe, run, tmp_path):
    more = ganzoo.train(
        recipe.set("training.gan", None), run_dir=tmp_path / "run", device="cpu", encoders=run.path
    )
    began, went_on = of_encoders(run, "step-00000002"), of_encoders(more)
    assert not same(began, went_on)
    few = [name for name in began if name.endswith("weight") and began[name].ndim > 1]
    assert all((began[name] - went_on[name]).abs().max() < 0.01 for name in few), "two steps away"


def test_the_command(recipe, run, tmp_path):
    path = tmp_path / "small.yaml"
    path.write_text(recipe.set("training.gan.steps", 1).to_yaml())
    command(str(path), run=tmp_path / "run", from_phase="gan", encoders=run.path, device="cpu")
    assert same(of_encoders(Run(tmp_path / "run")), of_encoders(run))


def test_a_text_encoder_for_another_model(recipe, run, tmp_path):
    """A model without an image encoder takes over the text encoder alone."""
    losses = [{"use": "core/nonsaturating"}, {"use": "stackgan/kl"}]
    other = recipe.set("training.damsm", None).set("image", None).set("training.gan.measure", [])
    other = other.set("training.gan.updates.generator.losses", losses).set("training.gan.steps", 1)
    made = ganzoo.train(other, run_dir=tmp_path / "run", device="cpu", encoders=run.path)
    theirs = {name: value for name, value in of_encoders(run).items() if name.startswith("text_encoder.")}
    assert same(of_encoders(made), theirs)


# -- misfits -------------------------------------------------------------------------------------------------


def refused(recipe, tmp_path, *said, **options):
    with pytest.raises(GanzooError) as error:
        ganzoo.train(recipe, run_dir=tmp_path / "new", device="cpu", **options)
    for text in said:
        assert text in str(error.value), error.value
    assert not (tmp_path / "new").exists()


def test_other_phases(recipe, run, tmp_path):
    refused(recipe, tmp_path, "small has no phase `gam` to begin with; did you mean `gan`?", from_phase="gam")
    said = "cannot begin with phase gan without trained encoders, which phase damsm would make; name the run"
    refused(recipe, tmp_path, said, "--encoders RUN", from_phase="gan")
    later = recipe.set("training.more", recipe.to_dict()["training"]["gan"])
    said = "phase gan before it trains the discriminator and the generator, and only encoders can be taken"
    refused(later, tmp_path, said, from_phase="more", encoders=run.path)


def test_other_encoders(recipe, run, tmp_path):
    reuse = {"from_phase": "gan", "encoders": run.path}
    other = recipe.set("text.size", 12).set("text.cell", "gru").set("image.size", 12).set("image.level", -1)
    refused(
        other, tmp_path, f"the encoders of {run.path} are not those of small:",
        "text.cell: lstm there, here gru", "text.size: 8 there, here 12", "image.level: -2 there, here -1",
        **reuse,
    )  # fmt: skip
    unclipped = "training.damsm.updates.encoders.optimizer"
    grams = recipe.set("text", {"use": "core/ngrams", "size": 8}).set(unclipped, {"use": "adam", "lr": 0.001})
    refused(grams, tmp_path, "text: attngan/rnn there, here core/ngrams", **reuse)


def test_other_words(recipe, run, tmp_path):
    reuse = {"from_phase": "gan", "encoders": run.path}
    words = run.vocabulary.read_text().split()
    named = recipe.set("text.vocabulary", [*words[:2], "zebra"])
    said = f"names a vocabulary of 3 words, {run.vocabulary} has {len(words)}, and word 3 is 'zebra' there"
    refused(named, tmp_path, said, **reuse)

    learnt = recipe.set("data.objects", 1).set("data.count", 40).set("training.gan", None)
    poorer = ganzoo.train(learnt, run_dir=tmp_path / "one", device="cpu")
    said = "words of the training captions: above, below"
    refused(recipe, tmp_path, "do not know", said, f"text.vocabulary={poorer.vocabulary}",
            from_phase="gan", encoders=poorer.path)  # fmt: skip
    allowed = recipe.set("text.vocabulary", str(poorer.vocabulary)).set("training.gan.steps", 1)
    made = ganzoo.train(
        allowed, run_dir=tmp_path / "two", device="cpu", from_phase="gan", encoders=poorer.path
    )
    assert same(of_encoders(made), of_encoders(poorer))


def test_a_run_without_encoders(recipe, run, tmp_path):
    losses = [{"use": "core/nonsaturating"}, {"use": "stackgan/kl"}]
    without = recipe.set("training.damsm", None).set("training.gan.steps", 1)
    without = without.set("training.gan.updates.generator.losses", losses).set("training.gan.measure", [])
    made = ganzoo.train(without, run_dir=tmp_path / "run", device="cpu")
    reuse = {"from_phase": "gan", "encoders": made.path}
    refused(recipe, tmp_path, "has no encoders to take over: no phase of it trains any", **reuse)
    bare = ganzoo.train(without.set("image", None), run_dir=tmp_path / "bare", device="cpu")
    refused(recipe, tmp_path, "image: nothing there, here attngan/cnn", from_phase="gan", encoders=bare.path)
    refused(recipe, tmp_path, "is no run folder", from_phase="gan", encoders=tmp_path / "none")
    frozen = without.set("image", None).set("text", {"use": "core/ngrams", "size": 8})
    grams = ganzoo.train(frozen, run_dir=tmp_path / "grams", device="cpu")
    refused(frozen, tmp_path, "has no encoders to take over", encoders=grams.path)


def test_going_on_with_the_encoders_of_yet_another_run(run, second):
    with pytest.raises(GanzooError, match=r"was started with encoders of .*; with those of /elsewhere it"):
        ganzoo.train(second.recipe, run_dir=second.path, resume=True, encoders="/elsewhere")
