"""Tiny CLIPs of the package's own class, saved as checkpoints; no test may download."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import torch
from ganzoo_clip.package import CLIP
from torch import nn

TEXT = {"context_length": 12, "vocab_size": 49408, "transformer_width": 64, "transformer_heads": 1}
KINDS: dict[str, dict[str, Any]] = {
    "transformer": {"image_resolution": 24, "vision_layers": 2, "vision_width": 64, "vision_patch_size": 8},
    "resnet": {
        "image_resolution": 64, "vision_layers": (1, 1, 2, 1), "vision_width": 4, "vision_patch_size": None,
    },
}  # fmt: skip


def tiny_clip(kind: str, width: int = 20) -> Any:
    """With every weight stirred: biases and norms begin as constants, a ResNet's last norms at 0."""
    torch.manual_seed(0)
    network = CLIP.model.CLIP(embed_dim=width, transformer_layers=2, **TEXT, **KINDS[kind]).eval()
    for name, parameter in network.named_parameters():
        if parameter.dim() < 2:
            nn.init.normal_(parameter, float(name.endswith("weight")), 0.2)
        elif kind == "transformer":
            parameter.data.mul_(3)
    return network.requires_grad_(False)


@pytest.fixture(scope="session")
def clips() -> dict[str, Any]:
    return {kind: tiny_clip(kind) for kind in KINDS}


@pytest.fixture(scope="session")
def checkpoints(clips, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clip")
    for kind, network in clips.items():
        torch.save(network.state_dict(), folder / f"{kind}.pt")
    return {kind: folder / f"{kind}.pt" for kind in clips}


@pytest.fixture(autouse=True)
def no_downloads(monkeypatch) -> None:
    """As on a machine without a connection."""

    def refuse(*_: object, **__: object) -> None:
        raise urllib.error.URLError("no connection")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
