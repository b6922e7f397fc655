"""`train`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from ganzoo import launch
from ganzoo.cli.hints import how_to_draw
from ganzoo.cli.options import Changes, Device, count, recipe_of
from ganzoo.settings import Settings


def train(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A model of the catalogue, a recipe file, or a run folder.")
    ],
    data: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="Your data, for data sets that read a folder.")
    ] = None,
    run: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="The run folder [default: runs/NAME].")
    ] = None,
    changes: Changes = None,
    from_phase: Annotated[
        str | None, typer.Option(metavar="PHASE", help="Begin with it; those before it are left out.")
    ] = None,
    encoders: Annotated[
        Path | None, typer.Option(metavar="RUN", help="Begin with the encoders that this run has trained.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the run folder.")] = False,
    seed: Annotated[int | None, count("Seed of weights, draws and data order.", Settings.seed)] = None,
    device: Device = None,
    precision: Annotated[
        str | None,
        typer.Option(
            metavar="[auto|fp32|bf16|fp16|fp64]", help="auto: bf16 on a GPU, else fp32 [default: auto]."
        ),
    ] = None,
    compile: Annotated[
        bool | None, typer.Option(help="Run stages through torch.compile [default: no].")
    ] = None,
    channels_last: Annotated[
        bool | None, typer.Option(help="Memory format of pictures [default: on a GPU only].")
    ] = None,
    keep_large_blocks: Annotated[
        bool | None, typer.Option(help="Keep freed memory between steps (Linux) [default: yes].")
    ] = None,
    skip_broken: Annotated[
        bool | None, typer.Option(help="Leave unreadable pictures out [default: no].")
    ] = None,
    log_every: Annotated[int | None, count("Steps between log lines.", Settings.log_every)] = None,
    sample_every: Annotated[int | None, count("Steps between sample grids.", Settings.sample_every)] = None,
    save_every: Annotated[int | None, count("Steps between checkpoints.", Settings.save_every)] = None,
    keep: Annotated[int | None, count("Newest checkpoints to keep; 0: all.", Settings.keep)] = None,
    tracker: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Also log to tensorboard, wandb, ... Repeatable.")
    ] = None,
) -> None:
    """Train a model.

    The run folder gets the recipe, metrics, sample grids and checkpoints. With --resume, options that are not
    given are those the run was started with. --from-phase gan --encoders RUN is AttnGAN's second phase on
    the encoders of a run that has finished the first. Ctrl-C saves after the step under way, a second one
    stops at once.
    """
    launch.start_the_others()
    from ganzoo.progress import show_log
    from ganzoo.run import Run, run_folder

    log = show_log()
    recipe = recipe_of(name, changes)
    folder = run_folder(name, recipe, run)
    try:
        from ganzoo.train import train as start

        start(
            recipe, data, folder, resume=resume, from_phase=from_phase, encoders=encoders, seed=seed,
            device=device, precision=precision, compile=compile, channels_last=channels_last,
            keep_large_blocks=keep_large_blocks, skip_broken=skip_broken, log_every=log_every,
            sample_every=sample_every, save_every=save_every, keep=keep, trackers=tracker,
        )  # fmt: skip
        launch.disconnect()
    except KeyboardInterrupt as stopped:
        said = "stopped before the first checkpoint; there is nothing to go on from"
        if saved := Run(folder).saved:
            said = (
                f"stopped; {saved[-1]} is kept\ngo on with: ganzoo train {shlex.quote(str(folder))} --resume"
            )
        if launch.rank() == 0:
            print(said, file=sys.stderr)
        raise typer.Exit(getattr(stopped, "code", 130)) from None
    log.info("trained: %s\n%s", folder, how_to_draw(recipe, folder))
