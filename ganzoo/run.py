"""A run folder: the resolved recipe, versions and settings, the metrics log, sample grids, checkpoints."""

from __future__ import annotations

import json
import logging
import os
import platform
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo.differences import diff
from ganzoo.distributions import installed_version
from ganzoo.errors import GanzooError
from ganzoo.recipe import Recipe, load_recipes, only
from ganzoo.settings import Settings

if TYPE_CHECKING:
    from ganzoo.model import Model

log = logging.getLogger("ganzoo")

_LENGTH = re.compile(r"training\.[^.]+\.(steps|epochs)")
RECIPE, SETTINGS, METRICS = "recipe.yaml", "run.json", "metrics.jsonl"


@dataclass(frozen=True)
class Run:
    """One training run on disk.

    `recipe.yaml` (every value resolved), `run.json` (settings, versions, device), `metrics.jsonl` (one line
    a log interval), `samples/step-N.png`, `checkpoints/step-N/`.
    """

    path: Path

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """An existing run. Raises GanzooError when there is none."""
        run = cls(Path(path).expanduser())
        if not (run.path / RECIPE).is_file():
            raise GanzooError(
                f"{run.path} is no run folder: it has no {RECIPE}; "
                f"`ganzoo train NAME --run {run.path}` makes one"
            )
        return run

    @contextmanager
    def under_way(
        self, recipe: Recipe, settings: Mapping[str, Any], resumed_at: int | None = None
    ) -> Iterator[None]:
        """Training writes into the folder inside this block, from its start or from step `resumed_at` on.

        A new folder is taken away again when the block fails before anything was logged, drawn or saved.
        Raises GanzooError when the folder holds a run already (unless resumed) or cannot be written.
        """
        if resumed_at is not None:
            self._describe(recipe, settings)
            self._forget_after(resumed_at)
            yield
            return
        self._check_free()
        try:
            with _writing(self.path):
                self.samples.mkdir(parents=True, exist_ok=True)
                self.checkpoints.mkdir(exist_ok=True)
            self._describe(recipe, settings)
            yield
        except BaseException:
            if not (self.saved or any(self.samples.glob("*")) or (self.path / METRICS).exists()):
                self._take_away()
            raise

    def _check_free(self) -> None:
        if (self.path / RECIPE).exists():
            steps = (
                f"its newest checkpoint is {self.saved[-1].name}" if self.saved else "it has no checkpoint"
            )
            way = "add `--resume` to go on" if self.saved else "delete it to begin again"
            raise GanzooError(
                f"{self.path} holds a run already ({steps}); {way}, or name another folder with `--run`"
            )

    def _take_away(self) -> None:
        """Remove what `under_way` made, and nothing else."""
        with suppress(OSError):
            for name in (RECIPE, SETTINGS):
                (self.path / name).unlink(missing_ok=True)
                (self.path / f".{name}.partial").unlink(missing_ok=True)
        for folder in (self.samples, self.checkpoints, self.path):
            with suppress(OSError):  # it holds something that is not ours
                folder.rmdir()

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
        """The recipe it was trained with, every value resolved. Raises GanzooError when it is damaged."""
        path = self.path / RECIPE
        return only(load_recipes(path), None, str(path))

    @property
    def settings(self) -> dict[str, Any]:
        """What `run.json` says: the settings, `on` (the device), `versions`. GanzooError if damaged."""
        path = self.path / SETTINGS
        try:
            said = json.loads(path.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise GanzooError(f"the run folder is damaged: {path} cannot be read: {error}") from error
        if not isinstance(said, dict):
            raise GanzooError(f"the run folder is damaged: {path} is not a JSON object")
        return said

    def settings_to_go_on(self, recipe: Recipe, given: Mapping[str, Any]) -> Settings:
        """The run's settings where `given` has none. Raises GanzooError where `recipe` is another one."""
        different = differences(self.recipe, recipe)
        if different:
            listed = "\n  ".join(different)
            raise GanzooError(f"{self.path} cannot go on with another recipe; it differs in\n  {listed}")
        names = {field.name for field in fields(Settings)}
        stored = {name: value for name, value in self.settings.items() if name in names}
        return Settings.of(stored | {name: value for name, value in given.items() if value is not None})

    def _describe(self, recipe: Recipe, settings: Mapping[str, Any]) -> None:
        about = {**settings, "versions": versions(recipe)}
        with _writing(self.path):
            self._write(SETTINGS, json.dumps(about, indent=2) + "\n")
            self._write(RECIPE, recipe.to_yaml())

    def _write(self, name: str, text: str) -> None:
        """Write a small text file of the run atomically."""
        partial = self.path / f".{name}.partial"
        partial.write_text(text, "utf-8")
        os.replace(partial, self.path / name)

    def log(self, line: Mapping[str, Any]) -> None:
        """Append one line to metrics.jsonl."""
        with _writing(self.path), (self.path / METRICS).open("a") as file:
            file.write(json.dumps(dict(line)) + "\n")

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """Every logged line. Raises GanzooError for a damaged one."""
        path = self.path / METRICS
        lines = path.read_text().splitlines() if path.exists() else []
        try:
            return [json.loads(line) for line in lines]
        except ValueError as error:
            raise GanzooError(f"{path} has a line that is not JSON: {error}") from error

    def _forget_after(self, step: int) -> None:
        """Drop what was logged after `step`, and a line that was cut short."""
        path = self.path / METRICS
        kept = []
        for line in path.read_text().splitlines() if path.exists() else []:
            with suppress(ValueError, KeyError, TypeError):  # cut short when the run was stopped
                if json.loads(line)["step"] <= step:
                    kept.append(line + "\n")
        with _writing(self.path):
            self._write(METRICS, "".join(kept))

    @property
    def saved(self) -> list[Path]:
        """The complete checkpoints, oldest first."""
        from ganzoo.checkpoint import all_in

        return all_in(self.checkpoints)

    @property
    def newest(self) -> Path:
        """The newest complete checkpoint. Raises GanzooError when there is none yet."""
        if not self.saved:
            raise GanzooError(
                f"{self.path} has no checkpoint yet; let it train longer, or lower `--save-every`"
            )
        return self.saved[-1]

    def load(self) -> Model:
        """The model with its averaged weights (the live ones where nothing was averaged), in evaluation mode.

        Logs which versions differ from those it was trained with. Raises GanzooError for a damaged folder.
        """
        from ganzoo import checkpoint
        from ganzoo.assemble import assemble
        from ganzoo.plugins import load as load_plugins

        newest, recipe = self.newest, self.recipe
        model = assemble(recipe, load_plugins()).build()
        saved = checkpoint.load(newest, optimizers=False)
        checkpoint.load_model_state(model, saved.weights, newest)
        if saved.averages is not None:
            checkpoint.load_averages(model, saved.averages, newest)
        self._say_other_versions(recipe)
        return model.eval()

    def _say_other_versions(self, recipe: Recipe) -> None:
        before = self.settings.get("versions")
        now = versions(recipe)
        for name, version in before.items() if isinstance(before, dict) else ():
            if name in now and now[name] != version:
                log.info("trained with %s %s; here is %s", name, version, now[name])


def run_folder(asked: Recipe | str | Path, recipe: Recipe, run_dir: str | Path | None) -> Path:
    """Where a training goes: `run_dir`; without one, the run folder that was `asked` for, or runs/NAME."""
    if run_dir is not None:
        return Path(run_dir).expanduser()
    if not isinstance(asked, Recipe):
        folder = Path(asked).expanduser()
        if (folder / RECIPE).is_file():
            return folder
    return Path("runs") / recipe.name


def differences(before: Recipe, now: Recipe) -> list[str]:
    """What two recipes say differently, apart from how long phases are: `path: before, now after`."""
    return [
        f"{found.path}: {found.a} in the run, now {found.b}"
        for found in diff(before, now)
        if not _LENGTH.fullmatch(found.path)
    ]


def versions(recipe: Recipe) -> dict[str, str]:
    """Versions of Python, torch, ganzoo and the recipe's distributions."""
    found = {"python": platform.python_version()}
    for name in ("ganzoo", "torch", *recipe.distributions):
        found[name] = installed_version(name) or "not installed"
    return found


@contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise GanzooError(f"cannot write the run folder {path}: {error.strerror or error}") from error
