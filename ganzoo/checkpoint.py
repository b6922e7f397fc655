"""All a run needs to go on: weights and averages in safetensors, optimizers, the step.

A checkpoint is a folder `step-N`. It appears whole or not at all, and holds a digest of each of its files, so
that damage that comes later is found when it is read.
"""

from __future__ import annotations

import io
import json
import math
import os
import re
import shutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from ganzoo import durable, untrusted
from ganzoo.errors import GanzooError
from ganzoo.model import Model
from ganzoo.weight_files import LARGEST_FILE, unpack_safetensors, unpack_torch

NAME = re.compile(r"step-[0-9]{8,}")
WEIGHTS, AVERAGES, OPTIMIZERS, STATE = "model.safetensors", "ema.safetensors", "optimizers.pt", "state.json"
PARTIAL, ASIDE = ".partial-", "damaged-"
LARGEST_STATE = 1_000_000  # bytes

# A checkpoint that lacks a file is damaged; one that may not be read, or lies on a broken disk, may be sound.
GONE = (FileNotFoundError, NotADirectoryError, IsADirectoryError)


class DamagedCheckpoint(GanzooError):
    """A checkpoint that is not as it was saved."""


@dataclass(frozen=True)
class Measured:
    """What metrics said of a checkpoint. `decides`: the one of `values` that tells which is the best."""

    decides: str
    lower_is_better: bool
    values: Mapping[str, float]

    @property
    def score(self) -> float:
        """The deciding value, the higher the better; a value that is not finite is the worst."""
        value = self.values[self.decides]
        return (-value if self.lower_is_better else value) if math.isfinite(value) else -math.inf


@dataclass(frozen=True)
class Checkpoint:
    """Where a run stands. `step` counts finished steps of `phase`, `total` those of all phases."""

    phase: str
    step: int
    total: int
    weights: Mapping[str, Tensor]
    averages: Mapping[str, Tensor] | None
    optimizers: Mapping[str, Any]
    measured: Measured | None = None

    @property
    def name(self) -> str:
        """What its folder is called."""
        return f"step-{self.total:08d}"


def model_state(model: Model) -> dict[str, Tensor]:
    """The model's weights without those of encoders that restore their own."""
    left_out = tuple(
        f"{name}."
        for name, component in (("text_encoder", model.plan.text), ("image_encoder", model.plan.image))
        if component is not None and component.pretrained
    )
    return {k: v for k, v in model.state_dict().items() if not (left_out and k.startswith(left_out))}


def check_fit(own: Mapping[str, Tensor], state: Mapping[str, Tensor], where: Path) -> None:
    """Raise GanzooError listing what `state` lacks, has beyond `own`, or has in another shape."""
    problems = [f"missing {name}" for name in own.keys() - state.keys()]
    problems += [f"unknown {name}" for name in state.keys() - own.keys()]
    problems += [
        f"{name} has shape {tuple(state[name].shape)}, the model wants {tuple(value.shape)}"
        for name, value in own.items()
        if name in state and state[name].shape != value.shape
    ]
    if problems:
        more = f"; and {len(problems) - 6} more" if len(problems) > 6 else ""
        shown = "; ".join(sorted(problems)[:6]) + more
        raise GanzooError(f"the weights in {where} do not fit this recipe: {shown}")


def load_model_state(model: Model, state: Mapping[str, Tensor], where: Path) -> None:
    """Fill the model. Raises GanzooError listing missing, unknown and misshapen entries."""
    check_fit(model_state(model), state, where)
    model.load_state_dict({**model.state_dict(), **state})


def load_averages(model: Model, state: Mapping[str, Tensor], where: Path) -> None:
    """Give the generator its averaged weights. Raises GanzooError as `load_model_state` does."""
    check_fit(model.generator.state_dict(), state, where)
    model.generator.load_state_dict(dict(state))


def save(folder: Path, checkpoint: Checkpoint, keep: int = 2) -> Path:
    """Write `folder/step-N` whole or not at all.

    Then delete all but the newest `keep` (0 = keep all) and the best. Raises GanzooError when that fails.
    """
    target, partial = folder / checkpoint.name, folder / f"{PARTIAL}{checkpoint.name}"
    try:
        sweep(folder)
        partial.mkdir(parents=True)
        files = {name: durable.write(partial / name, pack()) for name, pack in _files(checkpoint).items()}
        state = {
            "phase": checkpoint.phase,
            "step": checkpoint.step,
            "total": checkpoint.total,
            "measured": asdict(checkpoint.measured) if checkpoint.measured else None,
            "files": files,
        }
        durable.write(partial / STATE, f"{json.dumps(state, indent=2)}\n".encode())
        durable.sync(partial)
        if target.exists():
            durable.discard(target)
        os.replace(partial, target)
        durable.sync(folder)
        best, saved = best_in(folder), all_in(folder)
        for old in saved[:-keep] if keep else ():
            if old != best:
                durable.discard(old)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise GanzooError(f"cannot write the checkpoint {target}: {error.strerror or error}") from error
    return target


def _files(checkpoint: Checkpoint) -> dict[str, Callable[[], bytes | memoryview]]:
    """What the files of a checkpoint hold, each made when asked for: no more than one stays in memory."""
    averages = checkpoint.averages
    files: dict[str, Callable[[], bytes | memoryview]] = {
        WEIGHTS: lambda: safetensors.torch.save(_on_cpu(checkpoint.weights)),
        OPTIMIZERS: lambda: _pickled(checkpoint.optimizers),
    }
    if averages is not None:
        files[AVERAGES] = lambda: safetensors.torch.save(_on_cpu(averages))
    return files


def _pickled(optimizers: Mapping[str, Any]) -> memoryview:
    buffer = io.BytesIO()
    torch.save(dict(optimizers), buffer)
    return buffer.getbuffer()


def sweep(folder: Path) -> None:
    """Remove what saving and deleting left when they were cut short."""
    for left in (*folder.glob(f"{PARTIAL}*"), *folder.glob(f"{durable.GONE}*")):
        shutil.rmtree(left)


def set_aside(path: Path) -> Path:
    """Rename a damaged checkpoint so that it counts no more. Returns its new place."""
    aside = path.with_name(f"{ASIDE}{path.name}")
    if aside.exists():
        durable.discard(aside)
    os.replace(path, aside)
    return aside


def all_in(folder: Path) -> list[Path]:
    """The complete checkpoints of a run, oldest first."""
    return sorted((path for path in folder.glob("step-*") if NAME.fullmatch(path.name)), key=step_of)


def step_of(path: Path) -> int:
    """The number in the name of a checkpoint's folder."""
    return int(path.name.removeprefix("step-"))


def best_in(folder: Path) -> Path | None:
    """The best of the measured checkpoints, the first of equals; None where none was measured.

    Those of one phase are compared, that of the newest of them, by the number that decided there.
    """
    measured = {path: found for path in all_in(folder) if (found := _measured(path))}
    if not measured:
        return None
    phase, newest = list(measured.values())[-1]
    alike = {p: m for p, (of, m) in measured.items() if (of, m.decides) == (phase, newest.decides)}
    return max(alike, key=lambda path: alike[path].score)


def _measured(path: Path) -> tuple[str, Measured] | None:
    """The checkpoint's phase, and what was measured; None where nothing was."""
    try:
        state = untrusted.read_json(path / STATE, LARGEST_STATE, STATE)
        measured = Measured(**said) if (said := state.get("measured")) else None
        fits = measured and isinstance(measured.score, (int, float))
        return (str(state["phase"]), measured) if measured and fits else None
    except (GanzooError, ValueError, KeyError, AttributeError, TypeError, OverflowError):
        return None  # a damaged one is not the best


def load(path: Path, optimizers: bool = True) -> Checkpoint:
    """Read one checkpoint; optimizer states only when asked.

    Raises DamagedCheckpoint for one that is not as it was saved, GanzooError where it may not be read.
    """
    try:
        state = _state(path)
        files = state.get("files")  # runs of ganzoo's first days have none, and cannot be checked
        averaged = AVERAGES in files if files else (path / AVERAGES).exists()
        return Checkpoint(
            state["phase"],
            state["step"],
            state["total"],
            unpack_safetensors(_read(path, WEIGHTS, files), WEIGHTS),
            unpack_safetensors(_read(path, AVERAGES, files), AVERAGES) if averaged else None,
            unpack_torch(_read(path, OPTIMIZERS, files), OPTIMIZERS) if optimizers else {},
            found[1] if (found := _measured(path)) else None,
        )
    except (GanzooError, ValueError, KeyError, TypeError) as error:
        said, cause = f"the checkpoint {path} cannot be read: {error}", error.__cause__
        if isinstance(cause, OSError) and not isinstance(cause, GONE):
            raise GanzooError(said) from cause
        raise DamagedCheckpoint(said) from error


def _state(path: Path) -> dict[str, Any]:
    """What state.json says. Raises ValueError where that is no step, or another checkpoint's."""
    state = untrusted.read_json(path / STATE, LARGEST_STATE, STATE)
    steps = (state["step"], state["total"])
    if type(state["phase"]) is not str or any(type(number) is not int for number in steps):
        raise ValueError(f"{STATE} has no phase and numbers of steps")
    if not 0 <= state["step"] <= state["total"]:
        raise ValueError(f"{STATE} says step {state['step']} of {state['total']}")
    if NAME.fullmatch(path.name) and state["total"] != step_of(path):
        raise ValueError(f"{STATE} belongs to step {state['total']}")
    return state


def _read(path: Path, name: str, files: Mapping[str, str] | None) -> bytes:
    """A file of a checkpoint. Raises ValueError where it is not what was saved."""
    data = untrusted.read_bytes(path / name, LARGEST_FILE, name)
    if files and durable.digest(data) != files[name]:
        raise ValueError(f"{name} is not as it was saved (another SHA-256; it has {len(data)} bytes)")
    return data


def _on_cpu(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().contiguous() for name, value in state.items()}
