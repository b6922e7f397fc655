"""`eval`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganzoo.cli.options import Device
from ganzoo.console import say, say_table

if TYPE_CHECKING:
    from ganzoo.evaluation.scores import Score

Metrics = Annotated[
    str | None,
    typer.Option(
        metavar="NAMES",
        help="As in fd,kid@inception,clip_score [default: what fits]. `ganzoo list metrics` has all.",
    ),
]
Samples = Annotated[
    int | None, typer.Option(metavar="N", min=2, help="Pictures drawn [default: one a held-out caption].")
]


def evaluate(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    metrics: Metrics = None,
    data: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Its data, where it has moved.")] = None,
    samples: Samples = None,
    seed: Annotated[int, typer.Option(metavar="N", min=0, help="Another seed, other draws.")] = 0,
    checkpoint: Annotated[
        str, typer.Option(metavar="[newest|best|step-...]", help="Whose weights draw.")
    ] = "newest",
    floors: Annotated[
        bool, typer.Option("--floors/--no-floors", help="Also measure real pictures in their place.")
    ] = True,
    out: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Keep the scores there, as results.json.")
    ] = None,
    gallery: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="A picture of the 20 drawn ones nearest to training pictures."),
    ] = None,
    device: Device = None,
) -> None:
    """Measure a trained model on held-out captions.

    Each number has its 95 % interval over samples, what real pictures get in the place of drawn ones, and the
    id of all that it depends on: numbers of different ids must not be compared.
    """
    from ganzoo.bench.single import evaluate_run
    from ganzoo.progress import show_log

    show_log()
    found = evaluate_run(
        run, names_of(metrics), data, samples=samples, seed=seed, which=checkpoint, device=device or "auto",
        floors=floors, gallery=gallery, out=out,
    )  # fmt: skip
    row = found.rows[0]
    say_table(("score", "value", "95 %", "real", "better", "id"), [shown(score) for score in row.scores])
    for score in row.scores:
        if score.leaks and score.decides:
            say(f"{score.name} leaks: {score.leaks}")
    say("{samples} samples of {data}, {split} split".format(**row.scores[0].protocol))
    if gallery:
        say(f"{gallery}: drawn pictures beside the training pictures nearest to them")
    if out:
        say(f"{out / 'results.json'}: `ganzoo compare` reads it")


def names_of(metrics: str | None) -> list[str] | None:
    """`fd,kid@inception` as names; None where none is given."""
    return None if metrics is None else [name.strip() for name in metrics.split(",")]


def shown(score: Score) -> tuple[str, ...]:
    """A score as a row of a table."""
    sure = "" if score.low is None or score.high is None else f"{score.low:.4g} .. {score.high:.4g}"
    floor = "" if score.floor is None else f"{score.floor:.4g}"
    mark = " (leaks)" if score.leaks else ""
    return (
        score.name + mark, f"{score.value:.4g}", sure, floor, "lower" if score.lower_is_better else "higher",
        score.id,
    )  # fmt: skip
