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
    from ganzoo.placing import Places


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
    box: Annotated[
        list[str] | None,
        typer.Option(metavar="X,Y,W,H", help="Where, in 0..1 of the picture; once, or once a caption."),
    ] = None,
    keypoints: Annotated[
        Path | None, typer.Option(metavar="FILE", help="JSON: a list of [x, y] or null, one a part.")
    ] = None,
    keypoints_from: Annotated[
        Path | None, typer.Option(metavar="RUN", help="A run that draws the keypoints that are not given.")
    ] = None,
    move_box: Annotated[
        bool, typer.Option("--move-box", help="One caption, one seed, the box at 16 places.")
    ] = False,
    draw_layout: Annotated[
        bool, typer.Option("--draw-layout", help="Boxes and keypoints over the pictures.")
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

    Models that are told where to draw need --box, or --keypoints or --keypoints-from or both: what is not in
    the file is drawn by the run.
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
    if move_box and (separate or stages or attention):
        raise GanzooError("`--move-box` draws a sheet of its own; leave out what else is to be shown")
    if move_box and len(wanted) > 1:
        raise GanzooError(f"`--move-box` draws one caption, but {len(wanted)} were given")
    shown = len(numbers) * (len(opened.recipe.stages) if stages else 1)
    s.check_out(out, separate, len(wanted), shown)
    model = s.prepare(opened.load(checkpoint), device or "auto")
    from ganzoo.placing import places

    drawer = s.prepare(Run.open(keypoints_from).load(), device or "auto") if keypoints_from else None
    where = places(model.plan, box or (), keypoints, drawer, captions=len(wanted), marked=draw_layout)
    if move_box:
        count = s.save_moving(model, wanted[0], numbers[0], where, out)
        return say(f"{out}: one caption, {count} places of its box")
    if attention:
        from ganzoo import attention_maps

        attention_maps.draw(model, wanted, numbers, out, batch, separate=separate, places=where)
    else:
        _draw(model, wanted, numbers, out, batch, separate, stages, where)
    many = f"{len(wanted) * len(numbers)} pictures"
    say(f"{out}: {many if separate else f'{len(wanted)} captions, {len(numbers)} seeds'}")


def _draw(
    model: Model,
    captions: list[str],
    seeds: list[int],
    out: Path,
    batch: int,
    separate: bool,
    stages: bool,
    where: Places,
) -> None:
    """Single files, or a grid of pictures or of all stages' pictures."""
    from ganzoo import sample as s
    from ganzoo.progress import counting

    if separate:
        with counting("drawing") as progress:
            s.draw_separate(model, captions, seeds, out, batch, progress, where)
    elif stages:
        drawn = s.sample_stages(model, captions, seeds, batch, where)
        s.save_stages(drawn, captions, seeds, model.plan.resolutions, out)
    else:
        s.save_grid(s.sample(model, captions, seeds, batch, where), captions, seeds, out)
