"""What fits, and what it costs: `check`, `plan`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganzoo.cli.options import Changes, Name, recipe_of
from ganzoo.console import say, say_table

if TYPE_CHECKING:
    from ganzoo.costs import Costs, Memory
    from ganzoo.plan import PhasePlan, Plan


def check(
    name: Name,
    changes: Changes = None,
    rehearse: Annotated[
        bool, typer.Option("--rehearse", help="Also train its tiny form for a step.")
    ] = False,
) -> None:
    """Check that a recipe's components fit."""
    from ganzoo.assemble import assemble
    from ganzoo.plugins import load

    recipe, registry = recipe_of(name, changes), load()
    say(f"{assemble(recipe, registry)}\n{recipe.name}: everything fits")
    if rehearse:
        from ganzoo.rehearse import rehearse as run

        for loss, value in run(recipe, registry).items():
            say(f"rehearsed {loss}: {value:.4f}")


def plan(
    name: Name,
    changes: Changes = None,
    graph: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also draw it: an .svg, .pdf or .png.")
    ] = None,
) -> None:
    """Show a recipe's components, sizes and costs.

    Computed from shapes alone. Memory is an estimate in float32: weights, their averages, gradients, the
    optimizer's moments, and what is kept for the backward pass; a CPU was seen to use about a third more.
    Arithmetic counts convolutions and matrix products, two operations for a multiply and add, at a step in
    which every lazy loss is due.
    """
    from ganzoo.assemble import assemble
    from ganzoo.plugins import load

    planned = assemble(recipe_of(name, changes), load())
    if graph is not None:
        from ganzoo.diagram import check_suffix, draw

        check_suffix(graph)
    from ganzoo.costs import costs

    said = costs(planned)
    _say_parts(planned, said)
    for phase in planned.phases:
        _say_phase(planned, phase, said)
    if graph is not None:
        draw(planned, graph)
        say(f"drawn: {graph}")


def _say_parts(plan: Plan, costs: Costs) -> None:
    from ganzoo.parts import parts, trained_in

    trained = trained_in(plan)
    columns = ("part", "component", "needs", "gives", "weights", "trained in")
    rows = []
    for part in parts(plan):
        count, fixed = costs.parameters.get(part.role, 0), costs.fixed.get(part.role, 0)
        when = ", ".join(trained.get(part.role, ["none: frozen"])) if count else ""
        when += f"; {fixed:,} frozen" if fixed else ""
        weights = f"{count + fixed:,}" if count + fixed else ""
        rows.append((part.role, part.use, ", ".join(part.needs), ", ".join(part.gives), weights, when))
    say_table(columns, rows)
    total = sum(costs.parameters.values()) + sum(costs.fixed.values())
    training = sum(count for role, count in costs.parameters.items() if role in trained)
    say(f"{total:,} weights, {training:,} of them trained, {total - training:,} frozen")


def _say_phase(plan: Plan, phase: PhasePlan, costs: Costs) -> None:
    from ganzoo.parts import length, minimised, optimizer_of

    cost = costs.phases[phase.name]
    batch = f"batch {cost.batch}" + (f", {phase.accumulate} a step" if phase.accumulate > 1 else "")
    say(f"\nphase {phase.name}: {length(phase)}, {batch}")
    rows = [
        (
            update.name,
            optimizer_of(plan, phase, update),
            minimised(update),
            _flops(cost.updates[update.name].forward),
            _flops(cost.updates[update.name].backward),
        )
        for update in phase.updates
    ]
    say_table(("update", "optimizer", "minimises", "forward", "backward"), rows)
    for metric, component in phase.measures:
        say(f"measures {metric} on {component.samples} samples")
    how = f", from a step of {cost.rows} examples" if cost.rows < cost.batch else ""
    say(f"memory: about {size_of(cost.memory.total)}{how}: {_shares(cost.memory)}")


def _shares(memory: Memory) -> str:
    return ", ".join(f"{what} {size_of(size)}" for what, size in vars(memory).items() if size)


def size_of(size: int) -> str:
    """`382 MB`."""
    return _unit(size, ("B", "kB", "MB", "GB", "TB"))


def _flops(count: int) -> str:
    return _unit(count, ("FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP"))


def _unit(number: float, units: tuple[str, ...]) -> str:
    """`382 MB`: three digits, decimal prefixes."""
    place = 0
    while number >= 999.5 and place < len(units) - 1:
        number, place = number / 1000, place + 1
    digits = 0 if number >= 99.95 or place == 0 else 1 if number >= 9.995 else 2
    return f"{number:.{digits}f} {units[place]}"
