"""`data_prepare`: the caches that training reads, built ahead of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ganzoo import plugins
from ganzoo.assemble import assemble
from ganzoo.catalogue import recipe as find_recipe
from ganzoo.data.cache import Packed, cache_folder, pack
from ganzoo.data.feed import Feed
from ganzoo.data_fits import changed
from ganzoo.data_source import Source, find
from ganzoo.errors import GanzooError
from ganzoo.plan import Plan
from ganzoo.preview import CAPTIONS
from ganzoo.progress import counting
from ganzoo.recipe import Recipe
from ganzoo.runtime import accelerator, weights_dtype


@dataclass(frozen=True)
class Cache:
    """A folder in the cache: what it holds, where it lies, its size in bytes."""

    what: str
    folder: Path
    size: int


@dataclass(frozen=True)
class Prepared:
    """What was built, or was there already. `changes`: what `--set` must say to train the recipe on it."""

    source: Source
    caches: tuple[Cache, ...]
    recipe: str | None = None
    changes: tuple[str, ...] = ()


def data_prepare(
    path: str | Path,
    recipe: Recipe | str | None = None,
    *,
    size: int | None = None,
    skip_broken: bool = False,
    device: str = "auto",
) -> Prepared:
    """Pack the pictures of a data folder (or of a data set without one) for `recipe`, or at `size` pixels.

    With a recipe: as training it on this data would, the held-out pictures that it draws and measures too,
    and the features of its captions where its text encoder comes pretrained. Raises GanzooError: as
    `data_check`; both or neither given; a recipe that cannot train on this data; broken pictures.
    """
    if (recipe is None) == (size is None):
        raise GanzooError("say what to prepare the pictures for: either a recipe, or a size in pixels")
    registry = plugins.load()
    source = find(path, registry)
    if recipe is None:
        assert size is not None
        if size < 1:
            raise GanzooError(f"pictures cannot be packed at {size} pixels; expected 1 or more")
        return Prepared(source, tuple(_packed(source, size, skip_broken)))
    recipe = find_recipe(recipe) if isinstance(recipe, str) else recipe
    if recipe.data is None:
        raise GanzooError(f"{recipe.name} names no data; add `data: {{use: {source.use}}}`")
    pictures = len(source.data.examples("train", source.folder, 1))
    changes = source.changes(recipe, registry, pictures)
    plan = assemble(changed(recipe, changes), registry)
    caches = _for_plan(plan, source.folder, skip_broken, device)
    return Prepared(source, tuple(caches), recipe.name, changes)


def _packed(source: Source, size: int, skip_broken: bool) -> list[Cache]:
    caches = []
    for split in ("train", "test"):
        examples = source.data.examples(split, source.folder, size)
        if len(examples):
            with counting(f"packing {split} pictures") as progress:
                packed = pack(
                    examples, size, cache_folder() / "pictures", skip_broken=skip_broken, progress=progress
                )
            caches.append(_cache(f"{split} pictures", packed))
    return caches


def _for_plan(plan: Plan, folder: Path | None, skip_broken: bool, device: str) -> list[Cache]:
    compute = accelerator(device)
    feed = Feed(plan, folder, compute, skip_broken=skip_broken)
    caches = [_cache("train pictures", feed.pictures)]
    drawn = {metric.samples for phase in plan.phases for _, metric in phase.measures}
    caches += [_cache("held-out pictures", feed.held_out_pictures(n)[0]) for n in sorted({CAPTIONS, *drawn})]
    if plan.text.pretrained and "embedding" not in plan.text.requires():
        encoder = plan.text.build().to(compute.device, weights_dtype("auto"))
        where = feed.encode(encoder, compute.device)
        size = sum(file.stat().st_size for file in where.iterdir())
        caches.append(Cache(f"features of {len(feed.captions):,} captions", where, size))
    return caches


def _cache(what: str, packed: Packed) -> Cache:
    count, _, side, _ = packed.images.shape
    assert isinstance(packed.images, np.memmap) and packed.images.filename is not None
    folder = Path(packed.images.filename).parent
    return Cache(f"{count:,} {what}, {side} x {side} pixels", folder, packed.images.nbytes)
