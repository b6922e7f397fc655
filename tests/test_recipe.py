from __future__ import annotations

import math
import textwrap

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ganzoo.errors import GanzooError
from ganzoo.recipe import Node, Recipe, load_recipes

TOY = """\
recipes:
  toy:
    title: A toy
    paper: "Nobody 2026, arXiv:0000.00000"
    distributions: [ganzoo]
    reported: {fid: 12.5}
    data: {use: core/shapes, batch: 4}
    text: {use: precomputed, size: 16}
    image: {use: toy/cnn}
    conditioning: {use: toy/ca, size: 8, layers: [1, {width: 3}]}
    noise: 10
    stages:
      - stage: {use: toy/initial, resolution: 64}
        discriminator: {use: toy/judge, channels: 64}
      - stage: toy/next
        conditioning: {use: toy/ca}
    training:
      damsm:
        epochs: 2
        updates:
          encoders: {optimizer: adam, losses: [toy/damsm]}
      gan:
        steps: 100
        stages: [0, 1]
        ema: 0.999
        updates:
          discriminator: {optimizer: {use: adam, lr: 1e-4}, losses: [{use: hinge}], every: 2}
          generator:
            optimizer: {use: adam, lr: 2.0e-4}
            losses: [{use: hinge}, {use: toy/kl, weight: 2}]
            regenerate: true
"""


def parsed(text, name="toy", where="toy.yaml"):
    return Recipe.from_yaml(textwrap.dedent(text), name, where)


@pytest.fixture
def toy():
    return parsed(TOY)


@pytest.fixture
def load(tmp_path):
    def load(text, **more):
        path = tmp_path / "some.yaml"
        path.write_text(textwrap.dedent(text))
        return load_recipes(path, "some.yaml", **more)

    return load


def message(action, *arguments):
    with pytest.raises(GanzooError) as caught:
        action(*arguments)
    return str(caught.value)


def test_typed_access(toy):
    assert (toy.title, toy.paper, toy.noise) == ("A toy", "Nobody 2026, arXiv:0000.00000", 10)
    assert toy.distributions == ("ganzoo",)
    assert toy.reported == {"fid": 12.5}
    assert toy.data == Node("core/shapes", {"batch": 4}, "toy.yaml:7", "data")
    assert toy.text == Node("core/precomputed", {"size": 16}, "toy.yaml:8", "text")
    assert toy.image.use == "toy/cnn"
    assert toy.conditioning.options == {"size": 8, "layers": [1, {"width": 3}]}
    first, second = toy.stages
    assert first.stage == toy.node("stages.0.stage")
    assert first.discriminator.options == {"channels": 64}
    assert first.conditioning is None
    assert (second.stage.use, second.discriminator, second.conditioning.use) == ("toy/next", None, "toy/ca")


def test_phases_and_updates(toy):
    damsm, gan = toy.phases.values()
    assert (damsm.name, damsm.epochs, damsm.steps, damsm.stages, damsm.ema) == ("damsm", 2, None, None, None)
    assert (gan.name, gan.epochs, gan.steps, gan.stages, gan.ema) == ("gan", None, 100, (0, 1), 0.999)
    assert (gan.samples_per_caption, gan.accumulate) == (1, 1)
    assert list(gan.updates) == ["discriminator", "generator"]
    discriminator, generator = gan.updates.values()
    assert discriminator.optimizer.use == "core/adam"
    assert discriminator.optimizer.options == {"lr": 1e-4}
    assert (discriminator.every, discriminator.regenerate) == (2, False)
    assert (generator.every, generator.regenerate) == (1, True)
    assert [loss.use for loss in generator.losses] == ["core/hinge", "toy/kl"]
    assert generator.losses[1].path == "training.gan.updates.generator.losses.1"


def test_every_value_knows_its_line(toy):
    assert toy.path_of("stages.0.discriminator.channels") == "toy.yaml:14"
    assert toy.path_of("training.gan.updates.generator.losses.1") == "toy.yaml:30"
    assert toy.path_of("conditioning.layers.1.width") == "toy.yaml:10"
    assert toy.path_of("training.gan.samples_per_caption") == "toy.yaml:22"


def test_a_recipe_is_not_changed_from_outside(toy):
    toy.to_dict()["stages"].clear()
    toy.node("conditioning").options["layers"].clear()
    changed = toy.set("noise", 5)
    assert len(toy.stages) == 2
    assert toy.conditioning.options["layers"] == [1, {"width": 3}]
    assert (toy.noise, changed.noise) == (10, 5)


EXTENDED = (
    TOY
    + """
  mixed:
    extends: toy
    title: Mixed
    text: {use: clip/text}
    data: {batch: 8}
    image: null
    training:
      damsm: null
      gan: {epochs: 3, updates: {generator: {losses: [toy/other]}}}
"""
)


def test_extends(load):
    mixed = load(EXTENDED)["mixed"]
    assert (mixed.title, mixed.extends) == ("Mixed", "toy")
    assert mixed.text == Node("clip/text", {}, "some.yaml:36", "text")
    assert mixed.data == Node("core/shapes", {"batch": 8}, "some.yaml:7", "data")
    assert mixed.image is None
    assert list(mixed.phases) == ["gan"]
    gan = mixed.phases["gan"]
    assert (gan.epochs, gan.steps) == (3, None)
    assert [loss.use for loss in gan.updates["generator"].losses] == ["toy/other"]
    assert gan.updates["generator"].optimizer.options == {"lr": 2e-4}
    assert mixed.path_of("data.batch") == "some.yaml:37"
    assert mixed.path_of("noise") == "some.yaml:11"
    assert mixed.path_of("training.gan.updates.generator.losses.0") == "some.yaml:41"
    assert "extends" not in mixed.to_dict()


def test_extends_a_recipe_from_elsewhere(load, toy):
    child = load("recipes: {child: {extends: toy, noise: 3}}", others={"toy": toy})["child"]
    assert (child.noise, child.text.use) == (3, "core/precomputed")
    assert child.path_of("text") == "toy.yaml:8"


def test_extends_mistakes(load, toy):
    again = EXTENDED + "\n  third: {extends: mixed}"
    assert "some.yaml:43: recipe third extends mixed, which extends another" in message(load, again)
    mixed = load(EXTENDED)["mixed"]
    with pytest.raises(GanzooError, match="which extends another"):
        load("recipes: {child: {extends: mixed}}", others={"mixed": mixed})
    unknown = EXTENDED.replace("extends: toy", "extends: toi")
    assert "some.yaml:34: recipe mixed extends 'toi', which does not exist; did you mean `toy`?" in message(
        load, unknown
    )
    assert "extends [1], which does not exist" in message(load, "recipes: {a: {extends: [1]}}")
    nothing = EXTENDED.replace("damsm: null", "damsn: null")
    assert message(load, nothing) == (
        "some.yaml:40: `training` has no `damsn` to remove; did you mean `damsm`?"
    )


def test_set_replaces_a_component_by_name(toy):
    changed = toy.set("text", "clip/text")
    assert changed.text == Node("clip/text", {}, "recipe.set('text', 'clip/text')", "text")
    assert toy.set("text.use", "clip/text").text.options == {"size": 16}
    assert toy.set("stages.1.discriminator", "toy/judge").stages[1].discriminator.use == "toy/judge"


def test_set_reaches_everything(toy):
    changed = (
        toy.set("training.gan.samples_per_caption", 2)
        .set("stages.0.discriminator.channels", 32)
        .set("conditioning.layers.1.width", 5)
        .set("conditioning.new", (1, 2))
        .set(
            "training.third", {"steps": 1, "updates": {"encoders": {"optimizer": "adam", "losses": ["a/b"]}}}
        )
    )
    assert changed.phases["gan"].samples_per_caption == 2
    assert changed.stages[0].discriminator.options == {"channels": 32}
    assert changed.conditioning.options == {"size": 8, "layers": [1, {"width": 5}], "new": [1, 2]}
    assert changed.phases["third"].updates["encoders"].losses[0].use == "a/b"
    assert changed.path_of("stages.0.discriminator.channels") == (
        "recipe.set('stages.0.discriminator.channels', 32)"
    )


def test_none_removes(toy):
    changed = toy.set("image", None).set("training.damsm", None).set("stages.0.discriminator", None)
    assert changed.image is None
    assert list(changed.phases) == ["gan"]
    assert changed.stages[0].discriminator is None
    assert changed.set("text.size", None).text.options == {"size": None}
    assert message(toy.set, "training.dams", None) == (
        "recipe.set('training.dams', None): `training` has no `dams` to remove; did you mean `damsm`?"
    )


def test_steps_and_epochs_replace_each_other(toy):
    assert toy.set("training.gan.epochs", 3).phases["gan"].steps is None
    assert toy.set_text("training.damsm.steps=3").phases["damsm"].epochs is None


def test_set_text(toy):
    changed = toy.set_text("text=clip/text").set_text("text.lr=1e-4").set_text("text.sizes=[1, {a: b}]")
    assert changed.text.options == {"lr": 1e-4, "sizes": [1, {"a": "b"}]}
    assert changed.path_of("text.lr") == "--set text.lr=1e-4"
    assert toy.set_text("image=").image is None
    assert toy.set_text("text.flag=no").text.options["flag"] == "no"
    assert toy.set_text("text.note=a=b").text.options["note"] == "a=b"


def test_add(toy):
    path = "training.gan.updates.generator.losses"
    changed = toy.add(path, {"use": "toy/more", "weight": 0.5})
    assert [loss.use for loss in changed.phases["gan"].updates["generator"].losses][-1] == "toy/more"
    assert len(toy.phases["gan"].updates["generator"].losses) == 2
    assert changed.path_of(f"{path}.2.weight").startswith("recipe.add('training.gan")
    assert toy.add("stages", {"stage": "toy/next"}).stages[2].stage.use == "toy/next"
    assert "`text` is not a list; recipe.set changes it" in message(toy.add, "text", "a/b")
    assert "has no `lossez`; did you mean `losses`?" in message(
        toy.add, "training.gan.updates.generator.lossez", "a/b"
    )


def test_named(toy):
    assert toy.named("other").name == "other"
    assert "recipe name 'a b' must be of the form" in message(toy.named, "a b")


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("noise", "--set noise: expected path=value, as in --set noise=100"),
        ("txt=a/b", "--set txt=a/b: a recipe has no `txt`; did you mean `text`?"),
        ("zzz=1", "--set zzz=1: a recipe has no `zzz`; there is title, paper"),
        ("training.gna.ema=1", "`training` has no `gna`; did you mean `gan`?"),
        ("training.gan.emma=1", "`training.gan` has no `emma`; did you mean `ema`?"),
        ("stages.5.stage=a", "`stages` is a list of 2, counted from 0; it has no `5`"),
        ("stages.x=a", "`stages` is a list of 2, counted from 0; it has no `x`"),
        ("noise.x=1", "`noise` is the value 10; there is no `x` in it"),
        ("text.a.b=1", "`text` has no `a`"),
        ("text={a", "--set text={a:1: not valid YAML"),
        ("noise=-1", "`noise`: Input should be greater than or equal to 0, not -1   at --set noise=-1"),
        ("noise=1.5", "`noise`: Input should be a valid integer"),
        ("noise=true", "`noise`: Input should be a valid integer"),
        ("training.gan.ema=1.0", "`training.gan.ema`: Input should be less than 1, not 1.0"),
        ("training.gan.steps=0", "Input should be greater than or equal to 1, not 0"),
        ("training.gan.steps=", "`training.gan`: exactly one of `steps` and `epochs` must be given"),
        (
            "training.gan.stages=[0, 7]",
            "`training.gan.stages` names stage 7, but there are 2 stages, counted",
        ),
        ("training.gan.updates={}", "`training.gan.updates`: Dictionary should have at least 1 item"),
        ("training.gan.updates.critic={}", "`training.gan.updates` has no `critic`; there is discriminator"),
        ("text=3", "`text` must be a component, {use: prefix/name}, not 3"),
        ("text=A b", "`text` must be a component, {use: prefix/name}, not {'use': 'A b'}"),
        ("data={batch: 3}", "`data` must be a component, {use: prefix/name}, not {'batch': 3}"),
        ("stages.0={discriminator: a/b}", "`stages.0` needs `stage`   at --set"),
        ("training.a b={}", "`training.a b`: String should match pattern"),
    ],
)
def test_mistakes(toy, assignment, said):
    assert said in message(toy.set_text, assignment)


def test_restart_without_averages(toy):
    restarting = toy.set("training.gan.ema_restart", 5)
    assert "`ema_restart` goes on from averages; give `ema` too, such as 0.999" in message(
        restarting.set, "training.gan.ema", None
    )


def test_values_that_yaml_cannot_say(toy):
    assert "a recipe holds numbers, text, lists and mappings with text as keys, not set" in message(
        toy.set, "text.words", {1, 2}
    )
    assert "not dict" in message(toy.set, "text.words", {1: 2})


def test_node_mistakes(toy):
    assert "`training.gan` is not the place of a component" in message(toy.node, "training.gan")
    assert "`stages.1` has no `discriminator`" in message(
        toy.set("image", None).node, "stages.1.discriminator"
    )


def test_all_mistakes_at_once(load):
    text = (
        TOY.replace("noise: 10", "nois: 10")
        .replace("ema: 0.999", "emma: 0.999")
        .replace("every: 2", "every: x")
    )
    assert message(load, text) == (
        "recipe toy: 3 mistakes\n"
        "  1. `training.gan.updates.discriminator.every`: Input should be a valid integer, not 'x'"
        "   at some.yaml:27\n"
        "  2. `training.gan` has no `emma`; did you mean `ema`?   at some.yaml:25\n"
        "  3. a recipe has no `nois`; did you mean `noise`?   at some.yaml:11"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("recipes: {a: 3}", "some.yaml:1: recipe a must be a mapping, not 3"),
        ("recipes: {a: {zzz: 1}}", "a recipe has no `zzz`; it may have conditioning, data"),
        ("recipes: {a: {zzz: null}}", "a recipe has no `zzz`"),
        ("recipes: {a b: {}}", "the recipe name 'a b' must be of the form"),
        (
            "recipes: {}\nrecipe: {}",
            "some.yaml:2: a file of recipes has no `recipe`; did you mean `recipes`?",
        ),
        ("", "some.yaml must have `recipes:`, a mapping of names to recipes"),
        ("recipes: [1]", "some.yaml must have `recipes:`"),
    ],
)
def test_mistakes_in_files(load, text, said):
    assert said in message(load, text)


def test_from_yaml_wants_one_recipe():
    assert message(parsed, "recipes: {a: {}, b: {}}", None, "two.yaml") == (
        "two.yaml has 2 recipes, say which one, as in two.yaml:NAME: a, b"
    )
    assert parsed("recipes: {a: {}}", None).name == "a"
    assert parsed("recipes: {a: {}}", "b").name == "b"


OPTIONS = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**18), 10**18)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
    | st.sampled_from(
        ["1e-4", "08", "1_000", "no", "~", "null", ".5", "0x1F", "1:30", "=", "<<", "2001-01-01"]
    ),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None, max_examples=50)
@given(option=OPTIONS, key=st.text().filter(lambda key: key != "use"), noise=st.integers(0, 1000))
def test_yaml_round_trip(option, key, noise):
    recipe = parsed(TOY).set("conditioning", {"use": "toy/ca", key: option}).set("noise", noise)
    again = Recipe.from_yaml(recipe.to_yaml())
    assert again == recipe
    assert again.to_yaml() == recipe.to_yaml()
    assert again.conditioning.options == {key: option}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("noise", math.nan), "`noise`: a number should be finite, not nan   at recipe.set('noise', nan)"),
        (("noise", 1e999), "`noise`: a number should be finite, not inf   at recipe.set('noise', inf)"),
        (
            ("noise", 2**63),
            "`noise`: an integer should have at most 64 bits, not 9223372036854775808   at rec",
        ),
        (
            ("conditioning", {"use": "toy/ca", "a": [1, math.inf]}),
            "`conditioning.a.1`: a number should be fin",
        ),
    ],
)
def test_numbers_with_which_nothing_can_be_computed(toy, change, said):
    assert f"recipe toy: {said}" in message(toy.set, *change)


def test_what_is_set_may_not_hold_itself(toy):
    circle = []
    circle.append(circle)
    assert "nested deeper than 32 levels, or in itself" in message(toy.set, "reported", {"a": circle})


@pytest.mark.parametrize("name", [".", "..", ".hidden", "-rf"])
def test_names_that_lead_out_of_the_runs(toy, name):
    assert f"the recipe name {name!r} must be of the form" in message(toy.named, name)


def test_recipes_do_not_multiply():
    """A file of 100 kB in which hundreds of recipes extend a large one would fill the memory."""
    large = "base: {reported: {" + ", ".join(f"a{i}: {i}" for i in range(1000)) + "}}"
    assert message(parsed, f"recipes:\n  {large}") == "toy.yaml:2: recipe base has more than 1,000 values"
    many = "".join(f"  r{i}: {{extends: base}}\n" for i in range(200))
    assert (
        message(parsed, f"recipes:\n  base: {{}}\n{many}") == "toy.yaml:1: more than 200 recipes in one file"
    )
