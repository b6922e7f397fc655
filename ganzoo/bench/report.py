"""The report of a comparison: one HTML file that needs nothing else, for any browser, phone or printer.

All text of the results (captions, names, reasons) is a stranger's: it is escaped, and the page's policy runs
no script but its own and loads nothing from anywhere.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from ganzoo import durable
from ganzoo.bench import plots, views, wording
from ganzoo.bench.columns import Column, columns
from ganzoo.bench.protocols import flat
from ganzoo.bench.results import Results
from ganzoo.errors import GanzooError, printable

HERE = Path(__file__).parent
TEMPLATE, SCRIPT, SHEET = "report.html.j2", "report.js", "report.css"


def render(results: Results, folder: Path) -> str:
    """The page. `folder`: where results.json lies; names of pictures are relative to it.

    A picture that is not there, is no PNG or lies elsewhere is named in its place.
    """
    script = (HERE / SCRIPT).read_text()
    page = _environment().get_template(TEMPLATE)
    return page.render(
        _content(results, folder),
        sheet=Markup((HERE / SHEET).read_text()),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def write(results: Results, folder: Path, out: Path) -> Path:
    """Write the page to `out`, in one step; its path. Raises GanzooError when that fails."""
    page = render(results, folder)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        durable.replace(out, page)
    except OSError as error:
        raise GanzooError(f"cannot write the report {out}: {error.strerror or error}") from error
    return out


def _content(results: Results, folder: Path) -> dict[str, Any]:
    models = views.models(results)
    found = columns([model.row.scores for model in models], results.metrics)
    usual = [column for column in found if column.usual]
    unusual = [column for column in found if not column.usual]
    ranking = usual[0] if usual and results.metrics[:1] == [usual[0].name] else None
    trainings = [(model, training) for model in models for training in model.row.trainings]
    single = columns([training.scores for _, training in trainings], results.metrics)
    scores = [score for column in (*found, *single) for score in column.scores.values()]
    content = {
        "results": results,
        "models": models,
        "ranking": ranking,
        "leaders": views.leading(models, ranking) if ranking else [],
        "usual": usual,
        "unusual": unusual,
        "apart": {line for column in unusual for line in column.scores},
        "intervals": views.kinds(usual),
        "notes": views.leaks(scores),
        "left_out": [row for row in results.rows if row.state != "done"],
        "score_plots": plots.score_plots(models, usual),
        "captions": views.captions(results, models, folder),
        "courses": plots.courses(models, results.metrics),
        "speed_plots": plots.speed_plots(models, ranking) if ranking else [],
        "ablations": views.ablations(results),
        "published": [row for row in results.rows if row.reported],
        "trainings": trainings,
        "single": single,
        "speed": views.speed(results),
        "protocols": [(column, flat(column.first.protocol)) for column in found],
        "settings": flat(results.settings),
        "recipes": [row for row in results.rows if row.recipe],
    }
    return content | {"contents": _contents(content)}


def _contents(content: dict[str, Any]) -> dict[str, str]:
    """The sections that have something to show: their anchors and headings."""
    sections = (
        ("ranking", "Ranking", True),
        ("left-out", "Left out", content["left_out"]),
        ("samples", "Samples", content["captions"]),
        ("training", "Over training", content["courses"]),
        ("quality-speed", "Quality and speed", content["models"]),
        ("ablations", "Ablations", content["ablations"]),
        ("published", "Published scores", content["published"]),
        ("seeds", "Single trainings", content["trainings"]),
        ("benchmarks", "Speed benchmarks", content["speed"]),
        ("protocols", "Protocols", content["protocols"]),
        ("settings", "Settings and versions", True),
        ("recipes", "Recipes", content["recipes"]),
    )
    return {anchor: heading for anchor, heading, shown in sections if shown}


def _environment() -> Environment:
    """Everything put into a page is made printable and escaped, but for what is marked as markup."""

    def finalize(value: Any) -> Any:
        return printable(value) if isinstance(value, str) and not isinstance(value, Markup) else value

    environment = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
    )
    environment.filters |= {
        "digits": wording.number,
        "short": wording.short,
        "scaled": wording.scaled,
        "duration": wording.duration,
        "flat": flat,
    }
    environment.globals |= {"direction": _direction}
    return environment


def _direction(column: Column) -> str:
    return "lower is better" if column.lower_is_better else "higher is better"
