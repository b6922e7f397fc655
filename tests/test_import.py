"""What importing ganzoo and its light commands load, and the names it gives."""

import subprocess
import sys

import pytest

import ganzoo as package
from ganzoo.bench.results import Results, Row, save

HEAVY = ("torch", "accelerate", "matplotlib", "scipy")


def loaded_by(code):
    """The heavy modules that a fresh Python has loaded after `code`."""
    script = f"{code}\nimport sys\nprint('LOADED', *sorted({set(HEAVY)!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()[1:]


COMMAND = """
import sys
sys.argv = ["ganzoo", *{words!r}]
from ganzoo.cli import main
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
"""


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["train", "--help"],
        ["list"],
        ["show", "gan-int-cls-birds", "--set", "noise=3"],
        ["diff", "gan-int-cls-birds", "gan-cls-birds"],
        ["plugins"],
        ["data", "--help"],
        ["data", "check", "--help"],
    ],
    ids=" ".join,
)
def test_light_commands_leave_torch_out(words):
    assert loaded_by(COMMAND.format(words=words)) == []


def test_new_plugin_leaves_torch_out(tmp_path):
    assert loaded_by(COMMAND.format(words=["new-plugin", "my-own", "--into", str(tmp_path)])) == []


def test_compare_leaves_torch_out(tmp_path):
    found = Results(made="now", settings={}, machine={}, rows=[Row(name="a", state="done")])
    path = str(save(found, tmp_path))
    assert loaded_by(COMMAND.format(words=["compare", path, path])) == []


@pytest.mark.parametrize(
    "code",
    [
        "import ganzoo",
        "import ganzoo; ganzoo.recipes(); ganzoo.recipe('gan-int-cls-birds').set('noise', 3)",
        "import ganzoo.bench.comparing, ganzoo.bench.results",
        "import ganzoo.errors, ganzoo.plugins, ganzoo.recipe, ganzoo.catalogue, ganzoo.install",
    ],
)
def test_light_modules_leave_torch_out(code):
    assert loaded_by(code) == []


def test_the_check_sees_torch():
    assert "torch" in loaded_by("import ganzoo.model")


def test_every_public_name_is_there():
    assert package.__all__ == sorted(package.__all__)
    for name in package.__all__:
        assert callable(getattr(package, name)), name
    assert set(package.__all__) <= set(dir(package))


def test_modules_do_not_take_the_names_of_functions():
    code = """
import ganzoo.train, ganzoo.rehearse, ganzoo.install, ganzoo.recipe, ganzoo.plan
import ganzoo
for name in ganzoo.__all__:
    assert not type(getattr(ganzoo, name)).__name__ == "module", name
from ganzoo.train import train
assert ganzoo.train is train
"""
    loaded_by(code)


def test_a_name_that_is_not_there():
    with pytest.raises(AttributeError, match="module 'ganzoo' has no attribute 'traim'"):
        _ = package.traim
