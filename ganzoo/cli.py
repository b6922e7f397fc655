"""The command line: each command calls one public function; only commands that compute import torch."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ganzoo.console import say, say_table, say_yaml, warn
from ganzoo.errors import GanzooError, did_you_mean
from ganzoo.settings import Settings

if TYPE_CHECKING:
    from ganzoo.plugins import Registry
    from ganzoo.recipe import Recipe

app = typer.Typer(
    name="ganzoo",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Name = Annotated[str, typer.Argument(metavar="NAME", help="A model of the catalogue, or a recipe file.")]
Changes = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="PATH=VALUE", help="Change the recipe: data.batch=16. Repeatable."),
]
Device = Annotated[
    str | None, typer.Option(metavar="[auto|cpu|cuda]", help="Where to compute [default: auto].")
]


def _count(help: str, default: int) -> Any:
    return typer.Option(metavar="N", help=f"{help} [default: {default}]")


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        say(f"ganzoo {version('ganzoo')}")
        raise typer.Exit


@app.callback()
def ganzoo(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True)] = False,
) -> None:
    """Text-to-image GANs: list models, mix their components, train them, draw with them."""


@app.command("list")
def list_(
    kind: Annotated[
        str, typer.Argument(metavar="KIND", help="models, or a kind of component: stages, losses, ...")
    ] = "models",
) -> None:
    """List models, or components of a kind."""
    from ganzoo.components import KINDS
    from ganzoo.plugins import load

    if kind not in ("models", *KINDS):
        hint = did_you_mean(kind, ("models", *KINDS))
        raise GanzooError(f"nothing is called `{kind}`{hint} `ganzoo list` takes models, {', '.join(KINDS)}")
    registry = load()
    if kind == "models":
        return _list_models(registry)
    rows = [(name, _summary(component)) for name, component in sorted(registry.components(kind).items())]
    say_table((kind.replace("_", " "), "what it is"), rows)
    for plugin in registry.plugins:
        if plugin.error:
            warn(f"{plugin} is broken: {plugin.error}")


def _list_models(registry: Registry) -> None:
    from ganzoo import catalogue as catalogues
    from ganzoo.install import install as needed

    catalogue = catalogues.load(registry)
    rows = []
    for name, recipe in catalogue.recipes.items():
        missing = needed(name, dry_run=True, catalogue=catalogue)
        data = recipe.data.use if recipe.data else ""
        rows.append((name, recipe.title, data, f"no: ganzoo install {name}" if missing else "yes"))
    say_table(("model", "title", "data", "installed"), rows)
    for problem in catalogue.problems:
        warn(f"left out: {problem}")


@app.command()
def show(name: Name, changes: Changes = None) -> None:
    """Show a recipe with every value resolved."""
    say_yaml(_recipe(name, changes).to_yaml().rstrip("\n"))


@app.command()
def plugins(
    check: Annotated[
        bool, typer.Option("--check", help="Import every plugin and say what is wrong.")
    ] = False,
) -> None:
    """List installed plugins; check them."""
    from ganzoo.distributions import distributions
    from ganzoo.plugins import load

    registry = load()
    rows = [(p.prefix, p.distribution, p.version, p.value) for p in registry.plugins]
    say_table(("prefix", "distribution", "version", "module"), rows)
    known = [d for d in distributions().values() if d.prefix not in {p.prefix for p in registry.plugins}]
    for distribution in known:
        say(f"not installed: {distribution.name} (ganzoo install {distribution.prefix})")
    if check:
        from ganzoo import catalogue

        problems = [str(problem) for problem in registry.check()]
        problems += catalogue.load(registry).problems
        if problems:
            listed = "".join(f"\n  {number}. {problem}" for number, problem in enumerate(problems, 1))
            raise GanzooError(f"{len(problems)} problem{'s' * (len(problems) > 1)} with plugins{listed}")
        say("every plugin imports and offers what it should")


@app.command()
def install(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A model, a distribution or a plugin's prefix.")
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be run.")] = False,
) -> None:
    """Install what a model or a plugin needs."""
    from ganzoo.install import install as run

    commands = run(name, dry_run=True)
    for command in commands:
        say(("would run: " if dry_run else "running: ") + shlex.join(command))
    if commands and not dry_run:
        run(name)
    if not (commands and dry_run):
        say(f"{name}: everything is installed")


@app.command()
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

    recipe, registry = _recipe(name, changes), load()
    say(f"{assemble(recipe, registry)}\n{recipe.name}: everything fits")
    if rehearse:
        from ganzoo.rehearse import rehearse as run

        for loss, value in run(recipe, registry).items():
            say(f"rehearsed {loss}: {value:.4f}")


@app.command()
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
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the run folder.")] = False,
    seed: Annotated[int | None, _count("Seed of weights, draws and data order.", Settings.seed)] = None,
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
    log_every: Annotated[int | None, _count("Steps between log lines.", Settings.log_every)] = None,
    sample_every: Annotated[int | None, _count("Steps between sample grids.", Settings.sample_every)] = None,
    save_every: Annotated[int | None, _count("Steps between checkpoints.", Settings.save_every)] = None,
    keep: Annotated[int | None, _count("How many checkpoints to keep; 0: all.", Settings.keep)] = None,
    tracker: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Also log to tensorboard, wandb, ... Repeatable.")
    ] = None,
) -> None:
    """Train a model.

    The run folder gets the recipe, metrics, sample grids and checkpoints. With --resume, options that are not
    given are those the run was started with.
    """
    from ganzoo.progress import show_log
    from ganzoo.run import Run, run_folder

    log = show_log()
    recipe = _recipe(name, changes)
    folder = run_folder(name, recipe, run)
    try:
        from ganzoo.train import train as start

        start(
            recipe, data, folder, resume=resume, seed=seed, device=device, precision=precision,
            compile=compile, channels_last=channels_last, keep_large_blocks=keep_large_blocks,
            skip_broken=skip_broken, log_every=log_every, sample_every=sample_every, save_every=save_every,
            keep=keep, trackers=tracker,
        )  # fmt: skip
    except KeyboardInterrupt:
        said = "stopped before the first checkpoint; there is nothing to go on from"
        if saved := Run(folder).saved:
            said = (
                f"stopped; {saved[-1]} is kept\ngo on with: ganzoo train {shlex.quote(str(folder))} --resume"
            )
        print(said, file=sys.stderr)
        raise typer.Exit(130) from None
    log.info(
        'trained: %s\ndraw with it: ganzoo sample %s "a caption of yours" --out grid.png', folder, folder
    )


@app.command()
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
    batch: Annotated[int, typer.Option(metavar="N", min=1, help="Captions drawn at a time.")] = 64,
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
    s.check_out(out, separate, len(wanted), len(numbers))
    model = s.prepare(opened.load(), device or "auto")
    if separate:
        with counting("drawing") as progress:
            count = s.draw_separate(model, wanted, numbers, out, batch, progress)
        return say(f"{out}: {count} pictures")
    s.save_grid(s.sample(model, wanted, numbers, batch), wanted, numbers, out)
    say(f"{out}: {len(wanted)} captions, {len(numbers)} seeds")


def _recipe(name: str, changes: list[str] | None) -> Recipe:
    from ganzoo.catalogue import recipe as find

    recipe = find(name)
    for change in changes or []:
        recipe = recipe.set_text(change)
    return recipe


def _summary(component: type) -> str:
    """The first line of a component's docstring."""
    return (component.__doc__ or "").strip().split("\n")[0]


def main() -> None:
    """The `ganzoo` command: a user's mistake is one message and exit code 1."""
    try:
        app()
    except GanzooError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
