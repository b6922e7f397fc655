"""What fits what: every pair of components, tried in the smallest model that holds it.

All else in that model is a stand-in that gives what its neighbours need, so a misfit is the pair's own. Data
sets are tried with the options of every recipe that names them too: what a folder offers is said there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cached_property
from itertools import combinations, product
from typing import Any

from pydantic import TypeAdapter

from ganzoo import catalogue
from ganzoo.assemble import assemble
from ganzoo.components import Component, TextEncoder
from ganzoo.misfits import MismatchError
from ganzoo.plan import Plan
from ganzoo.plugins import Registry
from ganzoo.recipe import Recipe
from ganzoo.specs import ConditionSpec, ImageSpec, StageGiven, StageSpec
from ganzoo.testing.conformance.standins import STANDINS, WORD

KINDS = (
    "datasets", "text_encoders", "image_encoders", "conditionings", "stages", "discriminators", "losses",
)  # fmt: skip
UPDATES = ("discriminator", "generator", "encoders")
SIDES = (16, 32, 64)  # of the coarsest picture in pixels; the first at which a pair fits
NOISE, WIDTH = 7, 16


@dataclass(frozen=True)
class Mix:
    """What is chosen of a model; None and nothing are for stand-ins.

    `stages`: those at its end, the last of them judged by `discriminator`. `update`: the one in which losses
    serve; None = in each of theirs.
    """

    datasets: str | None = None
    text_encoders: str | None = None
    image_encoders: str | None = None
    conditionings: str | None = None
    stages: tuple[str, ...] = ()
    discriminators: str | None = None
    losses: frozenset[str] = frozenset()
    update: str | None = None

    def pairs(self) -> Iterator[Pair]:
        """The pairs it holds; of its stages the last meets the others."""
        found = [(kind, getattr(self, kind)) for kind in KINDS[:4] if getattr(self, kind)]
        found += [("stages", self.stages[-1])] if self.stages else []
        found += [("discriminators", self.discriminators)] if self.discriminators else []
        found += [("losses", name) for name in sorted(self.losses)]
        for (one, name), (other, partner) in combinations(found, 2):
            yield Pair((one, other), (name, partner))
        if len(self.stages) == 2:
            yield Pair(("stages", "stages"), (self.stages[0], self.stages[1]))

    def joined(self, other: Mix) -> Mix | None:
        """Both in one model; None where they choose differently."""
        chosen: dict[str, Any] = {}
        for slot in (field.name for field in fields(self)):
            mine, theirs = getattr(self, slot), getattr(other, slot)
            if slot == "losses":
                chosen[slot] = mine | theirs
            elif mine and theirs and mine != theirs:
                return None
            else:
                chosen[slot] = mine or theirs
        return Mix(**chosen)


@dataclass(frozen=True)
class Pair:
    """Two components by kind and name. Two stages: the second behind the first. A loss and an update, too."""

    kinds: tuple[str, str]
    names: tuple[str, str]

    @property
    def mix(self) -> Mix:
        """The model's choices that hold this pair and nothing else."""
        (one, other), (name, partner) = self.kinds, self.names
        if other == "updates":
            return Mix(losses=frozenset({name}), update=partner)
        if self.kinds == ("stages", "stages"):
            return Mix(stages=(name, partner))
        if self.kinds == ("losses", "losses"):
            return Mix(losses=frozenset({name, partner}))
        return Mix(**{one: _slot(one, name), other: _slot(other, partner)})


def _slot(kind: str, name: str) -> Any:
    return (name,) if kind == "stages" else frozenset({name}) if kind == "losses" else name


class Mixing:
    """The components of `registry` in pairs."""

    def __init__(self, registry: Registry) -> None:
        self.registry = _WithStandIns(registry)
        self.names = {kind: sorted(registry.components(kind)) for kind in KINDS}
        self._components: dict[tuple[str, str], Any] = {}

    @cached_property
    def pairs(self) -> list[Pair]:
        """Every pair, in a stable order."""
        found = [
            Pair((one, other), names)
            for one, other in combinations(KINDS, 2)
            for names in product(self.names[one], self.names[other])
        ]
        stages = self.names["stages"]
        found += [Pair(("stages", "stages"), names) for names in product(stages, stages)]
        found += [Pair(("losses", "losses"), names) for names in combinations(self.names["losses"], 2)]
        return found + [Pair(("losses", "updates"), n) for n in product(self.names["losses"], UPDATES)]

    @cached_property
    def verdicts(self) -> dict[Pair, str | None]:
        """For each pair that does not fit, why not and what would help, in a sentence; None where it fits."""
        return {pair: self._verdict(pair) for pair in self.pairs}

    def _verdict(self, pair: Pair) -> str | None:
        try:
            self.plan(pair.mix)
        except MismatchError as error:
            return error.sentences[0]
        return None

    def plan(self, mix: Mix) -> Plan:
        """The smallest model with these choices. Raises the MismatchError of its plainest form."""
        plainest: MismatchError | None = None
        for recipe in self._recipes(mix):
            try:
                return assemble(recipe, self.registry)
            except MismatchError as error:
                plainest = plainest or error
        assert plainest is not None
        raise plainest

    def shared(self) -> Iterator[tuple[Mix, Plan]]:
        """Models that together hold every pair that fits: each as many as go together."""
        left = [pair for pair, sentence in self.verdicts.items() if sentence is None]
        left = [pair for pair in left if pair.kinds[1] != "updates"]  # a loss serves in each of its own
        while left:
            mix, rest = self._gathered(left)
            plan = self._planned(mix)
            if plan is None:  # each pair fits, but not all of them together
                mix, rest = self._gathered(left, together=True)
                plan = self._planned(mix)
            assert plan is not None
            yield mix, plan
            left = rest

    def _gathered(self, pairs: list[Pair], *, together: bool = False) -> tuple[Mix, list[Pair]]:
        """One model's choices for as many pairs as go, and the pairs that are left.

        `together`: that all its choices fit together is tried at each, not only that any two do.
        """
        mix, rest = Mix(), []
        for pair in pairs:
            both = mix.joined(pair.mix)
            if both is None or (both != mix and not self._goes(both, together)):
                rest.append(pair)
            else:
                mix = both
        return mix, rest

    def _goes(self, mix: Mix, together: bool) -> bool:
        return all(self.verdicts[pair] is None for pair in mix.pairs()) and (
            not together or self._planned(mix) is not None
        )

    def _planned(self, mix: Mix) -> Plan | None:
        try:
            return self.plan(mix)
        except MismatchError:
            return None

    # -- recipes ----------------------------------------------------------------------------

    def _recipes(self, mix: Mix) -> Iterator[Recipe]:
        for options, side in product(self._data_options(mix.datasets), SIDES):
            yield Recipe("mix", self._tree(mix, options, side), {(): "the mix"})

    def component(self, kind: str, name: str) -> Any:
        """The component of that name with its `tiny` options."""
        if (kind, name) not in self._components:
            cls = self.registry.get(kind, name)
            self._components[kind, name] = TypeAdapter(cls).validate_python(dict(cls.tiny))
        return self._components[kind, name]

    def node(self, kind: str, name: str, **options: Any) -> dict[str, Any]:
        """It in a recipe."""
        return {"use": name, **self.registry.get(kind, name).tiny, **options}

    def _data_options(self, name: str | None) -> list[dict[str, Any]]:
        """None, then those of each recipe that names the data set."""
        if name is None:
            return [{}]
        return [{}, *self._in_recipes.get(name, [])]

    @cached_property
    def _in_recipes(self) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for recipe in catalogue.load(self.registry.real).recipes.values():
            if recipe.data and recipe.data.options not in found.setdefault(recipe.data.use, []):
                found[recipe.data.use].append(recipe.data.options)
        return found

    def _tree(self, mix: Mix, data: dict[str, Any], side: int) -> dict[str, Any]:
        text: TextEncoder = self.component("text_encoders", mix.text_encoders or "kit/text")
        losses = [self.component("losses", name) for name in sorted(mix.losses)]
        needs = frozenset[str]().union(*(loss.requires() for loss in losses))
        tree: dict[str, Any] = {
            "data": self._data(mix, data),
            "text": self.node("text_encoders", mix.text_encoders or "kit/text"),
            "conditioning": self.node("conditionings", mix.conditionings or "kit/code"),
            "noise": NOISE,
            "stages": self._stages(mix, side, two="stages" in needs),
            "training": self._training(mix, 2 if "samples_per_caption" in needs else 1),
        }
        if mix.image_encoders:
            tree["image"] = self.node("image_encoders", mix.image_encoders)
            if not mix.text_encoders:
                seen: ImageSpec = self.component("image_encoders", mix.image_encoders).yields()
                tree["text"] |= {"sentence": seen.vector, "word": seen.regions or WORD}
        elif needs & {"image_vector", "image_regions"}:
            said = text.yields()
            tree["image"] = {"use": "kit/image", "vector": said.sentence, "regions": said.words or WORD}
        return tree

    def _data(self, mix: Mix, options: dict[str, Any]) -> dict[str, Any]:
        if mix.datasets:
            return self.node("datasets", mix.datasets, **options)
        text: TextEncoder = self.component("text_encoders", mix.text_encoders or "kit/text")
        reads = "embedding" in text.requires()
        return {"use": "kit/data", "embedding": text.yields().sentence if reads else 0}

    def _stages(self, mix: Mix, side: int, *, two: bool) -> list[dict[str, Any]]:
        """The chosen ones at the end, behind a stand-in where they need one before them."""
        judge = self.component("discriminators", mix.discriminators or "kit/two_headed")
        chain = mix.stages or ("kit/points" if judge.judges == "keypoints" else "kit/picture",)
        follows = bool(self.component("stages", chain[0]).requires() & {"image", "hidden"})
        if follows or (two and len(chain) == 1):
            chain = ("kit/picture", *chain)
        found = []
        for level, name in enumerate(chain):
            sized = {"side", "resolution"} & {
                field.name for field in fields(self.registry.get("stages", name))
            }
            last = level == len(chain) - 1
            judge = mix.discriminators if last and mix.discriminators else self._judge_of(name)
            stage = self.node("stages", name, **dict.fromkeys(sized, side * 2**level))
            found.append({"stage": stage, "discriminator": self.node("discriminators", judge)})
        return found

    def _judge_of(self, stage: str) -> str:
        """The stand-in that judges what a stage draws."""
        return "kit/points_judge" if stage in ("kit/points", *self._drawing_points) else "kit/two_headed"

    @cached_property
    def _drawing_points(self) -> list[str]:
        condition = ConditionSpec(WIDTH, WIDTH, gaussian=True, words=WIDTH, boxes=True, keypoints=2)
        given = StageGiven(NOISE, condition, StageSpec(WIDTH, WIDTH))
        return [n for n in self.names["stages"] if self.component("stages", n).yields(given).keypoints]

    def _training(self, mix: Mix, copies: int) -> dict[str, Any]:
        served = {update: [self.node("losses", "kit/push")] for update in UPDATES[:2]} | {"encoders": []}
        for name in sorted(mix.losses):
            for update in [mix.update] if mix.update else sorted(self.component("losses", name).updates):
                served[update].append(self.node("losses", name))
        updates = {
            update: {"optimizer": {"use": "core/adam"}, "losses": losses} for update, losses in served.items()
        }
        encoders = updates.pop("encoders")
        gan = {"steps": 2, "samples_per_caption": copies, "updates": updates}
        first = {"steps": 2, "samples_per_caption": copies, "updates": {"encoders": encoders}}
        return ({"encoders": first} if encoders["losses"] else {}) | {"gan": gan}


class _WithStandIns(Registry):
    """The components of `real`, and stand-ins, which no message recommends."""

    def __init__(self, real: Registry) -> None:
        super().__init__([])
        self.real = real

    def components(self, kind: str) -> Any:
        return self.real.components(kind)

    def get(self, kind: str, name: str) -> type[Component]:
        return STANDINS[name] if name in STANDINS else self.real.get(kind, name)
