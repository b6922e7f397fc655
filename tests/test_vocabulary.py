"""Words that a text encoder learns: kept in the run folder, found again by whoever loads the run."""

from dataclasses import dataclass, replace

import pytest
import torch

import ganzoo
from ganzoo import vocabulary
from ganzoo.core.text import NGrams, NGramsModule
from ganzoo.errors import GanzooError
from ganzoo.flow import TextFeatures


@dataclass(frozen=True, kw_only=True)
class Knowing(NGrams):
    """Counts the words it knows."""

    learns_words = True
    pretrained = False
    known: tuple[str, ...] = ()

    def vocabulary_of(self, captions):
        return tuple(sorted({word for caption in captions for word in caption.split()}))

    def knowing(self, words):
        return replace(self, known=tuple(words))

    def build(self):
        return KnowingModule(self)


class KnowingModule(NGramsModule):
    def __init__(self, options):
        super().__init__(options.size, options.order, options.words, options.buckets)
        self.known = options.known
        self.table_of_words = torch.nn.Parameter(torch.zeros(len(options.known), 2))

    def forward(self, tokens):
        out = super().forward(tokens)
        return TextFeatures(out.sentence + self.table_of_words.sum(), out.words, out.mask)


@pytest.fixture
def plan(monkeypatch):
    """A tiny model whose text encoder learns words; core/ngrams is replaced by it."""
    monkeypatch.setattr("ganzoo.core.text.NGrams", Knowing)
    recipe = ganzoo.recipe("gan-int-cls-shapes").set("data.count", 64).set("data.batch", 8)
    recipe = recipe.set("stages.0.stage.channels", 4).set("stages.0.discriminator.channels", 4)
    return ganzoo.plan(recipe.set("training.gan.steps", 2).set("text.buckets", 64).named("words"))


def test_a_plan_with_words(plan):
    words = vocabulary.learnt(plan, ["b a", "a c"])
    assert words == ("a", "b", "c")
    assert vocabulary.knowing(plan, words).text.known == words
    assert vocabulary.knowing(plan, None) is plan


def test_encoders_that_learn_no_words(tmp_path):
    plan = ganzoo.plan("gan-int-cls-shapes")
    assert vocabulary.learnt(plan, ["a"]) is None and vocabulary.kept(tmp_path / "absent", plan) is None
    vocabulary.keep(tmp_path / "vocabulary.txt", None)
    assert not list(tmp_path.iterdir())


def test_words_are_kept(plan, tmp_path):
    vocabulary.keep(tmp_path / "words", ("é", "a"))
    assert vocabulary.kept(tmp_path / "words", plan) == ("é", "a")
    with pytest.raises(GanzooError, match=r"the words of its text encoder: .*absent cannot be read"):
        vocabulary.kept(tmp_path / "absent", plan)
    with pytest.raises(GanzooError, match=r"cannot write .*words"):
        vocabulary.keep(tmp_path / "words" / "words", ("a",))


def test_a_run_knows_its_words(plan, tmp_path):
    """Trained, loaded, gone on with: on captions, not on the words of the recipe."""
    run = ganzoo.train(plan.recipe, run_dir=tmp_path / "run", device="cpu")
    words = tuple((tmp_path / "run" / "vocabulary.txt").read_text().splitlines())
    assert {"a", "red", "circle"} <= set(words)
    assert run.load().text_encoder.known == words
    longer = plan.recipe.set("training.gan.steps", 3)
    ganzoo.train(longer, run_dir=tmp_path / "run", resume=True)
    assert run.load().text_encoder.known == words
    (tmp_path / "run" / "vocabulary.txt").unlink()
    with pytest.raises(GanzooError, match=r"the run folder is damaged: .*vocabulary\.txt"):
        run.load()
