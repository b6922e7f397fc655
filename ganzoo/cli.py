"""The command line: each command calls one public function. torch is imported only by commands that compute."""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Annotated, Any, Optional

import typer

from ganzoo.errors import GanzooError

app = typer.Typer(
    name="ganzoo",
    help="A zoo of text-to-image GANs: list models, check and mix their components, train them, draw with them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Set = Annotated[list[str], typer.Option("--set", metavar="PATH=VALUE", help="Change the recipe, as in data.batch=16.")]
Device = Annotated[str, typer.Option(help="auto, cpu or cuda.")]


def _print(renderable: Any) -> None:
    from rich.console import Console

    Console(width=None if sys.stdout.isatty() else 120).print(renderable, highlight=False, soft_wrap=isinstance(renderable, str))


def _recipe(name: str, changes: list[str]) -> Any:
    from ganzoo.catalogue import recipe as find

    recipe = find(name)
    for change in changes:
        recipe = recipe.set_text(change)
    return recipe


def _table(*columns: str) -> Any:
    from rich.table import Table

    return Table(*columns, box=None, header_style="bold", pad_edge=False)


@app.command("list")
def list_(kind: Annotated[str, typer.Argument(help="models, or a kind of component: stages, losses, ...")] = "models") -> None:
    """Models of the catalogue and whether they are installed; or the installed components of one kind."""
    from ganzoo import catalogue
    from ganzoo.errors import did_you_mean
    from ganzoo.plugins import load

    if kind != "models":
        from ganzoo.components import KINDS

        if kind not in KINDS:
            raise GanzooError(f"no kind of component `{kind}`{did_you_mean(kind, KINDS)} there is {', '.join(KINDS)}")
        table = _table(kind, "what it is")
        for name, cls in sorted(load().components(kind).items()):
            table.add_row(name, (cls.__doc__ or "").strip().splitlines()[0])
        return _print(table)
    table = _table("model", "title", "data", "installed", "to install")
    for name in catalogue.recipes():
        recipe = catalogue.recipe(name)
        missing = catalogue.installed(recipe).missing
        data = recipe.data.use if recipe.data else ""
        table.add_row(name, recipe.title, data, "no" if missing else "yes", f"ganzoo install {name}" if missing else "")
    _print(table)


@app.command()
def show(name: str, changes: Set = []) -> None:  # noqa: B006
    """A recipe with every value resolved."""
    from rich.syntax import Syntax

    text = _recipe(name, changes).to_yaml()
    _print(Syntax(text, "yaml", background_color="default") if sys.stdout.isatty() else text)


@app.command()
def plugins(check: Annotated[bool, typer.Option("--check", help="Import every plugin and call its hooks.")] = False) -> None:
    """Installed plugins; with --check, what is wrong with them."""
    from ganzoo.plugins import load

    registry = load()
    table = _table("prefix", "distribution", "version", "module")
    for plugin in registry.plugins:
        table.add_row(plugin.prefix, plugin.distribution, plugin.version, plugin.value)
    _print(table)
    if check:
        problems = registry.check()
        for problem in problems:
            _print(f"broken: {problem}")
        if problems:
            raise typer.Exit(1)
        _print("every plugin imports and offers what it should")


@app.command()
def install(name: str, dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be run.")] = False) -> None:
    """Install what a model, a distribution or a prefix needs."""
    from ganzoo.install import install as run

    commands = run(name, dry_run=dry_run)
    for command in commands:
        _print(("would run: " if dry_run else "ran: ") + " ".join(command))
    if not commands:
        _print(f"{name}: everything is installed already")


@app.command()
def check(
    name: str,
    changes: Set = [],  # noqa: B006
    rehearse: Annotated[bool, typer.Option("--rehearse", help="Also take one training step in tiny form.")] = False,
) -> None:
    """Check every wire of a recipe and say everything that does not fit."""
    from ganzoo.assemble import assemble
    from ganzoo.plugins import load

    recipe, registry = _recipe(name, changes), load()
    _print(str(assemble(recipe, registry)))
    if rehearse:
        from ganzoo.rehearse import rehearse as run

        for loss, value in run(recipe, registry).items():
            _print(f"rehearsed {loss}: {value:.4f}")


@app.command()
def train(
    name: Annotated[str, typer.Argument(help="A model of the catalogue, or a recipe file.")],
    data: Annotated[Optional[Path], typer.Option(help="The data folder, for data sets that read one.")] = None,  # noqa: UP045
    run: Annotated[Optional[Path], typer.Option(help="The run folder [default: runs/NAME].")] = None,  # noqa: UP045
    changes: Set = [],  # noqa: B006
    seed: Annotated[int, typer.Option(min=0, help="Of weights, draws and data order.")] = 0,
    device: Device = "auto",
    precision: Annotated[str, typer.Option(help="auto (bf16 on a GPU, else fp32), fp32, bf16, fp16 or fp64.")] = "auto",
    compile: Annotated[bool, typer.Option("--compile", help="Run stages through torch.compile.")] = False,
    channels_last: Annotated[Optional[bool], typer.Option(help="Memory format [default: on a GPU only].")] = None,  # noqa: UP045
    large_blocks: Annotated[bool, typer.Option("--large-blocks/--no-large-blocks", help="Keep large memory blocks between steps (Linux).")] = True,
    skip_broken: Annotated[bool, typer.Option("--skip-broken", help="Leave unreadable pictures out.")] = False,
    log_every: Annotated[int, typer.Option(min=0, help="Steps between log lines.")] = 50,
    sample_every: Annotated[int, typer.Option(min=0, help="Steps between sample grids.")] = 500,
    save_every: Annotated[int, typer.Option(min=0, help="Steps between checkpoints.")] = 1000,
    tracker: Annotated[list[str], typer.Option(help="Also log to tensorboard, wandb, ... through accelerate.")] = [],  # noqa: B006
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the run in the run folder.")] = False,
) -> None:
    """Train a model. The run folder holds recipe, metrics, sample grids and checkpoints."""
    _say_info()
    from ganzoo.train import train as start

    done = start(
        _recipe(name, changes), data, run, resume=resume, seed=seed, device=device, precision=precision,
        compile=compile, channels_last=channels_last, keep_large_blocks=large_blocks, skip_broken=skip_broken,
        log_every=log_every, sample_every=sample_every, save_every=save_every, trackers=tuple(tracker),
    )  # fmt: skip
    _print(f'trained: {done.path}\ndraw with it: ganzoo sample {done.path} "a caption of yours" --out grid.png')


@app.command()
def sample(
    run: Annotated[Path, typer.Argument(help="A run folder.")],
    captions: Annotated[Optional[list[str]], typer.Argument(help="Captions to draw.")] = None,  # noqa: UP045
    file: Annotated[Optional[Path], typer.Option("--captions", help="A file with one caption a line.")] = None,  # noqa: UP045
    seeds: Annotated[str, typer.Option(help="As in 0-7 or 1,5,9.")] = "0-7",
    out: Annotated[Path, typer.Option(help="The grid; with --separate, a folder.")] = Path("samples.png"),
    separate: Annotated[bool, typer.Option("--separate", help="One file a picture.")] = False,
    batch: Annotated[int, typer.Option(min=1, help="Captions drawn at a time.")] = 64,
    device: Device = "auto",
) -> None:
    """Draw captions with a trained model: a labelled grid, a row a caption, a column a seed."""
    from ganzoo import sample as s
    from ganzoo.run import Run

    wanted = list(captions or []) + (s.read_captions(file) if file else [])
    numbers = s.parse_seeds(seeds)
    if not wanted:
        raise GanzooError('no caption was given; expected captions, or `--captions FILE` with one a line')
    drawn = s.sample(s.prepare(Run.open(run).load(), device), wanted, numbers, batch)
    if separate:
        s.save_separate(drawn, wanted, numbers, out.with_suffix(""))
        return _print(f"{drawn.shape[0] * drawn.shape[1]} pictures in {out.with_suffix('')}")
    s.save_grid(drawn, wanted, numbers, out)
    _print(f"{out}: {len(wanted)} captions, {len(numbers)} seeds")


def _say_info() -> None:
    """Show ganzoo's own log lines."""
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.getLogger("ganzoo").addHandler(handler)
    logging.getLogger("ganzoo").setLevel(logging.INFO)


def main() -> None:
    """The `ganzoo` command: a user's mistake is one message and exit code 1."""
    try:
        app()
    except GanzooError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(1)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
