"""The docs tell the truth: generated parts are up to date, examples run, commands and links exist."""

from __future__ import annotations

import importlib.util
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from ganzoo import cli, hookspecs
from ganzoo.bench import results
from ganzoo.components import KINDS

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("plugins/*/README.md")])
GUIDE = ROOT / "docs" / "write-a-plugin.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)[^)]*\)")


def _generate():
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


generate = _generate()
COMPONENTS = [(name, cls) for kind in generate.SECTIONS for name, cls in generate.ours(kind).items()]


def blocks(page, language):
    """The code blocks of a page in one language."""
    return [code for found, code in BLOCK.findall(page.read_text()) if found == language]


def commands(page):
    """What stands behind a prompt on a page, split into words, comments gone."""
    lines = [
        line[2:] for block in blocks(page, "console") for line in block.splitlines() if line.startswith("$ ")
    ]
    return [shlex.split(line, comments=True) for line in lines]


# -- generated parts ---------------------------------------------------------------------


def test_generated_parts_are_up_to_date():
    pages = [str(page) for page in PAGES if "[[[cog" in page.read_text()]
    command = [sys.executable, "-m", "cogapp", "--check", "--diff", "-P", "-I", str(ROOT / "docs"), *pages]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert pages and done.returncode == 0, f"run `make docs`\n{done.stdout}{done.stderr}"


def test_make_docs_writes_every_page_with_generated_parts():
    listed = re.search(r"^GENERATED := (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)[1].split()
    assert set(listed) == {str(page.relative_to(ROOT)) for page in PAGES if "[[[cog" in page.read_text()}


@pytest.mark.parametrize("name, component", COMPONENTS, ids=[name for name, _ in COMPONENTS])
def test_every_component_names_its_source_and_explains_its_options(name, component):
    said = "".join(cls.__doc__ or "" for cls in component.__mro__ if cls is not object)
    assert component.source or "Source:" in said
    for option in generate.own_options(component):
        assert f"`{option}`" in said, f"{name} does not explain `{option}`"


# -- the plugin guide --------------------------------------------------------------------


def test_the_plugin_guide_knows_every_hook_and_every_kind():
    text = GUIDE.read_text()
    for hook in (name for name in vars(hookspecs) if name.startswith("ganzoo_")):
        assert f"`{hook}`" in text
    for kind in KINDS.values():
        assert f"`{kind.__name__}`" in text


# -- results.json ------------------------------------------------------------------------

FORMS = [results.Results, results.Row, results.Score, results.Sampling, results.Training, results.Curve]


@pytest.mark.parametrize("form", [*FORMS, results.Ablation], ids=lambda form: form.__name__)
def test_every_field_of_results_is_explained(form):
    text = (ROOT / "docs" / "bench.md").read_text()
    title = "## results.json" if form is results.Results else form.__name__.lower()
    part = text[
        re.search(rf"(\*\*An? {title}\*\*|\*\*{title.capitalize()}\*\*|^{title})", text, re.M).start() :
    ]
    explained = re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", part.split("\n**")[0], re.M)))
    assert explained == list(form.model_fields)


# -- examples and commands ---------------------------------------------------------------


@pytest.fixture
def at_work(tmp_path, monkeypatch):
    """A folder of one's own to run examples in."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_the_readmes_tour_runs(at_work):
    (tour,) = blocks(ROOT / "README.md", "python")
    long = '.set("training.gan.steps", 2000)'
    assert tour.count(long) == 1
    small = (
        '.set("training.gan.steps", 2).set("data.count", 32).set("data.test_count", 16).set("data.batch", 4)'
    )
    exec(compile(tour.replace(long, small), "README.md", "exec"), {})
    run = at_work / "runs" / "hinge-shapes"
    assert (run / "a small red circle.png").is_file() and (run / "metrics.jsonl").is_file()


def test_the_tour_of_the_engine_runs(at_work):
    namespace = {}
    for code in blocks(ROOT / "docs" / "tour.md", "python"):
        exec(compile(code, "docs/tour.md", "exec"), namespace)


def test_the_tour_of_the_engine_names_every_module():
    text = (ROOT / "docs" / "tour.md").read_text()
    for path in ROOT.glob("ganzoo/*.py"):
        assert path.name in text or path.name == "__main__.py", f"docs/tour.md does not mention {path.name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist(page):
    group = typer.main.get_command(cli.app)
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    for words in commands(page):
        if words[0] == "make":
            assert words[1] in targets, words
        elif words[:3] == ["accelerate", "launch", "-m"]:
            words = words[3:]
        if words[0] == "ganzoo":
            command, rest = group, words[1:]
            while hasattr(command, "commands"):
                if words[1] == "bench" and rest[0] not in command.commands:
                    rest = ["models", *rest]  # as the command line has it
                assert rest and rest[0] in command.commands, words
                command, rest = command.commands[rest[0]], rest[1:]
            command.make_context(words[1], rest)


RUN = [
    words[1:]
    for words in commands(ROOT / "README.md")
    if words[:1] == ["ganzoo"] and words[1] in ("check", "diff", "list", "show")
]


@pytest.mark.parametrize("words", RUN, ids=" ".join)
def test_the_readmes_commands_run(words):
    done = CliRunner().invoke(cli.app, words)
    assert done.exit_code == 0, done.output


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    prose = BLOCK.sub("", page.read_text())
    for link in LINK.findall(prose):
        if not re.match(r"[a-z]+:", link):
            assert (page.parent / link).exists(), f"{page.relative_to(ROOT)} links to {link}"
