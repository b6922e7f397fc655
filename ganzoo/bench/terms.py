"""What is the same for every row of a comparison."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ganzoo.errors import GanzooError


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What is the same for every row.

    `data`: a data set's component; None = the first model's. `folder`: where its files are. `budget`: as in
    20m, 2000steps, 100000images. `seeds`: of trainings. `metrics`: names, or mappings with options; None =
    what fits a model. `samples`: pictures a model; None = as many as there are held-out captions, from 1,000.
    `points`: so many checkpoints on the way are measured by the first metric, for curves. `speed`: a report
    of `ganzoo bench speed` to show beside.
    """

    data: str | None = None
    folder: str | Path | None = None
    budget: str = "20m"
    seeds: Sequence[int] = (0,)
    metrics: Sequence[Any] | None = None
    samples: int | None = None
    points: int = 0
    device: str = "auto"
    speed: str | Path | None = None

    def __post_init__(self) -> None:
        seeds = list(self.seeds)
        if not seeds or len(set(seeds)) < len(seeds) or min(seeds) < 0:
            raise GanzooError(f"a comparison was given the seeds {seeds}; expected different ones from 0")
        if self.points < 0:
            raise GanzooError(f"a comparison was given {self.points} points of a curve; expected 0 or more")

    @property
    def path(self) -> Path | None:
        """The folder of the data set, in full."""
        return Path(self.folder).expanduser().absolute() if self.folder else None
