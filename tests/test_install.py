from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest

from ganzoo import catalogue
from ganzoo.errors import GanzooError
from ganzoo.install import install
from ganzoo.plugins import Registry

PIP = (sys.executable, "-m", "pip", "install")
REGISTRY = """\
distributions:
  ganzoo-toy: {prefix: toy, summary: A toy}
  ganzoo-encoder: {prefix: encoder, requires_no_deps: [ganzoo-weights==1.0]}
  ganzoo: {prefix: core, requires_no_deps: [ganzoo, ganzoo==0.0.0]}
recipes:
  toy-one: {distributions: [ganzoo-toy, pytest, ganzoo-encoder, ganzoo-elsewhere]}
"""


@pytest.fixture
def toys(tmp_path):
    """A catalogue without any plugin."""
    path = tmp_path / "registry.yaml"
    path.write_text(REGISTRY)
    return catalogue.load(Registry([]), path)


@pytest.fixture
def checkout(tmp_path):
    """plugins/ganzoo-toy beside the registry."""
    folder = tmp_path / "plugins" / "ganzoo-toy"
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text("[project]\nname = 'ganzoo-toy'\nversion = '1.0'\n")
    return folder


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """pip installs from a folder of wheels into a folder of ours, and reaches no index."""
    for name, value in (
        ("NO_INDEX", "1"),
        ("FIND_LINKS", tmp_path / "wheels"),
        ("TARGET", tmp_path / "target"),
    ):
        monkeypatch.setenv(f"PIP_{name}", str(value))
    monkeypatch.setenv("PIP_DISABLE_PIP_VERSION_CHECK", "1")
    (tmp_path / "wheels").mkdir()
    return tmp_path


def wheel(folder, name, version):
    """A wheel with one module."""
    module = name.replace("-", "_")
    info = f"{module}-{version}.dist-info"
    with zipfile.ZipFile(folder / f"{module}-{version}-py3-none-any.whl", "w") as archive:
        archive.writestr(f"{module}.py", "")
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(
            f"{info}/RECORD", f"{module}.py,,\n{info}/METADATA,,\n{info}/WHEEL,,\n{info}/RECORD,,\n"
        )


def test_a_recipe_a_distribution_and_a_prefix(toys):
    toy = (*PIP, "ganzoo-toy")
    encoder = [(*PIP, "ganzoo-encoder"), (*PIP, "--no-deps", "ganzoo-weights==1.0")]
    assert install("ganzoo-toy", dry_run=True, catalogue=toys) == [toy]
    assert install("encoder", dry_run=True, catalogue=toys) == encoder
    assert install("toy-one", dry_run=True, catalogue=toys) == [toy, *encoder, (*PIP, "ganzoo-elsewhere")]


def test_from_a_checkout(toys, checkout):
    assert install("toy", dry_run=True, catalogue=toys) == [(*PIP, "--editable", str(checkout))]


def test_what_is_installed_is_left_alone(toys):
    assert install("core", dry_run=True, catalogue=toys) == [(*PIP, "--no-deps", "ganzoo==0.0.0")]


def test_an_unknown_name(toys):
    with pytest.raises(GanzooError) as caught:
        install("toy-onn", catalogue=toys)
    assert str(caught.value) == (
        "no recipe, distribution or plugin prefix in the catalogue is called 'toy-onn';"
        " did you mean `toy-one`?"
    )


def test_pip_installs(toys, offline):
    wheel(offline / "wheels", "ganzoo-encoder", "1.0")
    wheel(offline / "wheels", "ganzoo-weights", "1.0")
    install("encoder", catalogue=toys)
    assert (offline / "target" / "ganzoo_encoder.py").is_file()
    assert (offline / "target" / "ganzoo_weights.py").is_file()


def test_pip_fails(toys, offline):
    with pytest.raises(GanzooError) as caught:
        install("ganzoo-toy", catalogue=toys)
    assert str(caught.value).startswith(f"pip failed: {' '.join(PIP)} ganzoo-toy\n")
    assert "No matching distribution found for ganzoo-toy" in str(caught.value)


def test_installing_needs_no_torch():
    code = "import sys, ganzoo; ganzoo.install('minilm', dry_run=True); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
