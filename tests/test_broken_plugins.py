"""Plugins that are broken in every way we know, installed as distributions, and every command beside them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

RELIABILITY = Path(__file__).parent.parent / "docs" / "reliability.md"

HOOK = """
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
            return step.logits("fake", 0).conditional.mean()
"""
RECIPES = """
    from pathlib import Path
    from ganzoo.hookspecs import hookimpl

    @hookimpl
    def ganzoo_recipes():
        path = Path("FOLDER") / "recipes.yaml"
        TEXT
        return path
"""


@dataclass(frozen=True)
class Fault:
    """A plugin's code and that of its parts; `row` is the fault's row in docs/reliability.md.

    `reason` is what is said of it, with the plugin's module for MODULE. `recipes`: what it misses is recipes.
    """

    row: str
    reason: str
    code: str = HOOK
    parts: str = PARTS
    recipes: bool = False


FAULTS = {
    "import": Fault(
        "its import fails",
        "importing MODULE failed with ModuleNotFoundError: No module named 'nowhere'",
        "import nowhere",
    ),
    "exit": Fault(
        "its import ends the process", "importing MODULE failed with SystemExit: 3", "import sys\nsys.exit(3)"
    ),
    "recursion": Fault(
        "its import calls itself without end",
        "importing MODULE failed with RecursionError: maximum recursion depth exceeded",
        "def again():\n    again()\nagain()",
    ),
    "panic": Fault(
        "its import panics, as extensions in Rust do",
        "importing MODULE failed with Panic: index out of bounds",
        "class Panic(BaseException): pass\nraise Panic('index out of bounds')",
    ),
    "raises": Fault(
        "a hook raises", "ganzoo_losses() failed with OSError: gone", parts="raise OSError('gone')"
    ),
    "nothing": Fault(
        "a hook returns nothing", "ganzoo_losses(): returned None", HOOK.replace("return", "return None and")
    ),
    "list": Fault(
        "a hook returns no mapping",
        "ganzoo_losses(): must return a mapping of names to classes, not list",
        HOOK.replace('{"mine": Mine}', "[Mine]"),
    ),
    "type": Fault(
        "a hook offers another kind",
        "ganzoo_stages(): mine must be a subclass of ganzoo.components.Stage, not <class",
        HOOK.replace("losses", "stages"),
    ),
    "updates": Fault(
        "a loss does not say its updates",
        "ganzoo_losses(): Mine must have a frozenset of words as `updates`, not None",
        parts=PARTS.replace('updates = frozenset({"generator"})', ""),
    ),
    "needs": Fault(
        "a need is a word, not a set of words",
        "ganzoo_losses(): Mine must have a frozenset of words as `needs`, not 'fake'",
        parts=PARTS.replace("updates =", "needs = 'fake'; updates ="),
    ),
    "tiny": Fault(
        "`tiny` is no mapping",
        "ganzoo_losses(): Mine must have a mapping of options as `tiny`, not ()",
        parts=PARTS.replace("updates =", "tiny = (); updates ="),
    ),
    "options": Fault(
        "an option has a type that pydantic cannot check",
        "ganzoo_losses(): Mine has options that pydantic cannot check: Unable to generate pydantic-core",
        parts=PARTS.replace("updates =", "mood: __import__('random').Random = None; updates ="),
    ),
    "misspelt": Fault(
        "a hook is misspelt",
        "importing MODULE: there is no hook ganzoo_lossses; did you mean `ganzoo_losses`?",
        HOOK.replace("losses", "lossses"),
    ),
    "misspelt-bare": Fault(
        "a hook is misspelt, and not marked",
        "importing MODULE: there is no hook ganzoo_loss; did you mean `ganzoo_losses`?",
        HOOK.replace("ganzoo_losses", "ganzoo_loss").replace("@hookimpl", ""),
    ),
    "unmarked": Fault(
        "a hook is not marked",
        "importing MODULE: ganzoo_losses is not marked with @hookimpl",
        HOOK.replace("@hookimpl", ""),
    ),
    "no-recipes": Fault(
        "its file of recipes is not there",
        "ganzoo_recipes(): there is no file ",
        RECIPES.replace("TEXT", ""),
        recipes=True,
    ),
    "bad-recipes": Fault(
        "its file of recipes is wrong",
        "recipe mine: a recipe has no `nois`; did you mean `noise`?",
        RECIPES.replace("TEXT", "path.write_text('recipes: {mine: {nois: 1}}')"),
        recipes=True,
    ),
    "same-recipe": Fault(
        "its recipe has the name of another",
        "recipe gan-int-cls-shapes is brought by registry.yaml too; that one is used",
        RECIPES.replace("TEXT", "path.write_text('recipes: {gan-int-cls-shapes: {title: Mine}}')"),
        recipes=True,
    ),
}


def said_of(prefix):
    """What is said of the plugin, or how that begins."""
    reason = FAULTS[prefix].reason.replace("MODULE", f"fake_dist_{prefix.replace('-', '_')}")
    return f"plugin '{prefix}' (dist-{prefix} 1.0): {reason}"


def problems(ganzoo):
    """What `ganzoo plugins --check` finds, behind its list of plugins."""
    ran = ganzoo("plugins", "--check")
    assert ran.code == 1 and "Traceback" not in ran.err and ran.out.startswith("prefix"), ran
    head, *found = ran.err.splitlines()
    assert head == f"error: {len(found)} problem{'s' * (len(found) > 1)} with plugins"
    return [line.partition(". ")[2] for line in found]


@pytest.fixture
def all_broken(plugin):
    """All of them at once, and one that is whole."""
    for prefix, fault in FAULTS.items():
        plugin(prefix, fault.code, fault.parts)
    plugin("whole", HOOK, PARTS)


def test_everything_else_works(all_broken, ganzoo, toy_file, tmp_path):
    mine = ("--set", "training.gan.updates.generator.losses=[{use: whole/mine}]")
    for words in (
        ("list",),
        ("list", "losses"),
        ("list", "stages"),
        ("show", "gan-int-cls-shapes"),
        ("check", toy_file, *mine),
        ("plugins",),
    ):
        ran = ganzoo(*words)
        assert ran.code == 0 and ran.out, (words, ran)
    ran = ganzoo("train", toy_file, "--run", tmp_path / "run", "--device", "cpu", *mine)
    assert ran.code == 0 and "trained" in ran.err, ran
    assert ganzoo("sample", tmp_path / "run", "a red circle", "--out", tmp_path / "a.png").code == 0


def test_check_names_each_with_distribution_version_and_reason(all_broken, ganzoo):
    found = problems(ganzoo)
    assert len(found) == len(FAULTS)
    for prefix in FAULTS:
        assert any(said_of(prefix) in problem for problem in found), prefix


@pytest.mark.parametrize("prefix", FAULTS)
def test_commands_that_miss_it_say_why(prefix, plugin, ganzoo, toy_file):
    fault = FAULTS[prefix]
    plugin(prefix, fault.code, fault.parts)
    if fault.recipes:
        for command in ("show", "check", "train"):
            ganzoo(command, f"{prefix}-model").fails(said_of(prefix))
        assert f"warning: left out: {said_of(prefix)}" in ganzoo("list").err
    else:
        kind = "stages" if "ganzoo_stages" in fault.reason else "losses"
        place = "stages.0.stage" if kind == "stages" else "training.gan.updates.generator.losses.0"
        reason = said_of(prefix).partition(": ")[2]
        for command in ("check", "train"):
            ganzoo(command, toy_file, "--set", f"{place}.use={prefix}/mine").fails(
                f"'{prefix}/mine': plugin '{prefix}' (dist-{prefix} 1.0) is broken: {reason}"
            )
        listed = ganzoo("list", kind)
        assert f"warning: plugin '{prefix}' (dist-{prefix} 1.0) is broken: {reason}" in listed.err


def test_a_plugin_that_cannot_be_imported_may_bring_the_recipe_that_is_not_there(plugin, ganzoo):
    plugin("import", FAULTS["import"].code)
    ganzoo("show", "import-model").fails(f"left out: {said_of('import')}")
    assert f"warning: left out: {said_of('import')}" in ganzoo("list").err


def test_two_plugins_with_one_recipe_name(plugin, ganzoo):
    code = RECIPES.replace("TEXT", "path.write_text('recipes: {mine: {title: Mine}}')")
    plugin("first", code)
    plugin("second", code)
    said = "plugin 'second' (dist-second 1.0): recipe mine is brought by plugin 'first' too; neither is used"
    ganzoo("show", "mine").fails(f"left out: {said}")
    assert problems(ganzoo) == [said]


def test_a_hint_does_not_stumble_over_a_text_encoder_that_nobody_named(plugin, ganzoo, toy_file):
    plugin("reader", HOOK, PARTS.replace("updates =", "needs = frozenset({'words'}); updates ="))
    encoder = """
    from dataclasses import dataclass
    from ganzoo.components import TextEncoder

    @dataclass(frozen=True, kw_only=True)
    class Mine(TextEncoder):
        def yields(self):
            return 1 / 0
        def build(self):
            return 1 / 0
    """
    plugin("grumpy", HOOK.replace("losses", "text_encoders"), encoder)
    mine = ("training.gan.updates.generator.losses=[{use: reader/mine}]", "text=core/precomputed")
    ran = ganzoo("check", toy_file, *(word for change in mine for word in ("--set", change)))
    ran.fails("loss reader/mine needs `words`", "installed text encoders that give it: ", "core/ngrams")


STAGE = """
    from dataclasses import dataclass
    from ganzoo.components import Stage
    from ganzoo.specs import StageSpec

    @dataclass(frozen=True, kw_only=True)
    class Mine(Stage):
        def yields(self, given):
            return StageSpec(16 METHOD)
        def build(self, given):
            return nowhere
"""
OFFERED = """
    from ganzoo.hookspecs import hookimpl

    @hookimpl
    def ganzoo_stages():
        from MODULE_parts import Mine
        return {"mine": Mine}
"""


@pytest.mark.parametrize(
    "method, said",
    [
        ("/ 0", ("my/mine is broken: it raised ZeroDivisionError", "a fault of plugin 'my' (dist-my 1.0)")),
        ("", ("Mine() is broken: its build() raised NameError: name 'nowhere' is not defined",)),
    ],
)
def test_a_component_that_raises_what_it_should_not(method, said, plugin, ganzoo, toy_file, tmp_path):
    plugin("my", OFFERED, STAGE.replace("METHOD", method))
    stage = "stages.0={stage: my/mine, discriminator: {use: gan_int_cls/discriminator, channels: 4}}"
    ran = ganzoo("train", toy_file, "--set", stage, "--run", tmp_path / "run")
    ran.fails(*said)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("words", ["list", "show toy", "check toy", "plugins", "plugins --check"])
def test_one_prefix_twice(words, plugin, ganzoo):
    plugin("twin", HOOK, PARTS, dist="dist-one")
    plugin("twin", HOOK, PARTS, dist="dist-two", version="2.0")
    ran = ganzoo(*words.split())
    ran.fails(
        "two distributions call their plugin 'twin': dist-", "dist-one 1.0", "dist-two 2.0", "uninstall one"
    )


def test_entry_points_that_name_nothing(plugin, ganzoo, tmp_path):
    plugin("empty", HOOK, PARTS)
    (info,) = tmp_path.glob("*/*.dist-info")
    (info / "entry_points.txt").write_text("[ganzoo]\nempty =\n")
    assert problems(ganzoo) == ["plugin 'empty' (dist-empty 1.0): its entry point must name a module, not ''"]


def test_a_distribution_without_metadata(plugin, ganzoo, tmp_path):
    plugin("nameless", "import nowhere", PARTS)
    (info,) = tmp_path.glob("*/*.dist-info")
    (info / "METADATA").unlink()
    (problem,) = problems(ganzoo)
    assert problem.startswith(
        "plugin 'nameless' (a distribution without a name ?): importing fake_dist_nameless "
    )


def test_ctrl_c_is_no_fault_of_a_plugin(plugin, ganzoo):
    plugin("slow", "raise KeyboardInterrupt")
    assert ganzoo("list", "losses").code == 130


def test_ganzoo_plugins_limits_what_is_asked(all_broken, ganzoo, monkeypatch):
    monkeypatch.setenv("GANZOO_PLUGINS", "whole,exit")
    assert problems(ganzoo) == [said_of("exit")]
    ran = ganzoo("list", "losses")
    assert "whole/mine" in ran.out and ran.err.count("is broken") == 1


@pytest.mark.parametrize("prefix", FAULTS)
def test_the_table_in_the_docs(prefix):
    (row,) = (
        line for line in RELIABILITY.read_text().splitlines() if line.startswith(f"| {FAULTS[prefix].row} | ")
    )
    assert FAULTS[prefix].reason.replace("MODULE", "my_plugin") in row
