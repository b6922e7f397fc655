"""The conformance kit: what ganzoo promises of every component, checked for a plugin's own in two lines.

    from ganzoo.testing import conformance
    test_conformance = conformance("my_plugin")

That is a parametrised pytest test, one case for each component and check. Components are built at their
`tiny` options, at odd, unequal sizes, and once more where another value of an option changes what they
require. Which checks apply follows from what a component declares.

Every component
    options               pydantic checks every option; unknown ones are refused; the `tiny` ones are legal
    documentation         `source` says where it comes from, the docstring explains every option
    needs                 every need is a word of the vocabulary
Encoders, conditionings, stages, discriminators
    specs                 what it gives has the sizes it declares
    starvation            it reads nothing but what it requires
    gradients             a gradient reaches every parameter and every declared input, but boxes and keypoints
    placement             other boxes or keypoints, where declared, change what it gives
    double_precision      in float64 it computes in float64
    mixed_precision       under bf16 autocast it gives finite numbers
    device_moves          on another device it computes there (not asked of text encoders)
    determinism           the same inputs, the same outputs; nothing draws for itself
    state_dict            another build with its state dict gives the same outputs
    independence          a row alone gives what it gives in company (not asked of discriminators)
    stillness             an update changes what it trains, and not a bit of anything else
    effects               every option changes something
    tokens, padding       text encoders: ids are 0 past a caption's end; more padding changes nothing
    pixels                image encoders: the first layer is given pixels as `mean` and `std` say
    code_widths           discriminators: codes of any width
    heads                 discriminators: the unconditional head does not read the code
    second_derivatives    discriminators: gradient penalties can differentiate them twice
    features_apart        discriminators: features of several batches together are those of each by itself
Losses
    updates               it serves in the updates it names, with a gradient to their weights
    scalars               a finite scalar, the same again, without `weight` in it, without draws of its own
    starvation            it reads nothing of a step but what it requires
    steps                 a real training step changes weights and keeps them finite
    stillness             its update changes what it trains, and not a bit of anything else
    effects               every option changes something
    rotated_captions      rotating the captions changes a loss that reads who is with whom
    mismatched_pairs      what a matching-aware loss calls wrong is no picture with its own caption
    swapped               swapping real and fake changes a discriminator's loss that reads both
    mixtures              mixtures of real and fake have a coefficient for each row
    linear_penalty        a gradient penalty of a linear discriminator is what its formula says
    divergence            a loss of the code's Gaussian is 0 for a standard normal, above 0 elsewhere
Metrics
    judging               finite numbers of what it declares, the same again; `decides` is one
    ratios                where its numbers are ratios over rows, these are its numbers
Data sets
    examples              keys, captions, arrays and pictures are as declared; splits share nothing
    effects               every option changes something
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from functools import partial

from ganzoo import plugins
from ganzoo.components import KINDS, Component
from ganzoo.errors import GanzooError
from ganzoo.testing.conformance import data, known_values, losses, metrics, modules, options, pairing, pixels
from ganzoo.testing.conformance.apart import features_apart
from ganzoo.testing.conformance.effects import effects
from ganzoo.testing.conformance.harness import HARNESSES, Harness
from ganzoo.testing.conformance.stillness import stillness
from ganzoo.testing.conformance.subject import Subject
from ganzoo.testing.conformance.variants import variants

__all__ = ["conformance", "examine"]

Check = Callable[[Subject], None]
ModuleCheck = Callable[[Harness], None]

_EVERY: tuple[Check, ...] = (options.options, options.documentation, options.needs)
_LOSS: tuple[Check, ...] = (
    losses.updates, losses.scalars, losses.starvation, losses.steps, stillness, effects,
    pairing.rotated_captions, pairing.mismatched_pairs, pairing.swapped, pairing.mixtures,
    known_values.linear_penalty, known_values.divergence,
)  # fmt: skip
_OF_KIND: Mapping[str, tuple[Check, ...]] = {
    "losses": _LOSS,
    "datasets": (data.examples, effects),
    "metrics": (metrics.judging, metrics.ratios),
} | dict.fromkeys(HARNESSES, (stillness, effects))

_MODULE: tuple[ModuleCheck, ...] = (
    modules.specs, modules.starvation, modules.gradients, modules.placement, modules.double_precision,
    modules.mixed_precision, modules.determinism, modules.state_dict,
)  # fmt: skip
_OF_MODULE: Mapping[str, tuple[ModuleCheck, ...]] = {
    "text_encoders": (*_MODULE, modules.independence, modules.tokens, modules.padding),
    "image_encoders": (*_MODULE, modules.independence, modules.device_moves, pixels.pixels),
    "conditionings": (*_MODULE, modules.independence, modules.device_moves),
    "stages": (*_MODULE, modules.independence, modules.device_moves),
    "discriminators": (
        *_MODULE, modules.device_moves, modules.code_widths, modules.heads, modules.second_derivatives,
        features_apart,
    ),
}  # fmt: skip


def conformance(
    prefix: str,
    *,
    extras: Mapping[str, tuple[int, ...]] | None = None,
    unfelt: Mapping[str, Collection[str]] | None = None,
) -> Callable[..., None]:
    """A pytest test of every component that plugin `prefix` offers.

    `extras`: shapes, without the batch axis, of the tensors in `Condition.extra` that its components need.
    `unfelt`: by a component's name without the prefix, options whose effect cannot show at `tiny` sizes.
    Raises GanzooError where no such plugin is installed, where it is broken, offers no component, or none of
    a name in `unfelt`.
    """
    import pytest

    cases = [
        pytest.param(check, id=f"{subject.kind}-{subject.label.rpartition('/')[2]}-{name}".replace(" ", "-"))
        for offered in _subjects(prefix, extras or {}, unfelt or {})
        for subject, name, check in _checks(offered)
    ]

    @pytest.mark.parametrize("check", cases)
    def test_conformance(check: Callable[[], None]) -> None:
        check()

    return test_conformance


def examine(
    cls: type[Component],
    name: str,
    *,
    extras: Mapping[str, tuple[int, ...]] | None = None,
    unfelt: Collection[str] = (),
) -> None:
    """Every check of one component class, called `name` in messages; AssertionError at the first fault."""
    for _, _, check in _checks(Subject(name, cls, extras or {}, frozenset(unfelt))):
        check()


def _subjects(
    prefix: str, extras: Mapping[str, tuple[int, ...]], unfelt: Mapping[str, Collection[str]]
) -> Iterator[Subject]:
    registry = plugins.load()
    problems = [problem for problem in registry.check() if problem.plugin.prefix == prefix]
    if problems:
        raise GanzooError("\n".join(str(problem) for problem in problems))
    offered = [
        Subject(name, cls, extras, frozenset(unfelt.get(name.removeprefix(f"{prefix}/"), ())))
        for kind in KINDS
        for name, cls in registry.components(kind).items()
        if name.startswith(f"{prefix}/")
    ]
    if not offered:
        known = ", ".join(plugin.prefix for plugin in registry.plugins)
        raise GanzooError(f"no installed plugin `{prefix}` offers a component; installed: {known}")
    names = {subject.name.removeprefix(f"{prefix}/") for subject in offered}
    for name in sorted(set(unfelt) - names):
        raise GanzooError(f"unfelt names `{name}`, but {prefix} offers only {', '.join(sorted(names))}")
    yield from offered


def _checks(offered: Subject) -> Iterator[tuple[Subject, str, Callable[[], None]]]:
    """The checks of one component by name, each on its own; most of them again where it has other needs."""
    for check in _EVERY:
        yield offered, check.__name__, partial(check, offered)
    for subject in (offered, *variants(offered)):
        for module_check in _OF_MODULE.get(subject.kind, ()):
            yield subject, module_check.__name__, partial(_harnessed, module_check, subject)
        for check in _OF_KIND.get(subject.kind, ()):
            if subject is offered or check is not effects:
                yield subject, check.__name__, partial(check, subject)


def _harnessed(check: ModuleCheck, subject: Subject) -> None:
    check(HARNESSES[subject.kind](subject))
