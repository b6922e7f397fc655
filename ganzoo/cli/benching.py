"""`bench`: `ganzoo bench MODELS...` compares models, `ganzoo bench speed` times them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from ganzoo.cli import timing
from ganzoo.cli.evaluating import Metrics, Samples, names_of
from ganzoo.cli.options import Device
from ganzoo.console import say, say_table, warn

if TYPE_CHECKING:
    from ganzoo.bench.results import Results, Score

COMPARE = "models"


class _ModelsFirst(TyperGroup):
    """What is no subcommand's name is a model's: `ganzoo bench NAME` is `ganzoo bench models NAME`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in (*self.commands, "--help"):
            args = [COMPARE, *args]
        return list(super().parse_args(ctx, args))


app = typer.Typer(
    cls=_ModelsFirst,
    no_args_is_help=True,
    help="Compare models, or time them with `bench speed`.",
)


@app.command(COMPARE)
def models(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="MODELS", help="Names in the catalogue or their beginnings, recipe files, run folders."
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The data set, as in emoji/emoji [default: the first model's]."),
    ] = None,
    folder: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Where its files are.")] = None,
    budget: Annotated[
        str, typer.Option(metavar="BUDGET", help="Training of each: 20m, 1.5h, 2000steps, 100000images.")
    ] = "20m",
    seeds: Annotated[str, typer.Option(metavar="SEEDS", help="Trainings of each, as in 0-2.")] = "0",
    metrics: Metrics = None,
    samples: Samples = None,
    points: Annotated[
        int, typer.Option(metavar="N", min=0, help="Checkpoints on the way to measure, for curves.")
    ] = 0,
    speed: Annotated[
        Path | None, typer.Option(metavar="FILE", help="What `bench speed --json` wrote, for the report.")
    ] = None,
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Where results and trainings go.")] = Path(
        "bench"
    ),
    device: Device = None,
) -> None:
    """Train models for the same budget, measure all on the same captions and draws, write a report.

    Without names: all of the catalogue that are for --data. Run folders are measured as they are. The same
    command goes on where it was stopped; finished rows are kept.
    """
    from ganzoo.bench import comparison, report
    from ganzoo.bench.terms import Terms
    from ganzoo.progress import show_log
    from ganzoo.sample import parse_seeds

    show_log()
    terms = Terms(
        data=data, folder=folder, budget=budget, seeds=parse_seeds(seeds), metrics=names_of(metrics),
        samples=samples, points=points, speed=speed, device=device or "auto",
    )  # fmt: skip
    found = comparison.bench(names or [], out, terms)
    page = report.write(found, out, out / "report.html")
    say_table(("model", *found.metrics, "trained img/s", "drawn img/s"), _lines(found))
    for row in found.rows:
        if row.state != "done":
            warn(f"{row.name} is {row.state}: {row.reason}")
    say(f"{page}, {out / 'results.json'}")


def _lines(found: Results) -> Iterator[tuple[str, ...]]:
    """Finished rows, best first: name, each metric with its interval, training and drawing speed."""
    from ganzoo.bench.columns import ranking

    placed, others = ranking(found)
    for row in (*placed, *others):
        speed = [training.images_per_second for training in row.trainings]
        trained = f"{sum(speed) / len(speed):.0f}" if speed else ""
        drawn = f"{row.sampling.throughput:.0f}" if row.sampling else ""
        yield (row.name, *(_cell(row.score(name)) for name in found.metrics), trained, drawn)


def _cell(score: Score | None) -> str:
    if score is None:
        return ""
    half = "" if score.high is None else f" ± {score.high - score.value:.2g}"
    return f"{score.value:.4g}{half}{' leaks' if score.leaks else ''}"


app.command()(timing.speed)
