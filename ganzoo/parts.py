"""The parts of a plan by their roles, with full names and sizes: what is printed and drawn of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ganzoo.components import Component, Loss
    from ganzoo.plan import PhasePlan, Plan, UpdatePlan
    from ganzoo.recipe import Node


@dataclass(frozen=True)
class Part:
    """A component in its place. `role`: "stage 0"; `use`: its full name; the others: words with sizes."""

    role: str
    use: str
    component: Component
    needs: tuple[str, ...]
    gives: tuple[str, ...]


def parts(plan: Plan) -> Iterator[Part]:
    """Data, encoders, conditionings, and each stage with its discriminator, from text to picture."""
    recipe = plan.recipe
    data, text, yielded = plan.data_spec, plan.text_spec, plan.text
    given = {name: _sized(name, getattr(data, name)) for name in sorted(data.offers)}
    yield Part("data", _use(recipe.data), plan.data, (), tuple(given.values()))
    sizes = {"sentence": text.sentence, "words": text.words}
    yield Part("text", _use(recipe.text), yielded, _needs(yielded, given), tuple(_there(sizes)))
    if plan.image:
        spec = plan.image.yields()
        looks = (f"image {plan.resolutions[-1]} px",)
        features = tuple(_there({"vector": spec.vector, "regions": spec.regions}))
        yield Part("image", _use(recipe.image), plan.image, looks, features)
    given |= {name: _sized(name, size) for name, size in sizes.items()}
    yield from _conditionings(plan, given)
    for level, stage in enumerate(plan.stages):
        entry, condition, previous = recipe.stages[level], stage.given.condition, stage.given.previous
        given |= {name: _sized(name, size) for name, size in vars(condition).items() if name != "extra"}
        given |= {"noise": _sized("noise", plan.noise)} | {name: name for name in condition.extra}
        if previous:
            given |= {"image": f"image {previous.image} px", "hidden": f"hidden {previous.hidden}"}
        gives = (f"image {stage.spec.image} px", *_there({"hidden": stage.spec.hidden}))
        yield Part(f"stage {level}", entry.stage.use, stage.component, _needs(stage.component, given), gives)
        if stage.discriminator:
            judge = stage.discriminator
            code = _sized("discriminator_code", condition.discriminator_code)
            seen = (f"image {stage.spec.image} px", code, *_needs(judge, given))
            heads = (f"{' and '.join(sorted(judge.heads))} logits",)
            yield Part(f"discriminator {level}", _use(entry.discriminator), judge, seen, heads)


def _conditionings(plan: Plan, given: Mapping[str, str]) -> Iterator[Part]:
    names = conditioning_roles(plan)
    for number, conditioning in enumerate(plan.conditionings):
        reader = next(level for level, stage in enumerate(plan.stages) if stage.conditioning == number)
        node = plan.recipe.stages[reader].conditioning or plan.recipe.conditioning
        spec, component = conditioning.spec, conditioning.component
        needs = _needs(component, given)
        needs += (f"epsilon {conditioning.epsilon}",) if conditioning.epsilon else ()
        codes = {"generator_code": spec.generator_code, "discriminator_code": spec.discriminator_code}
        words = {"words": spec.words, "gaussian": spec.gaussian} | dict.fromkeys(sorted(spec.extra), True)
        yield Part(names[number], _use(node), component, needs, tuple(_there(codes | words)))


def conditioning_roles(plan: Plan) -> list[str]:
    """`["conditioning"]`, or with a number each where there are several."""
    count = len(plan.conditionings)
    return ["conditioning"] if count == 1 else [f"conditioning {number}" for number in range(count)]


def trained_in(plan: Plan) -> dict[str, list[str]]:
    """The phases that train each part, by its role; parts that none trains are absent."""
    found: dict[str, list[str]] = {}
    for phase in plan.phases:
        for role in trained_by(plan, phase):
            found.setdefault(role, []).append(phase.name)
    return found


def trained_by(plan: Plan, phase: PhasePlan) -> dict[str, str]:
    """What a phase trains: the update's name by the part's role."""
    found: dict[str, str] = {}
    names = conditioning_roles(plan)
    for update in phase.updates:
        if update.name == "encoders":
            encoders = {"text": plan.text, "image": plan.image}
            found |= {role: update.name for role, part in encoders.items() if part and not part.pretrained}
        for level in phase.stages:
            stage = plan.stages[level]
            if update.name == "generator":
                found |= {f"stage {level}": update.name, names[stage.conditioning]: update.name}
            elif update.name == "discriminator" and stage.discriminator:
                found[f"discriminator {level}"] = update.name
    return found


def optimizer_of(plan: Plan, phase: PhasePlan, update: UpdatePlan) -> str:
    """The full name of an update's optimizer."""
    asked = plan.recipe.phases[phase.name].updates
    return {str(name): one.optimizer.use for name, one in asked.items()}[update.name]


def minimised(update: UpdatePlan) -> str:
    """`core/nonsaturating + 2 stackgan/kl`."""
    return " + ".join(weighted(name, loss) for name, loss in update.losses)


def weighted(name: str, loss: Loss) -> str:
    """A loss's name behind its weight, if that is not 1."""
    return name if loss.weight == 1 else f"{loss.weight:g} {name}"


def length(phase: PhasePlan) -> str:
    """`600 epochs` or `12,000 steps`."""
    return f"{phase.epochs:,} epochs" if phase.epochs else f"{phase.steps:,} steps"


def _use(node: Node | None) -> str:
    assert node is not None
    return node.use


def _needs(component: Component, given: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(given[need] for need in sorted(component.requires()))


def _there(sizes: Mapping[str, int | bool]) -> Iterator[str]:
    return (_sized(name, size) for name, size in sizes.items() if size)


def _sized(name: str, size: int | bool) -> str:
    """`generator code 128`; facts without a size are a name: `captions`."""
    said = name.replace("_", " ")
    return said if size is True or name == "captions" else f"{said} {size}"
