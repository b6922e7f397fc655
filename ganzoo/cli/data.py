"""Data folders: `data check`, `data prepare`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ganzoo.cli.options import Changes, Device, recipe_of
from ganzoo.cli.planning import size_of
from ganzoo.console import say, say_table

if TYPE_CHECKING:
    from ganzoo.data.survey import Survey
    from ganzoo.data_check import DataCheck
    from ganzoo.data_fits import Fit
    from ganzoo.data_source import Source

NAMED = 5  # broken or doubled pictures named

app = typer.Typer(no_args_is_help=True, rich_markup_mode=None)

Data = Annotated[
    str, typer.Argument(metavar="PATH", help="A data folder, or a data set that needs none: core/shapes.")
]


@app.callback()
def data() -> None:
    """Look at a data folder, and make it ready for training."""


@app.command()
def check(
    path: Data,
    most: Annotated[
        int | None, typer.Option(metavar="N", min=1, help="Open so many pictures a split [default: all].")
    ] = None,
    sheet: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The contact sheet [default: NAME-sheet.png].")
    ] = None,
) -> None:
    """Say what a data folder holds, what is wrong with it, and which models can be trained on it.

    Every picture is opened. Pictures count as the same where they are alike in every pixel, stretched to 64 x
    64. The contact sheet shows pictures as training sees them, with a caption, boxes and keypoints.
    """
    from ganzoo.data_check import data_check
    from ganzoo.progress import show_log

    show_log()
    name = Path(path).expanduser().absolute().name
    found = data_check(path, most=most, sheet=sheet or f"{name}-sheet.png")
    say(f"{path}: {_described(found.source)}\n")
    _say_splits(found.survey)
    from ganzoo.data_fits import WORDS

    sized = {
        **WORDS,
        "keypoints": f"{found.spec.keypoints} keypoints",
        "embedding": f"sentence embeddings {found.spec.embedding} wide",
    }
    say(f"\nwith each picture: {', '.join(sized.get(word, word) for word in sorted(found.spec.offers))}")
    _say_faults(found.survey)
    _say_fits(found)
    say(f"contact sheet: {found.sheet}")


@app.command()
def prepare(
    path: Data,
    recipe: Annotated[
        str | None, typer.Option(metavar="NAME", help="Pack as this model, or recipe file, reads pictures.")
    ] = None,
    size: Annotated[
        int | None, typer.Option(metavar="N", help="Pack at so many pixels a side, for no model.")
    ] = None,
    changes: Changes = None,
    skip_broken: Annotated[
        bool, typer.Option("--skip-broken", help="Leave unreadable pictures out.")
    ] = False,
    device: Device = None,
) -> None:
    """Build the caches ahead of training: packed pictures, features of a pretrained text encoder.

    They are those that `ganzoo train` would build, and are found by it.
    """
    from ganzoo.data_prepare import data_prepare
    from ganzoo.progress import show_log

    show_log()
    wanted = recipe_of(recipe, changes) if recipe else None
    done = data_prepare(path, wanted, size=size, skip_broken=skip_broken, device=device or "auto")
    say(f"{path}: {_described(done.source)}\n")
    say_table(
        ("cached", "size", "where"),
        [(cache.what, size_of(cache.size), str(cache.folder)) for cache in done.caches],
    )
    if recipe:
        said = (*(changes or ()), *done.changes)
        say(f"\ntrain with: {_command(recipe, said, done.source)}")


def _described(source: Source) -> str:
    """`core/folder (class_from: folder)`."""
    from ganzoo.data_source import flow

    options = ", ".join(f"{name}: {flow(value)}" for name, value in source.options.items())
    return f"{source.use} ({options})" if options else source.use


def _say_splits(survey: Survey) -> None:
    rows = []
    for split in survey.splits:
        least, median, largest = split.sides
        sides = str(least) if least == largest else f"{least} to {largest}, median {median}"
        each = str(split.fewest) if split.fewest == split.most else f"{split.fewest} to {split.most}"
        looked = "" if split.looked_at == split.pictures else f" of {split.looked_at:,}"
        rows.append(
            (
                split.name,
                f"{split.pictures:,}",
                sides if split.pictures else "",
                f"{split.captions:,}",
                each,
                f"{split.distinct:,}",
                f"{split.classes:,}" if split.classes else "",
                f"{len(split.broken):,}{looked}",
            )
        )
    columns = (
        "split",
        "pictures",
        "shorter side",
        "captions",
        "a picture",
        "distinct",
        "classes",
        "unreadable",
    )
    say_table(columns, rows)


def _say_faults(survey: Survey) -> None:
    if any(split.classes for split in survey.splits) and survey.splits[-1].pictures:
        say(f"classes in both splits: {survey.shared_classes:,}")
    for split in survey.splits:
        for broken in split.broken[:NAMED]:
            say(f"unreadable, {split.name}: {broken}")
        if len(split.broken) > NAMED:
            say(f"unreadable, {split.name}: {len(split.broken) - NAMED:,} more")
    for what, pairs in (("both splits", survey.across), ("one split", survey.within)):
        if pairs:
            shown = "; ".join(f"{first} = {second}" for first, second in pairs[:NAMED])
            more = f"; {len(pairs) - NAMED:,} more" if len(pairs) > NAMED else ""
            say(f"the same picture twice in {what}: {len(pairs):,}: {shown}{more}")


def _say_fits(found: DataCheck) -> None:
    """The recipes, those of the same verdict in one row; one command for each way to train."""
    groups: dict[tuple[int, str, str], list[Fit]] = {}
    for fit in found.fits:
        groups.setdefault(_verdict(fit), []).append(fit)
    ranked = sorted(groups.items())
    say("")
    say_table(
        ("trains on it", "missing", "models"),
        [(can, lacking, ", ".join(_families(fits))) for (_, can, lacking), fits in ranked],
    )
    say("")
    for (_, can, _), (fit, *_) in ranked:
        if fit.changes is not None:
            command = _command(fit.recipe, fit.changes, found.source)
            broken = any(split.broken for split in found.survey.splits)
            say(f"{can}, for example: {command}{' --skip-broken' if broken else ''}")


def _verdict(fit: Fit) -> tuple[int, str, str]:
    """Its rank among verdicts, whether it trains, what is missing."""
    lacking = ", ".join(fit.lacking)
    if fit.changes is None:
        return 3, "no", "; ".join([*filter(None, [lacking]), *fit.reasons])
    text = [change for change in fit.changes if change.startswith("text=")]
    if text:
        return 2, "with another text encoder", lacking
    return (1, "with other options", "") if fit.changes else (0, "yes", "")


def _families(fits: list[Fit]) -> list[str]:
    """`gan-int-cls-{birds,coco}` for names that differ in their last word only."""
    families: dict[str, list[str]] = {}
    for fit in fits:
        family, _, last = fit.recipe.rpartition("-")
        families.setdefault(family, []).append(last)
    return [
        f"{family}-{{{','.join(own)}}}" if len(own) > 1 else f"{family}-{own[0]}".lstrip("-")
        for family, own in families.items()
    ]


def _command(recipe: str, changes: tuple[str, ...], source: Source) -> str:
    words = ["ganzoo", "train", recipe, *(word for change in changes for word in ("--set", change))]
    if source.folder is not None:
        words += ["--data", str(source.folder)]
    return shlex.join(words)
