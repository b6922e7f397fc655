"""`data_check`: what lies in a data folder, what is wrong with it, and which recipes it can train."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ganzoo import catalogue as catalogues
from ganzoo import plugins
from ganzoo.data.survey import SIDE, Survey, survey
from ganzoo.data_fits import Fit, fits
from ganzoo.data_source import Source, find
from ganzoo.progress import counting
from ganzoo.specs import DataSpec


@dataclass(frozen=True)
class DataCheck:
    """What was found. `source`: the data set, its options, its folder; `spec`: what comes with each picture.

    `fits`: each recipe of the catalogue, whether it can train on this, and how. `sheet`: the contact sheet.
    """

    source: Source
    spec: DataSpec
    survey: Survey
    fits: tuple[Fit, ...]
    sheet: Path | None = None


def data_check(path: str | Path, *, most: int | None = None, sheet: str | Path | None = None) -> DataCheck:
    """Look at the data folder `path`, or at a data set of that name which needs none, such as core/shapes.

    All pictures are opened, or `most` of each split, evenly spread. `sheet`: a file to draw a contact sheet
    into. Raises GanzooError: nothing is there, no data set recognises it, captions or tables are damaged.
    """
    registry = plugins.load()
    source = find(path, registry)
    splits = {name: source.data.examples(name, source.folder, SIDE) for name in ("train", "test")}
    if sheet is not None:
        from ganzoo import contact_sheet, pictures

        pictures.save(contact_sheet.contact_sheet(splits), Path(sheet))
    with counting("looking at pictures") as progress:
        seen = survey(splits, most, progress)
    readable = len(splits["train"]) - len(seen.splits[0].broken)
    found = fits(source, readable, catalogues.load(registry), registry)
    return DataCheck(source, source.data.yields(), seen, found, Path(sheet) if sheet is not None else None)
