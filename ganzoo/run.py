"""A run folder: the resolved recipe, versions and settings, the metrics log, sample grids, checkpoints."""

from __future__ import annotations

import json
import logging
import platform
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ganzoo import durable, untrusted
from ganzoo.distributions import installed_version
from ganzoo.errors import GanzooError, did_you_mean
from ganzoo.recipe import Recipe, load_recipes, only

if TYPE_CHECKING:
    from ganzoo.checkpoint import Checkpoint
    from ganzoo.model import Model

log = logging.getLogger("ganzoo")

RECIPE, SETTINGS, METRICS, VOCABULARY = "recipe.yaml", "run.json", "metrics.jsonl", "vocabulary.txt"
LARGEST_SETTINGS, LARGEST_METRICS = 1_000_000, 1_000_000_000  # bytes


@dataclass(frozen=True)
class Run:
    """One training run on disk.

    `recipe.yaml` (every value resolved), `run.json` (settings, versions, device), `metrics.jsonl` (one line
    a log interval), `samples/step-N.png`, `checkpoints/step-N/`.
    """

    path: Path

    @classmethod
    def open(cls, path: Path | str) -> Run:
        """An existing run. Raises GanzooError when there is none, or one with links out of its folder."""
        run = cls(Path(path).expanduser())
        if not (run.path / RECIPE).is_file():
            raise GanzooError(
                f"{run.path} is no run folder: it has no {RECIPE}; "
                f"`ganzoo train NAME --run {run.path}` makes one"
            )
        run._check_links()
        return run

    @contextmanager
    def begun(self, recipe: Recipe, settings: Mapping[str, Any]) -> Iterator[None]:
        """A new training writes into the folder inside this block.

        The folder is taken away again when the block fails before anything was logged, drawn or saved.
        Raises GanzooError when the folder holds a run already or cannot be written.
        """
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

    def go_on(self, recipe: Recipe, settings: Mapping[str, Any], step: int) -> None:
        """A training goes on after `step`: what was logged or saved later is forgotten or set aside.

        Logs which versions differ from those it was begun with. Raises GanzooError when the folder cannot be
        written.
        """
        self._say_other_versions(recipe)
        with _writing(self.path):
            self._describe(recipe, settings)
            self._forget_after(step)

    def _check_links(self) -> None:
        """Raise GanzooError where writing or deleting would leave the folder through a symbolic link."""
        own = (RECIPE, SETTINGS, METRICS, VOCABULARY, self.samples.name, self.checkpoints.name)
        untrusted.check_links(self.path, [*own, *(f".{name}.partial" for name in own)])
        untrusted.check_links(self.checkpoints, ["*", "*/*"])

    def _check_free(self) -> None:
        self._check_links()
        if (self.path / RECIPE).exists():
            steps = (
                f"its newest checkpoint is {self.saved[-1].name}" if self.saved else "it has no checkpoint"
            )
            way = "add `--resume` to go on" if self.saved else "delete it to begin again"
            raise GanzooError(
                f"{self.path} holds a run already ({steps}); {way}, or name another folder with `--run`"
            )

    def _take_away(self) -> None:
        """Remove what `begun` made, and nothing else."""
        with suppress(OSError):
            for name in (RECIPE, SETTINGS, VOCABULARY):
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
    def vocabulary(self) -> Path:
        """Where the words of a text encoder that learns them go."""
        return self.path / VOCABULARY

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
            return untrusted.read_json(path, LARGEST_SETTINGS)
        except GanzooError as error:
            raise GanzooError(f"the run folder is damaged: {error}") from error

    def _describe(self, recipe: Recipe, settings: Mapping[str, Any]) -> None:
        about = {**settings, "versions": versions(recipe)}
        durable.replace(self.path / SETTINGS, json.dumps(about, indent=2) + "\n")
        durable.replace(self.path / RECIPE, recipe.to_yaml())

    def log(self, line: Mapping[str, Any]) -> None:
        """Append one line to metrics.jsonl."""
        with _writing(self.path), (self.path / METRICS).open("a") as file:
            file.write(json.dumps(dict(line)) + "\n")

    @property
    def metrics(self) -> list[dict[str, Any]]:
        """Every logged line but one that was cut short at the end. Raises GanzooError for a damaged one."""
        path, text = self.path / METRICS, self._logged()
        lines = text[: text.rfind("\n") + 1].splitlines()
        said = [untrusted.parse_json(line, f"{path}:{number}") for number, line in enumerate(lines, 1)]
        if odd := [number for number, line in enumerate(said, 1) if not isinstance(line, dict)]:
            raise GanzooError(f"{path}:{odd[0]} is not a JSON object")
        return said

    def _logged(self) -> str:
        path = self.path / METRICS
        return untrusted.read_text(path, LARGEST_METRICS) if path.exists() else ""

    def _forget_after(self, step: int) -> None:
        """Drop what was logged after `step` and a line that was cut short; set later checkpoints aside."""
        from ganzoo import checkpoint

        kept = []
        for line in self._logged().splitlines():
            with suppress(
                ValueError, KeyError, TypeError, RecursionError
            ):  # cut short when the run was stopped
                if json.loads(line)["step"] <= step:
                    kept.append(line + "\n")
        durable.replace(self.path / METRICS, "".join(kept))
        checkpoint.sweep(self.checkpoints)
        for left in self.samples.glob(".partial-*"):
            left.unlink()
        for later in self.saved:
            if checkpoint.step_of(later) > step:
                log.warning("%s is now called %s", later, checkpoint.set_aside(later).name)

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

    @property
    def best(self) -> Path:
        """The best checkpoint by the recipe's first metric. Raises GanzooError where none was measured."""
        from ganzoo.checkpoint import best_in

        best = best_in(self.checkpoints)
        if best is None:
            raise GanzooError(
                f"{self.path} has no best checkpoint: none was measured; name a metric in the recipe, as in "
                "`--set 'training.PHASE.measure=[{use: core/shapes_agreement}]'`"
            )
        return best

    @property
    def kept(self) -> str:
        """What the run goes on from, for messages."""
        return f"the last save is {self.saved[-1]}" if self.saved else "nothing was saved yet"

    @contextmanager
    def saying_what_is_kept(self) -> Iterator[None]:
        """A GanzooError about a file that could not be written or read also says what the run has saved."""
        try:
            yield
        except GanzooError as error:
            if not isinstance(error.__cause__, OSError):
                raise
            raise type(error)(f"{error}; {self.kept}") from error.__cause__

    def save(self, checkpoint: Checkpoint, keep: int) -> Path:
        """Save a checkpoint, and what was logged before it. Raises GanzooError when that fails."""
        from ganzoo.checkpoint import save

        if (self.path / METRICS).exists():
            with _writing(self.path):
                durable.sync(self.path / METRICS)
        return save(self.checkpoints, checkpoint, keep)

    def checkpoint(self, which: str = "newest") -> Path:
        """The checkpoint called "newest", "best" or "step-00002000". GanzooError when there is none."""
        if which in ("newest", "best"):
            return self.newest if which == "newest" else self.best
        names = [path.name for path in self.saved]
        if which not in names:
            hint = did_you_mean(which, names) or f"; expected newest, best, {', '.join(names)}"
            raise GanzooError(f"{self.path} has no checkpoint {which!r}{hint}")
        return self.checkpoints / which

    def load(self, which: str = "newest") -> Model:
        """The model with its averaged weights (the live ones where nothing was averaged), in evaluation mode.

        `which`: "newest", "best", or the name of a checkpoint. Logs which versions differ from those it was
        trained with. Raises GanzooError for a damaged folder.
        """
        from ganzoo import checkpoint, vocabulary
        from ganzoo.assemble import assemble
        from ganzoo.plugins import load as load_plugins
        from ganzoo.runtime import explaining_memory

        path, recipe = self.checkpoint(which), self.recipe
        with explaining_memory(f"its recipe, {self.path / RECIPE}, asks for a model larger than that"):
            plan = assemble(recipe, load_plugins())
            model = vocabulary.knowing(plan, vocabulary.kept(self.vocabulary, plan)).build()
        saved = checkpoint.load(path, optimizers=False)
        checkpoint.load_model_state(model, saved.weights, path)
        if saved.averages is not None:
            checkpoint.load_averages(model, saved.averages, path)
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
