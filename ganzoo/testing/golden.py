"""Golden files: numbers that an original implementation computed, and its draws, to compare with.

A golden folder holds `io.safetensors` (inputs, draws and results), `weights.safetensors` (before anything
ran) and `meta.json` (sizes under `config`, source, notes).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor


@dataclass(frozen=True)
class Golden:
    """One golden folder, read when asked for."""

    folder: Path

    @cached_property
    def config(self) -> dict[str, Any]:
        """The sizes that the original ran at."""
        config: dict[str, Any] = json.loads((self.folder / "meta.json").read_text())["config"]
        return config

    @cached_property
    def scalars(self) -> dict[str, Any]:
        """Losses and norms: a number each, or several by name."""
        scalars: dict[str, Any] = json.loads((self.folder / "meta.json").read_text())["scalars"]
        return scalars

    @cached_property
    def io(self) -> dict[str, Tensor]:
        """Inputs, draws and results by their full key, such as `in/real_img`."""
        return load_file(self.folder / "io.safetensors")

    @cached_property
    def weights(self) -> dict[str, Tensor]:
        """Parameters and running statistics before anything ran."""
        return load_file(self.folder / "weights.safetensors")

    def error(self, ours: Tensor, key: str) -> float:
        """|ours - theirs| / |theirs| in the 2-norm, of `io[key]`."""
        theirs = self.io[key].double().flatten()
        return float((ours.detach().double().flatten() - theirs).norm() / theirs.norm())

    def picture_errors(self, ours: Tensor, key: str) -> dict[str, float]:
        """`error` of pictures [b, c, r, r] in every reduced form in which `io` has `key`.

        Whole, or with a suffix: `_sK` every K-th pixel, `_crop` the 16x16 centre, `_mean` and `_sq` the mean
        and the mean square over pixels.
        """
        pattern = re.compile(re.escape(key) + r"(_s\d+|_crop|_mean|_sq|)")
        forms = {name: match[1] for name in self.io if (match := pattern.fullmatch(name))}
        assert forms, f"{self.folder.name} has no {key}"
        return {name: self.error(_reduced(ours, form), name) for name, form in forms.items()}

    def gradient_errors(self, ours: Mapping[str, Tensor], prefix: str) -> dict[str, float]:
        """`error` of each gradient by its name, which follows `prefix` in `io`.

        Where theirs is zero but for rounding (a bias in front of a batch norm): ours over their largest.
        """
        theirs = {k.removeprefix(prefix): v for k, v in self.io.items() if k.startswith(prefix)}
        largest = max(float(value.norm()) for value in theirs.values())
        return {
            name: self.error(value, prefix + name)
            if float(theirs[name].norm()) > 1e-5 * largest
            else float(value.norm()) / largest
            for name, value in ours.items()
        }


def _reduced(x: Tensor, form: str) -> Tensor:
    """Pictures [b, c, r, r] in a reduced form, named by its suffix."""
    top = x.shape[2] // 2 - 8
    match form:
        case "":
            return x
        case "_crop":
            return x[:, :, top : top + 16, top : top + 16]
        case "_mean":
            return x.mean((2, 3))
        case "_sq":
            return x.square().mean((2, 3))
    stride = int(form.removeprefix("_s"))
    return x[:, :, ::stride, ::stride]


class RecordedDraws:
    """Draws that were recorded, handed out in order through the engine's one door, `randomness.Draws`."""

    def __init__(self, normals: Iterable[Tensor] = (), uniforms: Iterable[Tensor] = ()) -> None:
        self._normals, self._uniforms = list(normals), list(uniforms)

    def normal(self, rows: int, width: int) -> Tensor:
        """The next recorded normal draw; one of width 0 is not recorded."""
        draw = self._normals.pop(0) if width else torch.zeros(rows, 0)
        assert draw.shape == (rows, width), f"asked for {(rows, width)}, recorded {tuple(draw.shape)}"
        return draw

    def uniform(self, rows: int) -> Tensor:
        """The next recorded uniform draw."""
        draw = self._uniforms.pop(0)
        assert draw.shape == (rows,), f"asked for {(rows,)}, recorded {tuple(draw.shape)}"
        return draw

    @property
    def left(self) -> int:
        """How many recorded draws nobody asked for."""
        return len(self._normals) + len(self._uniforms)
