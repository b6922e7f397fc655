"""Which recipes can train on some data, and what is missing for the others; without building a weight."""

from __future__ import annotations

from dataclasses import dataclass

from ganzoo.assemble import assemble
from ganzoo.catalogue import Catalogue
from ganzoo.data_source import Source
from ganzoo.errors import GanzooError
from ganzoo.install import install
from ganzoo.misfits import MismatchError
from ganzoo.plugins import Registry
from ganzoo.recipe import Recipe

OF_DATA = frozenset({"captions", "embedding", "class_id", "boxes", "keypoints"})
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


def fits(source: Source, pictures: int, catalogue: Catalogue, registry: Registry) -> tuple[Fit, ...]:
    """How each recipe of the catalogue fits data of so many training pictures."""
    return tuple(
        _fit(source, pictures, recipe, catalogue, registry)
        for recipe in catalogue.recipes.values()
        if recipe.data is not None
    )


def _fit(source: Source, pictures: int, recipe: Recipe, catalogue: Catalogue, registry: Registry) -> Fit:
    if install(recipe.name, dry_run=True, catalogue=catalogue):
        return Fit(recipe.name, None, reasons=(f"not installed: ganzoo install {recipe.name}",))
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
