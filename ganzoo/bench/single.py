"""`ganzoo eval`: the scores of one run, in the form of a comparison of one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from ganzoo.bench import machine, results
from ganzoo.bench.results import Results, Row
from ganzoo.evaluation.evaluate import evaluate
from ganzoo.run import Run


def evaluate_run(
    run: Run | str | Path,
    metrics: Iterable[str | Mapping[str, Any]] | None = None,
    data: str | Path | None = None,
    *,
    out: Path | None = None,
    **options: Any,
) -> Results:
    """`evaluate` with what is asked for, as `Results` of one row; written to `out`/results.json where given.

    Raises GanzooError as `evaluate` does, and where `out` cannot be written.
    """
    opened = run if isinstance(run, Run) else Run.open(run)
    if out:
        results.check_writable(out)
    found = evaluate(opened, metrics, data, **options)
    protocol = found.scores[0].protocol
    row = Row.of(opened.recipe, "done", resolution=found.drawn.shape[-1], scores=found.scores)
    made = Results(
        made=machine.now(),
        settings={"data": protocol["data"], "samples": protocol["samples"], "run": opened.path.name},
        machine=machine.described(options.get("device", "auto")),
        metrics=[score.name for score in found.scores if score.decides],
        rows=[row],
    )
    if out:
        results.save(made, out)
    return made
