"""The wheels: what people get from an index works without the repository around it, and so does a plugin.

`fresh` is a new virtual environment with ganzoo's dependencies, and with the wheels of ganzoo, of one model
family, of the plugin that docs/write-a-plugin.md makes, and of one that `ganzoo new-plugin` wrote.
"""

import importlib.metadata
import os
import re
import subprocess
import sys
import sysconfig
import venv
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from ganzoo.new_plugin import new_plugin, plugin_names, skeleton

ROOT = Path(__file__).parent.parent
GUIDE = ROOT / "docs" / "write-a-plugin.md"
FILE = re.compile(r"^`([^`\n]+)`:\n\n```\w+\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(*words, code=0, **settings):
    """What a command says, after it has ended with `code`."""
    done = subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **settings
    )
    assert done.returncode == code, done.stdout
    return done.stdout


def build(project, out):
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, project)


@dataclass(frozen=True)
class Environment:
    """A virtual environment; its commands run in the folder `at`, with the cache there."""

    path: Path
    at: Path

    def __call__(self, command, *words, code=0):
        scripts = self.path / ("Scripts" if os.name == "nt" else "bin")
        kept = {
            name: value for name, value in os.environ.items() if not name.startswith(("GANZOO_", "PYTHON"))
        }
        settings = {"GANZOO_CACHE": str(self.at / "cache"), "OMP_NUM_THREADS": "1"}
        return run(scripts / command, *words, code=code, cwd=self.at, env=kept | settings)

    def install(self, *wheels):
        self("python", "-m", "pip", "install", "--no-index", "--no-deps", "--no-compile", "--quiet", *wheels)


@pytest.fixture(scope="module")
def guided(tmp_path_factory):
    """The plugin of the guide: its folder, with the files that stand on the page."""
    folder = tmp_path_factory.mktemp("guide") / "ganzoo-retouch"
    for path, text in FILE.findall(GUIDE.read_text()):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return folder


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A plugin as `ganzoo new-plugin` writes it."""
    return new_plugin("my-own", tmp_path_factory.mktemp("begun"))


@pytest.fixture(scope="module")
def wheels(tmp_path_factory, guided, begun):
    """The wheels by distribution."""
    out = tmp_path_factory.mktemp("wheels")
    for project in (ROOT, ROOT / "plugins" / "ganzoo-gan-int-cls", guided, begun):
        build(project, out)
    return {path.name.split("-")[0].replace("_", "-"): path for path in out.glob("*.whl")}


@pytest.fixture(scope="module")
def fresh(tmp_path_factory, wheels):
    """The environment. What this Python has, ganzoo and its plugins apart, is linked and not installed."""
    base = tmp_path_factory.mktemp("fresh")
    others = base / "others"
    others.mkdir()
    for packages in {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}:
        for found in Path(packages).iterdir():
            if "ganzoo" not in found.name:
                (others / found.name).symlink_to(found)
    venv.create(base / "venv", symlinks=True)
    (packages,) = base.glob("venv/**/site-packages")
    (packages / "others.pth").write_text(f"{others}\n")
    environment = Environment(base / "venv", tmp_path_factory.mktemp("at"))
    environment.install(*wheels.values())
    return environment


def test_the_wheel_holds_the_package_and_the_catalogue_only(wheels):
    with zipfile.ZipFile(wheels["ganzoo"]) as archive:
        names = archive.namelist()
        assert archive.read("ganzoo/registry.yaml") == (ROOT / "registry.yaml").read_bytes()
    assert {"ganzoo/cli/__init__.py", "ganzoo/py.typed", "ganzoo/skeleton/hooks.py.template"} <= set(names)
    assert {f"ganzoo/bench/{name}" for name in ("report.html.j2", "tables.html.j2", "report.css")} <= set(
        names
    )
    tops = {name.split("/")[0] for name in names}
    assert tops == {"ganzoo", f"ganzoo-{importlib.metadata.version('ganzoo')}.dist-info"}


def test_the_wheel_lists_its_models(fresh):
    said = fresh("python", "-c", "import ganzoo.catalogue as c; print(c.__file__); print(c.registry_path())")
    for path in said.splitlines():
        assert fresh.path in Path(path).parents, path
    assert re.search(r"^gan-int-cls-birds +GAN-INT-CLS on CUB-200-2011 .* yes", fresh("ganzoo", "list"), re.M)


# -- the plugin of docs/write-a-plugin.md ------------------------------------------------


def test_the_guide_shows_every_file_of_the_skeleton_in_80_lines(guided):
    shown = dict(FILE.findall(GUIDE.read_text()))
    assert shown == skeleton(plugin_names("retouch"))
    assert sum(bool(line.strip()) for text in shown.values() for line in text.splitlines()) <= 80


def test_the_conformance_tests_of_new_plugins_pass(fresh, guided, begun):
    said = fresh("python", "-m", "pytest", "-q", guided / "tests", begun / "tests")
    both = re.search(r"^(\d+) passed in", said, re.M)
    assert both and int(both[1]) % 2 == 0 and int(both[1]) > 20, said


def test_a_new_plugin_fits(fresh):
    said = fresh("ganzoo", "check", "my-own-shapes", "--rehearse")
    assert "my-own-shapes: everything fits" in said
    assert "rehearsed gan/discriminator/my_own/one_sided: " in said


def test_the_plugin_of_the_guide_from_wheel_to_picture_and_away(fresh):
    assert re.search(r"^retouch-shapes .* yes", fresh("ganzoo", "list"), re.M)
    assert "rehearsed gan/discriminator/retouch/one_sided: " in fresh(
        "ganzoo", "check", "retouch-shapes", "--rehearse"
    )
    small = ["training.gan.steps=2", "data.batch=4", "data.count=16", "data.test_count=16"]
    changes = [word for change in small for word in ("--set", change)]
    fresh("ganzoo", "train", "retouch-shapes", "--run", "run", "--device", "cpu", *changes)
    drawn = ("sample", "run", "a small red circle", "--seeds", "3", "--separate", "--out", "pictures")
    fresh("ganzoo", *drawn)
    (picture,) = (fresh.at / "pictures").glob("*.png")
    with Image.open(picture) as image:
        assert image.size == (32, 32)

    fresh("python", "-m", "pip", "uninstall", "--yes", "--quiet", "ganzoo-retouch")
    assert "retouch" not in fresh("ganzoo", "list") + fresh("ganzoo", "plugins")
    assert "there is no recipe 'retouch-shapes'" in fresh("ganzoo", "show", "retouch-shapes", code=1)
    missed = fresh("ganzoo", *drawn, code=1)
    assert "no stage 'retouch/repaint': no installed plugin is called 'retouch'" in missed
    assert "the recipe needs what is not installed: ganzoo-retouch" in missed
