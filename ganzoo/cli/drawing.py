"""`sample`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganzoo.cli.options import Device
from ganzoo.console import say
from ganzoo.errors import GanzooError

if TYPE_CHECKING:
    from ganzoo.model import Model


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
    attention: Annotated[
        bool, typer.Option("--attention", help="Where each stage looks for each word, beside its picture.")
    ] = False,
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Captions drawn at a time.")] = 64,
    checkpoint: Annotated[
        str, typer.Option(metavar="[newest|best|step-...]", help="Whose weights draw.")
    ] = "newest",
    device: Device = None,
) -> None:
    """Draw captions with a trained model.

    A labelled grid, a row a caption, a column a seed; or one file a picture. With --attention a row for each
    stage of a caption and a seed: its picture, and for each word the same picture, bright where it is looked
    at and dark elsewhere, with its share of all looks.
    """
    from ganzoo.progress import show_log
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
    if stages and attention:
        raise GanzooError("`--attention` shows every stage; leave out `--stages`")
    shown = len(numbers) * (len(opened.recipe.stages) if stages else 1)
    s.check_out(out, separate, len(wanted), shown)
    model = s.prepare(opened.load(checkpoint), device or "auto")
    if attention:
        from ganzoo import attention_maps

        attention_maps.draw(model, wanted, numbers, out, batch, separate=separate)
    else:
        _draw(model, wanted, numbers, out, batch, separate, stages)
    many = f"{len(wanted) * len(numbers)} pictures"
    say(f"{out}: {many if separate else f'{len(wanted)} captions, {len(numbers)} seeds'}")


def _draw(
    model: Model, captions: list[str], seeds: list[int], out: Path, batch: int, separate: bool, stages: bool
) -> None:
    """Single files, or a grid of pictures or of all stages' pictures."""
    from ganzoo import sample as s
    from ganzoo.progress import counting

    if separate:
        with counting("drawing") as progress:
            s.draw_separate(model, captions, seeds, out, batch, progress)
    elif stages:
        drawn = s.sample_stages(model, captions, seeds, batch)
        s.save_stages(drawn, captions, seeds, model.plan.resolutions, out)
    else:
        s.save_grid(s.sample(model, captions, seeds, batch), captions, seeds, out)
