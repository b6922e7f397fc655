"""What the suite is asked to time, and what it says of each benchmark: the two files between processes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal


@dataclass(frozen=True)
class Job:
    """`models`: what the catalogue finds each one by, by its name in tables.

    `full`: recipes as they are, not in tiny form. `rounds`, `seconds`: at least so many rounds of each
    benchmark, and as many as fit into that time. `outcomes`: the file that gets a line a benchmark. `cache`:
    the folder for packed pictures.
    """

    models: Mapping[str, str]
    device: str
    full: bool
    rounds: int
    seconds: float
    outcomes: str
    cache: str

    @classmethod
    def read(cls, path: Path) -> Job:
        """The job at `path`."""
        return cls(**json.loads(path.read_text()))

    def write(self, path: Path) -> None:
        """Put it at `path`."""
        path.write_text(json.dumps(asdict(self)))


@dataclass(frozen=True)
class Outcome:
    """One benchmark: `name` (of a model or a metric) in `group`. `reason`: why it failed or was skipped."""

    group: str
    name: str
    state: Literal["begun", "timed", "failed", "skipped"]
    reason: str = ""
