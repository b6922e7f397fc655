"""Copies what comparison.md shows out of two comparisons: tables, results, screenshots of the reports.

python docs/results/comparison.py EMOJI SHAPES LONGER

EMOJI, SHAPES, LONGER: the folders that `ganzoo bench` wrote (the commands are in comparison.md). Screenshots,
of the beginning of a report, are taken by Chromium, through playwright.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from ganzoo.bench import report, results
from ganzoo.bench.columns import ranking
from ganzoo.bench.results import Results, Row

HERE = Path(__file__).parent
DESKTOP, PHONE = (1280, 900), (390, 844)
TALL = 2600  # pixels of a report that are shown


def shots(page: Path, name: str) -> None:
    """The ranking and the first samples on a desktop and on a phone."""
    chromium = shutil.which("chromium")
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for kind, (width, height) in {"desktop": DESKTOP, "phone": PHONE}.items():
            tab = browser.new_page(viewport={"width": width, "height": height}, device_scale_factor=1)
            tab.goto(page.resolve().as_uri())
            clip = {"x": 0, "y": 0, "width": width, "height": TALL}
            tab.screenshot(path=HERE / f"comparison-{name}-{kind}.png", full_page=True, clip=clip)
        browser.close()


def table(found: Results) -> str:
    """Finished models, best first: each metric with its interval, speed, weights."""
    heads = ["model", *found.metrics, "steps", "pictures seen", "seconds", "weights of G", "drawn a second"]
    lines = [heads, ["---"] * len(heads)]
    placed, others = ranking(found)
    for row in [*placed, *others, *(row for row in found.rows if row.state != "done")]:
        lines.append([row.name, *_cells(found, row)])
    floors = [_floor(found, name) for name in found.metrics]
    lines.append(["*real pictures*", *floors, *[""] * 5])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(found: Results, row: Row) -> list[str]:
    if row.state != "done":
        return [row.state + ": " + row.reason.splitlines()[0], *[""] * (len(found.metrics) + 4)]
    cells = []
    for name in found.metrics:
        score = row.score(name)
        half = "" if score is None or score.high is None else f" ± {score.high - score.value:.2g}"
        cells.append("" if score is None else f"{score.value:.3g}{half}{' leaks' if score.leaks else ''}")
    first, drawing = row.trainings[0], row.sampling
    assert drawing is not None
    seconds = sum(training.seconds for training in row.trainings) / len(row.trainings)
    about = [f"{first.steps:,}", f"{first.images:,}", f"{seconds:.0f}"]
    return [*cells, *about, f"{row.parameters['generator'] / 1e6:.2f} M", f"{drawing.throughput:.0f}"]


def _floor(found: Results, name: str) -> str:
    floors = [score.floor for row in found.rows if (score := row.score(name)) and score.floor is not None]
    return f"{floors[0]:.3g}" if floors else ""


def main() -> None:
    for name, folder in zip(("emoji", "shapes", "longer"), map(Path, sys.argv[1:]), strict=True):
        found = results.load(folder)
        shots(report.write(found, folder, folder / "report.html"), name)
        shutil.copyfile(folder / results.NAME, HERE / f"comparison-{name}.json")
        print(f"{name}\n\n{table(found)}\n")


main()
