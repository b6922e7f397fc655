"""The wheel: what people get from an index works without the repository around it."""

import importlib.metadata
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*words, **settings):
    done = subprocess.run(words, capture_output=True, text=True, check=False, **settings)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    out = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", out, ROOT)
    (path,) = out.glob("ganzoo-*.whl")
    return path


def test_the_wheel_holds_the_package_and_the_catalogue_only(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        assert archive.read("ganzoo/registry.yaml") == (ROOT / "registry.yaml").read_bytes()
    assert "ganzoo/cli.py" in names and "ganzoo/py.typed" in names
    tops = {name.split("/")[0] for name in names}
    assert tops == {"ganzoo", f"ganzoo-{importlib.metadata.version('ganzoo')}.dist-info"}


def test_the_wheel_lists_its_models(wheel, tmp_path):
    """Installed into a fresh folder that stands first on the path, with only dependencies behind it."""
    run(sys.executable, "-m", "pip", "install", "--no-deps", "--quiet", "--target", tmp_path / "fresh", wheel)
    script = """
import pathlib, sys
import ganzoo
from ganzoo.cli import main
here = pathlib.Path(sys.argv.pop())
assert here in pathlib.Path(ganzoo.__file__).parents, ganzoo.__file__
from ganzoo.catalogue import registry_path
assert registry_path() == here / "ganzoo" / "registry.yaml", registry_path()
main()
"""
    listed = run(
        sys.executable, "-c", script, "list", tmp_path / "fresh",
        cwd=tmp_path, env=os.environ | {"PYTHONPATH": str(tmp_path / "fresh"), "GANZOO_PLUGINS": ""},
    )  # fmt: skip
    assert "gan-int-cls-birds    GAN-INT-CLS on CUB-200-2011" in listed
    assert (tmp_path / "fresh" / "bin" / "ganzoo").exists() or (tmp_path / "fresh" / "Scripts").exists()
