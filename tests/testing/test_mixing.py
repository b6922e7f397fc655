"""Any component beside any other: a model that trains, or a sentence that says what is lacking."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
import torch
from torch import nn

from ganzoo.components import Stage
from ganzoo.flow import StageOutput
from ganzoo.plugins import Registry
from ganzoo.plugins import load as load_plugins
from ganzoo.specs import StageSpec
from ganzoo.testing.mixing import Mix, Mixing, Pair
from ganzoo.testing.two_steps import two_steps

MIXING = Mixing(load_plugins())
SHARED = list(MIXING.shared())
REMEDY = re.compile(r"; installed [\w ]+ that (give it|judge \w+): .+|; set `|; let the phase |; give ")
LACK = re.compile(r" needs `\w+`; | judges \w+; ")


@pytest.mark.parametrize("mix, plan", SHARED, ids=[str(number) for number in range(len(SHARED))])
def test_what_fits_takes_two_steps(mix, plan):
    assert plan.phases
    two_steps(plan)


def test_every_pair_that_fits_was_in_one_of_them():
    fits = {pair for pair, sentence in MIXING.verdicts.items() if sentence is None}
    held = {pair for mix, _ in SHARED for pair in mix.pairs()}
    assert len(fits) > 600
    assert {pair for pair in fits if pair.kinds[1] != "updates"} == held


def test_every_update_that_fits_was_in_one_of_them():
    fits = {p.names for p, said in MIXING.verdicts.items() if said is None and p.kinds[1] == "updates"}
    taken = {
        (name, update.name)
        for _, plan in SHARED
        for phase in plan.phases
        for update in phase.updates
        for name, _ in update.losses
    }
    assert fits <= taken


MISFITS = [(pair, sentence) for pair, sentence in MIXING.verdicts.items() if sentence]


@pytest.mark.parametrize("pair, sentence", MISFITS, ids=["+".join(pair.names) for pair, _ in MISFITS])
def test_what_does_not_fit_says_why_in_a_sentence(pair, sentence):
    """Who lacks what, who fails to give it, and what would; a loss in the wrong update: which are its own."""
    assert "\n" not in sentence and len(sentence) < 400
    assert pair.names[0].split("/")[-1] in sentence and pair.names[1].split("/")[-1] in sentence
    if pair.kinds[1] == "updates":
        assert "is a loss for the" in sentence
    else:
        assert "kit/" not in sentence and LACK.search(sentence) and REMEDY.search(sentence)


def test_misfits_are_the_pairs_own():
    """Known ones, and known fits, so that a mistake in the walk shows."""
    verdicts = {pair.names: sentence for pair, sentence in MIXING.verdicts.items()}
    assert verdicts["gan_int_cls/generator", "attngan/attend"].startswith(
        "stages[1] attngan/attend needs `hidden`; gan_int_cls/generator does not give it; "
    )
    assert verdicts["gan_int_cls/generator", "stackgan/stage2"] is None
    assert verdicts["stackgan/initial", "attngan/attend"] is None
    assert verdicts["minilm/text", "attngan/attend"] is None
    assert verdicts["core/precomputed", "attngan/attend"] is not None


@dataclass(frozen=True, kw_only=True)
class Halved(Stage):
    """A picture of the code; with `cut` half of its weights never learn."""

    needs: ClassVar = frozenset({"generator_code"})
    source: ClassVar[str] = "this test"
    side: int = 16
    cut: bool = True

    def yields(self, given):
        return StageSpec(self.side)

    def build(self, given):
        return _Halved(given.condition.generator_code, self.side, self.cut)


class _Halved(nn.Module):
    def __init__(self, width: int, side: int, cut: bool) -> None:
        super().__init__()
        self.used, self.unused = nn.Linear(width, 3 * side**2), nn.Linear(width, 3 * side**2)
        self.side, self.cut = side, cut

    def forward(self, previous, condition, noise):
        other = self.unused(condition.generator_code)
        pixels = self.used(condition.generator_code) + (other.detach() if self.cut else other)
        return StageOutput(torch.tanh(pixels).view(-1, 3, self.side, self.side))


class _One(Registry):
    def __init__(self, stage: type[Stage], tiny: Mapping[str, Any]) -> None:
        super().__init__([])
        stage.tiny = tiny
        self.stage = stage

    def components(self, kind: str) -> Any:
        return {"my/halved": self.stage} if kind == "stages" else {}

    def get(self, kind: str, name: str) -> Any:
        return self.stage


def test_a_weight_that_no_gradient_reaches_is_found():
    broken = Mixing(_One(Halved, {"cut": True}))
    with pytest.raises(
        AssertionError, match=r"no gradient reaches stages\.0\.unused\.bias, stages\.0\.unused"
    ):
        two_steps(broken.plan(Mix(stages=("my/halved",))))
    sound = Mixing(_One(Halved, {"cut": False}))
    two_steps(sound.plan(Mix(stages=("my/halved",))))


def test_choices_that_differ_are_not_joined():
    one = Pair(("text_encoders", "losses"), ("a/text", "a/loss")).mix
    other = Pair(("text_encoders", "losses"), ("b/text", "a/loss")).mix
    assert one.joined(other) is None
    both = one.joined(Pair(("stages", "losses"), ("a/stage", "b/loss")).mix)
    assert both == Mix(text_encoders="a/text", stages=("a/stage",), losses=frozenset({"a/loss", "b/loss"}))
