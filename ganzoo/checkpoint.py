"""All a run needs to go on: weights and averages in safetensors, optimizers, the step; written atomically."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor

from ganzoo.errors import GanzooError
from ganzoo.model import Model

NAME = re.compile(r"step-(\d{8})")

# What reading a damaged checkpoint raises.
DAMAGED = (
    OSError, ValueError, KeyError, TypeError, RuntimeError, EOFError, SafetensorError, pickle.UnpicklingError,
)  # fmt: skip


@dataclass(frozen=True)
class Checkpoint:
    """Where a run stands. `step` counts finished steps of `phase`, `total` those of all phases."""

    phase: str
    step: int
    total: int
    weights: Mapping[str, Tensor]
    averages: Mapping[str, Tensor] | None
    optimizers: Mapping[str, Any]


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
    """Write `folder/step-N` whole or not at all, then delete all but the newest `keep` (0 = keep all)."""
    target = folder / f"step-{checkpoint.total:08d}"
    partial = folder / f".partial-{target.name}-{os.getpid()}"
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        save_file(_on_cpu(checkpoint.weights), partial / "model.safetensors")
        if checkpoint.averages is not None:
            save_file(_on_cpu(checkpoint.averages), partial / "ema.safetensors")
        torch.save(dict(checkpoint.optimizers), partial / "optimizers.pt")
        state = {"phase": checkpoint.phase, "step": checkpoint.step, "total": checkpoint.total}
        (partial / "state.json").write_text(json.dumps(state) + "\n")
        shutil.rmtree(target, ignore_errors=True)
        os.replace(partial, target)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise GanzooError(f"cannot write the checkpoint {target}: {error.strerror or error}") from error
    for old in all_in(folder)[:-keep] if keep else ():
        shutil.rmtree(old)
    return target


def all_in(folder: Path) -> list[Path]:
    """The complete checkpoints of a run, oldest first."""
    return sorted(path for path in folder.glob("step-*") if NAME.fullmatch(path.name))


def load(path: Path, optimizers: bool = True) -> Checkpoint:
    """Read one checkpoint; optimizer states only when asked. Raises GanzooError for a damaged one."""
    try:
        state = json.loads((path / "state.json").read_text("utf-8"))
        averages = path / "ema.safetensors"
        return Checkpoint(
            str(state["phase"]),
            int(state["step"]),
            int(state["total"]),
            load_file(path / "model.safetensors"),
            load_file(averages) if averages.exists() else None,
            torch.load(path / "optimizers.pt", weights_only=True, map_location="cpu") if optimizers else {},
        )
    except DAMAGED as error:
        raise GanzooError(f"the checkpoint {path} cannot be read: {error}") from error


def _on_cpu(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name: value.detach().cpu().contiguous() for name, value in state.items()}
