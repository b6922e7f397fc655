"""A training that begins with a later phase, on the encoders of another run and the words that these know."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from torch import Tensor

from ganzoo import checkpoint, vocabulary
from ganzoo.assemble import assemble
from ganzoo.errors import GanzooError, did_you_mean
from ganzoo.misfits import use
from ganzoo.model import Model
from ganzoo.plan import Plan
from ganzoo.plugins import load as load_plugins
from ganzoo.recipe import Recipe
from ganzoo.run import Run

log = logging.getLogger("ganzoo")

PLACES = ("text", "image")
SHOWN = 10  # unknown words named in a message


def beginning_with(recipe: Recipe, phase: str, encoders: bool) -> Recipe:
    """`recipe` without the phases before `phase`. `encoders`: those that they train are there.

    Raises GanzooError for an unknown phase, and where a phase that is left out trains more than encoders, or
    encoders when there are none to take over.
    """
    if phase not in recipe.phases:
        hint = did_you_mean(phase, recipe.phases) or f"; it has {', '.join(recipe.phases)}"
        raise GanzooError(f"{recipe.name} has no phase `{phase}` to begin with{hint}")
    for name in list(recipe.phases)[: list(recipe.phases).index(phase)]:
        trained = list(recipe.phases[name].updates)
        if trained != ["encoders"]:
            raise GanzooError(
                f"{recipe.name} cannot begin with phase {phase}: phase {name} before it trains the "
                f"{' and the '.join(trained)}, and only encoders can be taken from another run"
            )
        if not encoders:
            raise GanzooError(
                f"{recipe.name} cannot begin with phase {phase} without trained encoders, which phase {name} "
                "would make; name the run to take them from: `--encoders RUN`"
            )
        recipe = recipe.set(f"training.{name}", None)
    return recipe


@dataclass(frozen=True, eq=False)
class Encoders:
    """The encoders of a run's newest checkpoint: weights by the model's names, the words that they know."""

    where: Path
    weights: Mapping[str, Tensor]
    words: tuple[str, ...] | None
    vocabulary: Path
    named: tuple[str, ...] | None

    @classmethod
    def of(cls, run: Run, plan: Plan) -> Encoders:
        """Those of `run`, for `plan`.

        Raises GanzooError where the run has none that were trained, or where its encoders are not those that
        the plan asks for.
        """
        theirs = assemble(run.recipe, load_plugins())
        _check_same(run, theirs, plan)
        trained = any(update.name == "encoders" for phase in theirs.phases for update in phase.updates)
        if not trained and not run.settings.get("encoders"):
            raise GanzooError(f"{run.path} has no encoders to take over: no phase of it trains any")
        own = [f"{place}_encoder." for place in PLACES if (e := getattr(plan, place)) and not e.pretrained]
        if not own:
            raise GanzooError(
                f"{plan.recipe.name} has no encoders to take over: its own come with their weights"
            )
        saved = checkpoint.load(run.newest, optimizers=False)
        weights = {name: value for name, value in saved.weights.items() if name.startswith(tuple(own))}
        named = plan.text.vocabulary_of(()) if plan.text.learns_words else None
        words = vocabulary.kept(run.vocabulary, plan)
        return cls(run.newest, weights, words, run.vocabulary, named or None)

    def words_for(self, captions: Sequence[str], plan: Plan) -> tuple[str, ...] | None:
        """The words that they know; None where they need none.

        Raises GanzooError where the recipe names others, or the training captions have others and the recipe
        names none.
        """
        if self.words is None:
            return None
        if self.named is not None:
            if self.named != self.words:
                raise GanzooError(
                    f"{plan.recipe.name} names a vocabulary of {len(self.named)} words, {self.vocabulary} "
                    f"has {len(self.words)}{_first_other(self.named, self.words)}; leave `text.vocabulary` "
                    "out to take over the run's own"
                )
            return self.words
        unknown = sorted(set(plan.text.vocabulary_of(captions)) - set(self.words))
        if unknown:
            more = f" and {len(unknown) - SHOWN} more" if len(unknown) > SHOWN else ""
            raise GanzooError(
                f"the encoders in {self.where} do not know {len(unknown)} words of the training captions: "
                f"{', '.join(unknown[:SHOWN])}{more}. Train encoders on these captions, or leave the words "
                f"out with `--set text.vocabulary={self.vocabulary}`"
            )
        return self.words

    def fill(self, model: Model) -> None:
        """Give the model these weights. Raises GanzooError where they do not fit it."""
        state = model.state_dict()
        prefixes = tuple({name.split(".")[0] + "." for name in self.weights})
        own = {name: value for name, value in state.items() if name.startswith(prefixes)}
        checkpoint.check_fit(own, self.weights, self.where)
        model.load_state_dict({**state, **self.weights})
        log.info("the encoders are those of %s", self.where)


def _check_same(run: Run, theirs: Plan, plan: Plan) -> None:
    """Raise GanzooError listing in what the run's encoders are other ones than the plan's."""
    problems = []
    for place in PLACES:
        mine, other = getattr(plan, place), getattr(theirs, place)
        if mine is None:
            continue
        if type(mine) is not type(other):
            here, there = (use(getattr(p.recipe, place)) for p in (plan, theirs))
            problems.append(f"{place}: {there} there, here {here}")
            continue
        options = {option.name for option in fields(mine)} - mine.free
        problems += [
            f"{place}.{name}: {getattr(other, name)} there, here {getattr(mine, name)}"
            for name in sorted(options)
            if getattr(mine, name) != getattr(other, name)
        ]
    if problems:
        listed = "\n  ".join(problems)
        raise GanzooError(f"the encoders of {run.path} are not those of {plan.recipe.name}:\n  {listed}")


def _first_other(one: Sequence[str], other: Sequence[str]) -> str:
    """The first place at which two vocabularies differ."""
    for number, (mine, theirs) in enumerate(zip(one, other, strict=False), 1):
        if mine != theirs:
            return f", and word {number} is {mine!r} there, {theirs!r} here"
    return ""
