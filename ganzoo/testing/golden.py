"""Golden files: numbers that an original implementation computed, to compare with in float64.

A golden folder holds `io.safetensors` (inputs, draws and results), `weights.safetensors` (before anything
ran) and `meta.json` (sizes, source, notes).
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor


class Golden:
    """One golden folder; floating tensors come in `dtype`."""

    def __init__(self, folder: Path, dtype: torch.dtype = torch.float64) -> None:
        self.folder, self.dtype = folder, dtype

    @cached_property
    def io(self) -> dict[str, Tensor]:
        """Inputs and results by their full key, such as `in/real_img`."""
        return self._load("io")

    @cached_property
    def weights(self) -> dict[str, Tensor]:
        """Parameters and running statistics before anything ran."""
        return self._load("weights")

    @cached_property
    def meta(self) -> dict[str, Any]:
        """Sizes, source and notes."""
        meta: dict[str, Any] = json.loads((self.folder / "meta.json").read_text())
        return meta

    def under(self, prefix: str, weights: bool = False) -> dict[str, Tensor]:
        """Every tensor whose key starts with `prefix`, without it."""
        source = self.weights if weights else self.io
        return {key.removeprefix(prefix): value for key, value in source.items() if key.startswith(prefix)}

    def _load(self, name: str) -> dict[str, Tensor]:
        tensors = load_file(self.folder / f"{name}.safetensors")
        return {key: t.to(self.dtype) if t.is_floating_point() else t for key, t in tensors.items()}


class RecordedDraws:
    """Draws that were recorded, handed out in order through the engine's one door. Implements `Draws`."""

    def __init__(self, normals: Iterable[Tensor] = (), uniforms: Iterable[Tensor] = ()) -> None:
        self._normals, self._uniforms = list(normals), list(uniforms)

    def normal(self, rows: int, width: int) -> Tensor:
        """The next recorded normal draw; a draw of width 0 is not recorded."""
        if width == 0:
            return torch.zeros(rows, 0, dtype=torch.float64)
        draw = self._normals.pop(0).reshape(-1, width)
        assert len(draw) == rows, f"{rows} rows were asked for, the next recorded draw has {len(draw)}"
        return draw

    def uniform(self, rows: int) -> Tensor:
        """The next recorded uniform draw."""
        draw = self._uniforms.pop(0)
        assert len(draw) == rows, f"{rows} rows were asked for, the next recorded draw has {len(draw)}"
        return draw

    @property
    def left(self) -> int:
        """How many recorded draws nobody asked for."""
        return len(self._normals) + len(self._uniforms)


def relative_error(ours: Tensor, reference: Tensor, floor: float = 0.0) -> float:
    """|ours - reference| / max(|reference|, floor), in the 2-norm."""
    assert ours.shape == reference.shape, f"{tuple(ours.shape)} against {tuple(reference.shape)}"
    difference = (ours.detach().double() - reference.double()).norm()
    return float(difference / max(float(reference.double().norm()), floor, 1e-300))


def assert_close(ours: Tensor, reference: Tensor, tolerance: float, what: str = "") -> None:
    """Equal within `tolerance`, by the 2-norm and by the largest entry, relative to the reference."""
    error = relative_error(ours, reference)
    largest = (
        ours.detach().double() - reference.double()
    ).abs().max() / reference.double().abs().max().clamp_min(1e-300)
    assert max(error, float(largest)) <= tolerance, (
        f"{what}: off by {error:.2e} (norm), {float(largest):.2e} (largest)"
    )


def assert_all_close(
    ours: Mapping[str, Tensor], reference: Mapping[str, Tensor], tolerance: float, floor: float = 0.0
) -> None:
    """Every reference tensor by name, relative 2-norm.

    `floor` x the largest reference norm bounds the denominator from below: the gradient of a bias in front of
    a batch norm is zero but for rounding noise.
    """
    lowest = floor * max(float(value.double().norm()) for value in reference.values())
    errors = {name: relative_error(ours[name], value, lowest) for name, value in reference.items()}
    off = {name: error for name, error in errors.items() if error > tolerance}
    assert not off, f"{len(off)} of {len(errors)} differ by more than {tolerance}: {off}"
