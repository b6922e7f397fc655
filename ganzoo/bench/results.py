"""`results.json`: what a comparison found, row by row; and how it is read back.

The file is one JSON object, version 1 of a form that later versions extend. Numbers are plain, pictures are
files beside it. docs/bench.md describes every field.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

from pydantic import Field, ValidationError

from ganzoo import durable, untrusted
from ganzoo.errors import GanzooError
from ganzoo.evaluation.scores import Form
from ganzoo.evaluation.scores import Score as Score

if TYPE_CHECKING:
    from ganzoo.recipe import Recipe

VERSION: Final = 1
NAME = "results.json"
LARGEST = 200_000_000  # bytes


class Sampling(Form):
    """Drawing: seconds for one picture, pictures a second at batch 16, bytes at most above the weights."""

    latency: float
    throughput: float
    peak_memory: int | None = None


class Training(Form):
    """One training: where it lies, its seed, steps and pictures seen, seconds it took, pictures a second."""

    run: str
    seed: int
    steps: int
    images: int
    seconds: float
    images_per_second: float
    scores: list[Score] = Field(default_factory=list)


class Curve(Form):
    """A number over training, of one seed: `points` are [step, seconds, value]."""

    name: str
    seed: int
    points: list[tuple[float, float, float]]


class Row(Form):
    """One model.

    `state`: "done"; "broken", and `reason` is what went wrong; "refused", and `reason` is why it cannot be
    compared. `recipe`: its resolved YAML. `scores`: over all trainings. `parameters`: weights of the
    generator (with conditionings) and of all. `flops`: of drawing one picture. `pictures`: a file a caption
    of the results' `captions`, beside results.json. `reported`: the scores its paper reports, on the paper's
    data.
    """

    name: str
    state: Literal["done", "broken", "refused"]
    reason: str = ""
    title: str = ""
    paper: str = ""
    recipe: str = ""
    resolution: int = 0
    parameters: dict[str, int] = Field(default_factory=dict)
    flops: int | None = None
    scores: list[Score] = Field(default_factory=list)
    sampling: Sampling | None = None
    trainings: list[Training] = Field(default_factory=list)
    curves: list[Curve] = Field(default_factory=list)
    pictures: list[str] = Field(default_factory=list)
    reported: dict[str, float | str] = Field(default_factory=dict)

    @classmethod
    def of(cls, recipe: Recipe, state: Literal["done", "broken", "refused"], **known: Any) -> Row:
        """A row with what its recipe says, and what else is known."""
        said = {
            "name": recipe.name,
            "title": recipe.title,
            "paper": recipe.paper,
            "recipe": recipe.to_yaml(),
            "reported": {name: _reported(value) for name, value in recipe.reported.items()},
        }
        return cls.model_validate({**said, "state": state, **known})

    def score(self, name: str) -> Score | None:
        """The score of that name, if there is one."""
        return next((score for score in self.scores if score.name == name), None)


class Ablation(Form):
    """Two rows whose recipes differ in one place."""

    one: str
    other: str
    path: str
    values: tuple[str, str]


class Results(Form):
    """A whole comparison.

    `settings`: data, budget, seeds, samples and what else was asked for. `machine`: device and versions.
    `captions`: those of the pictures, `real`: files of the real ones, in their order. `metrics`: names of
    scores in the order asked for; rows are ranked by the first. `speed`: a pytest-benchmark report, whole.
    """

    version: Literal[1] = VERSION
    made: str
    settings: dict[str, Any]
    machine: dict[str, str]
    metrics: list[str] = Field(default_factory=list)
    captions: list[str] = Field(default_factory=list)
    real: list[str] = Field(default_factory=list)
    rows: list[Row] = Field(default_factory=list)
    ablations: list[Ablation] = Field(default_factory=list)
    speed: dict[str, Any] | None = None

    def row(self, name: str) -> Row | None:
        """The row of that name, if there is one."""
        return next((row for row in self.rows if row.name == name), None)


def _reported(value: Any) -> float | str:
    """`{value: 2.88, error: 0.04, source: ...}` as text; a number as it is."""
    if not isinstance(value, Mapping):
        return value if isinstance(value, (int, float)) else str(value)
    error = f" ± {value['error']}" if "error" in value else ""
    source = f" ({value['source']})" if "source" in value else ""
    return f"{value.get('value', '')}{error}{source}"


def check_writable(folder: Path) -> None:
    """Find out before anything is computed whether results can be written. Raises GanzooError if not."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError as error:
        raise GanzooError(f"cannot write results to {folder}: {error.strerror or error}") from error


def save(results: Results, folder: Path) -> Path:
    """Write `results.json` into `folder`, in one step; its path. Raises GanzooError when that fails."""
    path = folder / NAME
    try:
        folder.mkdir(parents=True, exist_ok=True)
        durable.replace(path, results.model_dump_json(indent=1) + "\n")
    except OSError as error:
        raise GanzooError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def load(path: Path) -> Results:
    """The results at `path`, a results.json or the folder of one.

    Raises GanzooError: it is not there, is no JSON, of another version, a field is missing or wrong.
    """
    path = path / NAME if path.is_dir() else path
    read = untrusted.read_json(path, LARGEST)
    if read.get("version") != VERSION:
        raise GanzooError(
            f"{path} is of version {read.get('version')!r}; this ganzoo reads version {VERSION}"
        )
    try:
        return Results.model_validate(read)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise GanzooError(f"{path} is no comparison's results: `{where}`: {first['msg']}") from error
