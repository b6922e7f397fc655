"""On what a comparison was made: the device, its processor, versions; and when."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

import torch

from ganzoo.distributions import installed_version
from ganzoo.runtime import device_called


def now() -> str:
    """The time in UTC, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def described(device: str) -> dict[str, str]:
    """The device's name, cores, threads and versions."""
    found = device_called(device)
    name = torch.cuda.get_device_name() if found.type == "cuda" else _processor()
    versions = {name: installed_version(name) or "" for name in ("ganzoo", "torch", "timm")}
    return {
        "device": f"{found.type}: {name}",
        "cores": str(os.cpu_count()),
        "threads": str(torch.get_num_threads()),
        "system": platform.system(),
        "python": platform.python_version(),
        **{name: version for name, version in versions.items() if version},
    }


def _processor() -> str:
    """The processor's name, as Linux tells it; else what Python knows."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.machine()
