"""Data found by a path or a name: which data set reads it, with which options, and recipes put onto it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter

from ganzoo.components import Dataset
from ganzoo.errors import GanzooError, did_you_mean
from ganzoo.plugins import Registry
from ganzoo.recipe import Recipe

ANY_PICTURES = ("core/hf", "core/webdataset", "core/folder")  # asked last, in this order
SHARED = tuple(field.name for field in fields(Dataset))  # how pictures are read, whatever the data set


@dataclass(frozen=True)
class Source:
    """A data set on disk, or one that needs no folder (`folder` is None), under its name in recipes."""

    use: str
    data: Dataset
    folder: Path | None

    @property
    def options(self) -> Mapping[str, Any]:
        """The options of its own that are not the usual ones."""
        usual = type(self.data)()
        values = {field.name: getattr(self.data, field.name) for field in fields(self.data)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
            if name not in SHARED and value != getattr(usual, name)
        }

    def changes(self, recipe: Recipe, registry: Registry, pictures: int) -> tuple[str, ...]:
        """What `--set` must say for `recipe` to train on this data, of which there are so many `pictures`.

        Nothing where it reads such data already. How the recipe reads pictures (batch, crops, flips) stays,
        but a batch larger than the data; metrics that judge other data only are left out.
        """
        assert recipe.data is not None
        asked = recipe.data.options.get("batch", Dataset.batch)
        batch = min(asked, max(1, pictures)) if isinstance(asked, int) else asked
        width = self._width(recipe, registry)
        if self._fits(recipe):
            return (*(() if batch == asked else (f"data.batch={batch}",)), *width)
        kept = {name: value for name, value in recipe.data.options.items() if name in SHARED}
        options = {**self.options, **kept, "batch": batch}
        try:
            TypeAdapter(type(self.data)).validate_python(options)
        except GanzooError:  # core/shapes refuses to mirror
            options.pop("flip", None)
        return (f"data={flow({'use': self.use, **options})}", *width, *self._measures(recipe, registry))

    def _fits(self, recipe: Recipe) -> bool:
        """Whether the recipe's own `data` reads this: the same data set, asked for no more than is there."""
        assert recipe.data is not None
        if recipe.data.use != self.use:
            return False
        own = {name: value for name, value in recipe.data.options.items() if name not in SHARED}
        if self.folder is None:
            return True
        try:
            wanted = TypeAdapter(type(self.data)).validate_python(own).yields()
        except (GanzooError, ValueError):
            return False
        given = self.data.yields()
        sizes = wanted.embedding in (0, given.embedding) and wanted.keypoints in (0, given.keypoints)
        named = all(
            getattr(self.data, name) == value for name, value in own.items() if isinstance(value, str)
        )
        return wanted.offers <= given.offers and sizes and named

    def _width(self, recipe: Recipe, registry: Registry) -> tuple[str, ...]:
        """The width of the data's embeddings, where the recipe's text encoder is told another one."""
        given, text = self.data.yields().embedding, recipe.text
        if not given or text is None or text.options.get("size") in (None, given):
            return ()
        cls = registry.components("text_encoders").get(text.use)
        return (f"text.size={given}",) if cls is not None and "embedding" in cls.needs else ()

    def _measures(self, recipe: Recipe, registry: Registry) -> tuple[str, ...]:
        changes = []
        for name, phase in recipe.phases.items():
            kept = [one for one in phase.measure if self._judged_by(one.use, registry)]
            if len(kept) < len(phase.measure):
                said = flow([{"use": one.use, **one.options} for one in kept]) if kept else "null"
                changes.append(f"training.{name}.measure={said}")
        return tuple(changes)

    def _judged_by(self, metric: str, registry: Registry) -> bool:
        cls = registry.components("metrics").get(metric)
        return getattr(cls, "judges_only", "") in ("", self.use)


def find(named: str | Path, registry: Registry) -> Source:
    """The data set that recognises the folder `named`, or the one of that name that needs none.

    Raises GanzooError: no such folder or name, a folder that no data set recognises, a damaged one.
    """
    text, folder = str(named), Path(named).expanduser()
    known = registry.components("datasets")
    if folder.is_dir():
        return _recognised(folder, {name: cls for name, cls in known.items() if issubclass(cls, Dataset)})
    if text in known:
        data = TypeAdapter(known[text]).validate_python({})
        assert isinstance(data, Dataset)
        if _recognises(type(data)):
            raise GanzooError(f"{text} reads a folder; give the folder's path instead")
        return Source(text, data, None)
    if folder.exists():
        raise GanzooError(f"{folder} is no folder; give the folder that it lies in")
    raise GanzooError(
        f"{text} is not there{did_you_mean(text, known)}; give a folder, or the name of a data set that "
        "needs none, such as core/shapes"
    )


def _recognised(folder: Path, known: Mapping[str, type[Dataset]]) -> Source:
    asked = {name: cls for name, cls in known.items() if _recognises(cls)}
    order = sorted(
        asked, key=lambda name: (ANY_PICTURES.index(name) + 1 if name in ANY_PICTURES else 0, name)
    )
    damaged: GanzooError | None = None
    for name in order:
        try:
            data = asked[name].recognise(folder)
        except GanzooError as error:
            damaged = damaged or error
            continue
        except Exception as error:  # whatever a plugin may raise
            said = f"{name} is broken: recognise() raised {type(error).__name__}: {error}"
            damaged = damaged or GanzooError(said)
            continue
        if data is not None:
            return Source(name, data, folder)
    if damaged:
        raise damaged
    raise GanzooError(
        f"{folder} is laid out like no data set that is known ({', '.join(order)}); docs/data.md shows how "
        "they look; your own pictures need captions in text files beside them, or in captions.csv"
    )


def _recognises(cls: type[Dataset]) -> bool:
    return getattr(cls.recognise, "__func__", None) is not Dataset.recognise.__func__  # type: ignore[attr-defined]


def flow(value: Any) -> str:
    """A value of a recipe as YAML on one line."""
    text = str(yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**9))
    return text.removesuffix("...\n").strip()
