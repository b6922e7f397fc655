"""A run folder: the resolved recipe, versions and settings, the metrics log, sample grids, checkpoints."""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo import checkpoint
from ganzoo.errors import GanzooError

if TYPE_CHECKING:
    from ganzoo.model import Model
    from ganzoo.recipe import Recipe


@dataclass(frozen=True)
class Run:
    """One training run on disk.

    `recipe.yaml` (every value resolved), `run.json` (settings, versions, device), `metrics.jsonl` (one line a log
    interval), `samples/step-N.png`, `checkpoints/step-N/`.
    """

    path: Path

    @classmethod
    def create(cls, path: Path, recipe: Recipe, settings: Mapping[str, Any]) -> Run:
        """Start a run folder. Raises GanzooError when the folder holds a run already or cannot be written."""
        if (path / "recipe.yaml").exists():
            raise GanzooError(f"{path} holds a run already; name another folder with `--run`, or add `--resume` to go on")
        run = cls(path)
        try:
            run.samples.mkdir(parents=True, exist_ok=True)
            run.checkpoints.mkdir(exist_ok=True)
        except OSError as error:
            raise GanzooError(f"cannot write the run folder {path}: {error.strerror or error}") from error
        run.write("run.json", json.dumps({**settings, "versions": versions(recipe)}, indent=2) + "\n")
        run.write("recipe.yaml", recipe.to_yaml())
        return run

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """An existing run. Raises GanzooError when there is none."""
        run = cls(Path(path).expanduser())
        if not (run.path / "recipe.yaml").is_file():
            raise GanzooError(f"{run.path} is no run folder: it has no recipe.yaml; `ganzoo train NAME --run {run.path}` makes one")
        return run

    @property
    def samples(self) -> Path:
        """Where sample grids go."""
        return self.path / "samples"

    @property
    def checkpoints(self) -> Path:
        """Where checkpoints go."""
        return self.path / "checkpoints"

    @property
    def recipe(self) -> Recipe:
        """The recipe it was trained with, every value resolved."""
        from ganzoo.recipe import Recipe

        path = self.path / "recipe.yaml"
        return Recipe.from_yaml(path.read_text(), where=str(path))

    @property
    def settings(self) -> dict[str, Any]:
        """Seed, data folder, device, precision and versions of the run."""
        settings: dict[str, Any] = json.loads((self.path / "run.json").read_text())
        return settings

    def write(self, name: str, text: str) -> None:
        """Write a small text file of the run atomically."""
        partial = self.path / f".{name}.partial"
        partial.write_text(text)
        os.replace(partial, self.path / name)

    def log(self, line: Mapping[str, Any]) -> None:
        """Append one line to metrics.jsonl."""
        with (self.path / "metrics.jsonl").open("a") as file:
            file.write(json.dumps(dict(line)) + "\n")

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """Every logged line."""
        path = self.path / "metrics.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def newest(self) -> Path:
        """The newest complete checkpoint. Raises GanzooError when there is none yet."""
        saved = checkpoint.all_in(self.checkpoints)
        if not saved:
            raise GanzooError(f"{self.path} has no checkpoint yet; let it train longer, or lower `--save-every`")
        return saved[-1]

    def load(self) -> Model:
        """The model with its averaged weights (the live ones where nothing was averaged), in evaluation mode."""
        from ganzoo.assemble import assemble
        from ganzoo.plugins import load as load_plugins

        model = assemble(self.recipe, load_plugins()).build()
        saved = checkpoint.load(self.newest, optimizers=False)
        checkpoint.load_model_state(model, saved.weights, self.newest)
        if saved.averages is not None:
            model.generator.load_state_dict(dict(saved.averages))
        return model.eval()


def versions(recipe: Recipe) -> dict[str, str]:
    """Versions of Python, torch, ganzoo and the recipe's distributions."""
    names = ["ganzoo", "torch", *recipe.distributions]
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = "not installed"
    return found
