"""`sample`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ganzoo.cli.options import Device
from ganzoo.console import say
from ganzoo.errors import GanzooError


def sample(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder.")],
    captions: Annotated[list[str] | None, typer.Argument(metavar="CAPTION", help="What to draw.")] = None,
    file: Annotated[
        Path | None, typer.Option("--captions", metavar="FILE", help="More captions, one a line.")
    ] = None,
    seeds: Annotated[str, typer.Option(metavar="SEEDS", help="As in 0-7 or 1,5,9.")] = "0-7",
    out: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="A picture; with --separate a folder [default: samples.png]."),
    ] = None,
    separate: Annotated[bool, typer.Option("--separate", help="One file a picture.")] = False,
    stages: Annotated[bool, typer.Option("--stages", help="Every stage's picture, side by side.")] = False,
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Captions drawn at a time.")] = 64,
    checkpoint: Annotated[
        str, typer.Option(metavar="[newest|best|step-...]", help="Whose weights draw.")
    ] = "newest",
    device: Device = None,
) -> None:
    """Draw captions with a trained model.

    A labelled grid, a row a caption, a column a seed; or one file a picture.
    """
    from ganzoo.progress import counting, show_log
    from ganzoo.run import Run

    show_log()
    opened = Run.open(run)
    from ganzoo import sample as s

    wanted = [*(captions or []), *(s.read_captions(file) if file else [])]
    numbers = s.parse_seeds(seeds)
    out = out or Path("samples" if separate else "samples.png")
    s.check_captions(wanted)
    if stages and separate:
        raise GanzooError("`--stages` puts stages side by side in a grid; leave out `--separate`")
    shown = len(numbers) * (len(opened.recipe.stages) if stages else 1)
    s.check_out(out, separate, len(wanted), shown)
    model = s.prepare(opened.load(checkpoint), device or "auto")
    if separate:
        with counting("drawing") as progress:
            count = s.draw_separate(model, wanted, numbers, out, batch, progress)
        return say(f"{out}: {count} pictures")
    if stages:
        drawn = s.sample_stages(model, wanted, numbers, batch)
        s.save_stages(drawn, wanted, numbers, model.plan.resolutions, out)
    else:
        s.save_grid(s.sample(model, wanted, numbers, batch), wanted, numbers, out)
    say(f"{out}: {len(wanted)} captions, {len(numbers)} seeds")
