"""Which recipes can train on some data, and what is missing for the others; without building a weight."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ganzoo import plugins
from ganzoo.assemble import assemble
from ganzoo.catalogue import Catalogue
from ganzoo.data_source import Source, find
from ganzoo.errors import GanzooError
from ganzoo.install import install
from ganzoo.misfits import MismatchError
from ganzoo.plugins import Registry
from ganzoo.recipe import Recipe

OF_DATA = frozenset({"captions", "embedding", "class_id", "boxes", "keypoints"})
WORDS = {"class_id": "classes", "embedding": "sentence embeddings"}  # what people call them
TEXTS = ("minilm/text", "core/ngrams")  # that can stand in for embeddings which the data does not bring


@dataclass(frozen=True)
class Fit:
    """One recipe and the data. `changes`: what `--set` must say for it to train, or None where it cannot.

    `missing`: what the data does not bring, of {captions, embedding, class_id, boxes, keypoints}; where it
    can train nevertheless, `changes` give it another text encoder. `reasons`: what else is in the way.
    """

    recipe: str
    changes: tuple[str, ...] | None
    missing: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()

    @property
    def lacking(self) -> tuple[str, ...]:
        """`missing` in plain words."""
        return tuple(WORDS.get(word, word) for word in self.missing)


def fits(source: Source, pictures: int, catalogue: Catalogue, registry: Registry) -> tuple[Fit, ...]:
    """How each recipe of the catalogue fits data of so many training pictures."""
    return tuple(
        Fit(recipe.name, None, reasons=(f"not installed: ganzoo install {recipe.name}",))
        if install(recipe.name, dry_run=True, catalogue=catalogue)
        else _fit(source, pictures, recipe, registry)
        for recipe in catalogue.recipes.values()
        if recipe.data is not None
    )


@contextmanager
def explaining_layout(recipe: Recipe, folder: Path | None) -> Iterator[None]:
    """What fails while `recipe` reads `folder` also says which other data set reads it, and how to say so."""
    try:
        yield
    except GanzooError as error:
        if type(error) is not GanzooError or folder is None or not (hint := _other_layout(recipe, folder)):
            raise
        raise GanzooError(f"{error}\n{hint}") from error


def _other_layout(recipe: Recipe, folder: Path) -> str:
    """Empty where no data set recognises `folder`, or the recipe's own does."""
    registry = plugins.load()
    try:
        source = find(folder, registry)
        if recipe.data is None or source.use == recipe.data.use:
            return ""
        fit = _fit(source, len(source.data.examples("train", source.folder, 1)), recipe, registry)
    except GanzooError:
        return ""
    laid_out = f"{folder} is laid out as {source.use}"
    if fit.changes is None:
        why = f"it lacks {' and '.join(fit.lacking)}" if fit.missing else "; ".join(fit.reasons)
        return (
            f"{laid_out}, on which {recipe.name} cannot be trained: {why}; "
            f"`ganzoo data check {shlex.quote(str(folder))}` lists the models that train on it"
        )
    return f"{laid_out}; add {shlex.join(word for change in fit.changes for word in ('--set', change))}"


def _fit(source: Source, pictures: int, recipe: Recipe, registry: Registry) -> Fit:
    changes = source.changes(recipe, registry, pictures)
    try:
        assemble(changed(recipe, changes), registry)
        return Fit(recipe.name, changes)
    except MismatchError as error:
        missing = tuple(sorted(OF_DATA.intersection(error.needs)))
        others = zip(error.needs, error.sentences, strict=True)
        reasons = tuple(sentence for need, sentence in others if need not in OF_DATA)
    except GanzooError as error:
        return Fit(recipe.name, None, reasons=(str(error),))
    if missing == ("embedding",) and not reasons:
        for text in TEXTS:
            with_text = (*changes, f"text={text}")
            try:
                assemble(changed(recipe, with_text), registry)
                return Fit(recipe.name, with_text, missing)
            except GanzooError:
                continue
    return Fit(recipe.name, None, missing, reasons)


def changed(recipe: Recipe, changes: tuple[str, ...]) -> Recipe:
    """The recipe after its `--set` changes."""
    for change in changes:
        recipe = recipe.set_text(change)
    return recipe
