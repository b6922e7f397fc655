from __future__ import annotations

import subprocess
import sys

import pytest

from ganzoo import plugins
from ganzoo.errors import GanzooError

LOSSES = """
    from ganzoo.hookspecs import hookimpl

    @hookimpl
    def ganzoo_losses():
        from MODULE_parts import Mine
        return {"mine": Mine}
"""
PARTS = """
    from dataclasses import dataclass
    from ganzoo.components import Loss

    @dataclass(frozen=True, kw_only=True)
    class Mine(Loss):
        updates = frozenset({"generator"})
        def __call__(self, step):
            return 0
"""


def described(registry, prefix):
    return next(one for one in registry.plugins if one.prefix == prefix)


def broken(prefix, code, parts=PARTS, kind="losses", plugin=None):
    """The reason why a plugin with this code is broken, after asking for a kind of component."""
    plugin(prefix, code, parts)
    registry = plugins.load()
    assert not any(name.startswith(f"{prefix}/") for name in registry.components(kind))
    error = described(registry, prefix).error
    with pytest.raises(GanzooError) as caught:
        registry.get(kind, f"{prefix}/mine")
    assert f"plugin '{prefix}' (dist-{prefix} 1.0) is broken: {error}" in str(caught.value)
    return error


def test_components_get_the_prefix(plugin):
    plugin("good", LOSSES, PARTS)
    registry = plugins.load()
    component = registry.components("losses")["good/mine"]
    assert registry.get("losses", "good/mine") is component
    assert component(weight=2.0).weight == 2.0
    assert "core/mine" not in registry.components("losses")


def test_plugins_are_known_without_importing_them(plugin):
    plugin("good", LOSSES, PARTS, version="2.5")
    found = plugins.load().plugins
    assert found[0].prefix == "core"
    assert plugins.Plugin("good", "dist-good", "2.5", "fake_dist_good") in found
    assert "fake_dist_good" not in sys.modules


def test_only_the_needed_hook_is_called(plugin):
    plugin("good", LOSSES, "raise RuntimeError('imported')")
    registry = plugins.load()
    registry.components("stages")
    registry.recipes()
    assert described(registry, "good").error is None


def test_a_plugin_that_cannot_be_imported(plugin):
    plugin("good", LOSSES, PARTS)
    error = broken("bad", "import nowhere_to_be_found", plugin=plugin)
    assert error == (
        "importing fake_dist_bad failed with ModuleNotFoundError: No module named 'nowhere_to_be_found'"
    )
    assert "good/mine" in plugins.load().components("losses")


def test_a_hook_that_raises_leaves_out_that_hook_only(plugin):
    plugin("bad", LOSSES + "    @hookimpl\n    def ganzoo_stages():\n        raise OSError('gone')\n", PARTS)
    registry = plugins.load()
    assert "bad/mine" in registry.components("losses")
    assert not any(name.startswith("bad/") for name in registry.components("stages"))
    assert described(registry, "bad").error == "ganzoo_stages() failed with OSError: gone"


@pytest.mark.parametrize(
    ("returned", "reason"),
    [
        ("{'Mi ne': Mine}", "the name 'Mi ne' must be of the form [a-z0-9_.-]+, without the prefix"),
        ("{'bad/mine': Mine}", "the name 'bad/mine' must be of the form"),
        ("{3: Mine}", "the name 3 must be of the form"),
        ("[Mine]", "must return a mapping of names to classes, not list"),
        ("None", "returned None"),
        ("{'mine': 3}", "mine must be a subclass of ganzoo.components.Loss, not 3"),
        ("{'mine': Mine()}", "mine must be a subclass of ganzoo.components.Loss, not Mine("),
        ("{'mine': Plain}", "mine must be a subclass of ganzoo.components.Loss, not <class"),
        ("{'mine': Forgotten}", "Forgotten must be marked with @dataclass(frozen=True, kw_only=True)"),
        ("{'mine': Abstract}", "Abstract does not define __call__"),
    ],
)
def test_what_a_hook_must_not_return(plugin, returned, reason):
    parts = f"""{PARTS}
    class Plain: pass
    class Forgotten(Mine): pass
    @dataclass(frozen=True, kw_only=True)
    class Abstract(Loss): pass
    """
    code = LOSSES.replace("import Mine", "import Abstract, Forgotten, Mine, Plain")
    error = broken("bad", code.replace('{"mine": Mine}', returned), parts, plugin=plugin)
    assert error.startswith(f"ganzoo_losses(): {reason}")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (LOSSES.replace("ganzoo_losses", "ganzoo_lossses"), "there is no hook ganzoo_lossses; did you mean"),
        (LOSSES.replace("@hookimpl", ""), "ganzoo_losses is not marked with @hookimpl"),
        (LOSSES.replace("losses()", "losses(step)"), "PluginValidationError: Plugin 'bad' for hook"),
    ],
)
def test_hooks_that_do_not_exist(plugin, code, reason):
    assert reason in broken("bad", code, plugin=plugin)


def test_a_prefix_that_is_not_plain(plugin):
    plugin("Bad one", LOSSES, PARTS, dist="dist-bad")
    registry = plugins.load()
    assert described(registry, "Bad one").error == ("its entry point's name must be of the form [a-z0-9_.-]+")
    assert "Bad one/mine" not in registry.components("losses")


def test_two_distributions_with_the_same_prefix(plugin):
    plugin("twin", LOSSES, PARTS, dist="dist-one")
    plugin("twin", LOSSES, PARTS, dist="dist-two")
    with pytest.raises(GanzooError, match=r"two distributions call their plugin 'twin': .*; uninstall one"):
        plugins.load()


def test_the_same_distribution_found_twice(plugin):
    plugin("twin", LOSSES, PARTS)
    plugin("twin", LOSSES, PARTS, again=True)
    assert "twin/mine" in plugins.load().components("losses")


def test_the_environment_limits_what_is_loaded(plugin, monkeypatch):
    plugin("one", LOSSES, PARTS)
    plugin("two", LOSSES, PARTS)
    monkeypatch.setenv("GANZOO_PLUGINS", "one, ")
    registry = plugins.load()
    assert [one.prefix for one in registry.plugins] == ["core", "one"]
    with pytest.raises(GanzooError, match=r"plugin 'two' is installed, .* GANZOO_PLUGINS leaves it out"):
        registry.get("losses", "two/mine")
    monkeypatch.setenv("GANZOO_PLUGINS", "")
    assert [one.prefix for one in plugins.load().plugins] == ["core"]


def test_the_environment_names_a_plugin_that_is_not_there(plugin, monkeypatch):
    plugin("one", LOSSES, PARTS)
    monkeypatch.setenv("GANZOO_PLUGINS", "onee")
    with pytest.raises(GanzooError, match=r"GANZOO_PLUGINS names 'onee', .*; did you mean `one`"):
        plugins.load()


def test_an_unknown_prefix_says_what_to_install():
    nothing_installed = plugins.Registry([])
    with pytest.raises(GanzooError) as caught:
        nothing_installed.get("text_encoders", "minilm/words")
    assert str(caught.value) == (
        "no text encoder 'minilm/words': no installed plugin is called 'minilm';"
        " try: ganzoo install ganzoo-minilm"
    )


def test_an_unknown_prefix_that_no_distribution_has(plugin):
    plugin("good", LOSSES, PARTS)
    with pytest.raises(GanzooError) as caught:
        plugins.load().get("losses", "goood/mine")
    assert str(caught.value) == (
        "no loss 'goood/mine': no installed plugin is called 'goood',"
        " and ganzoo's catalogue knows no distribution for it; did you mean `good`?"
    )


def test_an_unknown_name(plugin):
    plugin("good", LOSSES, PARTS)
    registry = plugins.load()
    for kind, name, message in (
        ("losses", "good/mina", "no loss 'good/mina'; did you mean `mine`? good offers mine"),
        ("losses", "good/wasserstein", "no loss 'good/wasserstein': good offers mine"),
        ("stages", "good/first", "no stage 'good/first': good offers no stages"),
        ("stages", "good/mine", "no stage 'good/mine': 'good/mine' is a loss"),
    ):
        with pytest.raises(GanzooError) as caught:
            registry.get(kind, name)
        assert str(caught.value) == message


def test_a_name_without_a_slash_is_the_core_s(plugin):
    with pytest.raises(GanzooError, match="no loss 'core/no_such_thing'"):
        plugins.load().get("losses", "no_such_thing")


def test_recipes_of_plugins(plugin, tmp_path):
    (tmp_path / "recipes.yaml").write_text("recipes: {}")
    code = """
        from pathlib import Path
        from ganzoo.hookspecs import hookimpl

        @hookimpl
        def ganzoo_recipes():
            return PATH
    """
    plugin("good", code.replace("PATH", f"Path({str(tmp_path / 'recipes.yaml')!r})"))
    plugin("bad", code.replace("PATH", f"Path({str(tmp_path / 'none.yaml')!r})"))
    plugin("worse", code.replace("PATH", "'recipes.yaml'"))
    registry = plugins.load()
    brought = {plugin.prefix: path for plugin, path in registry.recipes()}
    assert brought["good"] == tmp_path / "recipes.yaml"
    assert not {"bad", "worse"} & set(brought)
    assert "there is no file" in described(registry, "bad").error
    assert described(registry, "worse").error == "ganzoo_recipes(): must return a pathlib.Path, not str"


def test_check_finds_everything(plugin):
    plugin("bad", "import nowhere_to_be_found")
    plugin("worse", LOSSES, "raise ValueError('no')")
    plugin("good", LOSSES, PARTS)
    problems = [problem for problem in plugins.load().check() if "dist-" in problem.plugin.distribution]
    assert [str(problem) for problem in problems] == [
        "plugin 'bad' (dist-bad 1.0): importing fake_dist_bad failed with ModuleNotFoundError:"
        " No module named 'nowhere_to_be_found'",
        "plugin 'worse' (dist-worse 1.0): ganzoo_losses() failed with ValueError: no",
    ]


def test_the_front_does_not_import_torch():
    code = (
        "import sys, ganzoo.plugins, ganzoo.recipe, ganzoo.catalogue, ganzoo.install\n"
        "names = ganzoo.catalogue.recipes()\n"
        "assert ganzoo.plugins.load().plugins\n"
        "assert 'torch' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
