import pytest

import ganzoo as package
from ganzoo.differences import NOT_SET, Difference, diff
from ganzoo.errors import GanzooError

GENERATOR, DISCRIMINATOR = (f"training.gan.updates.{update}" for update in ("generator", "discriminator"))


def test_a_recipe_is_the_same_as_itself_under_another_name(toy):
    assert diff(toy, toy.named("renamed")) == ()


def test_values_are_compared_one_by_one(toy):
    other = toy.set("noise", 9).set("stages.0.stage.channels", 8).set(f"{GENERATOR}.optimizer.lr", 0.5)
    assert diff(toy, other) == (
        Difference("noise", 6, 9),
        Difference("stages.0.stage.channels", 4, 8),
        Difference(f"{GENERATOR}.optimizer.lr", 0.001, 0.5),
    )


def test_every_path_leads_from_one_recipe_to_the_other(toy):
    other = (
        toy.set("noise", 9)
        .set("training.gan.ema", None)
        .set(f"{GENERATOR}.losses.0", {"use": "core/hinge", "weight": 2.0})
        .set(f"{GENERATOR}.optimizer.betas", [0.5, 0.999])
        .set("data.load_size", None)
    )
    mended = toy
    for difference in diff(toy, other):
        mended = mended.set(difference.path, None if difference.b is NOT_SET else difference.b)
    assert diff(mended, other) == () and mended == other


def test_a_list_of_plain_values_is_one_value(toy):
    one, other = (toy.set(f"{GENERATOR}.optimizer.betas", [beta, 0.999]) for beta in (0.0, 0.5))
    path = f"{GENERATOR}.optimizer.betas"
    assert diff(one, other) == (Difference(path, [0.0, 0.999], [0.5, 0.999]),)
    assert diff(toy, other) == (Difference(path, NOT_SET, [0.5, 0.999]),)


def test_what_only_one_of_them_has(toy):
    longer = toy.add(f"{DISCRIMINATOR}.losses", {"use": "core/r1", "gamma": 1.0})
    path = f"{DISCRIMINATOR}.losses.1"
    assert diff(toy, longer) == (
        Difference(f"{path}.use", NOT_SET, "core/r1"),
        Difference(f"{path}.gamma", NOT_SET, 1.0),
    )
    assert [(found.a, found.b) for found in diff(longer, toy)] == [("core/r1", NOT_SET), (1.0, NOT_SET)]


def test_null_is_a_value(toy):
    (found,) = diff(toy, toy.set("data.load_size", None))
    assert found == Difference("data.load_size", NOT_SET, None)
    assert str(found.a) == "not set"


def test_names_files_and_runs(toy, toy_file, trained):
    assert package.diff(toy_file, trained) == package.diff(toy, str(trained)) == ()
    assert Difference("noise", 32, 6) in package.diff("gan-int-cls-shapes", toy_file)
    with pytest.raises(GanzooError, match=r"there is no recipe 'toi'"):
        diff("toi", toy)


def test_the_command_shows_a_table(ganzoo, toy, tmp_path):
    one, other = tmp_path / "one.yaml", tmp_path / "other.yaml"
    one.write_text(toy.to_yaml())
    other.write_text(toy.set("noise", 9).set("data.flip", True).set("title", "A [bold]toy").to_yaml())
    lines = [line.rstrip().split("  ") for line in ganzoo("diff", one, other).out.splitlines()]
    assert [[word.strip() for word in line if word] for line in lines] == [
        ["path", str(one), str(other)],
        ["title", "A toy", "A [bold]toy"],
        ["data.flip", "not set", "true"],
        ["noise", "6", "9"],
    ]


def test_the_command_says_that_nothing_differs(ganzoo, toy_file, trained):
    ran = ganzoo("diff", toy_file, trained)
    assert (ran.code, ran.out) == (0, f"{toy_file} and {trained} are the same\n")


def test_the_command_names_the_recipe_that_is_not_there(ganzoo, toy_file):
    ganzoo("diff", toy_file, "gan-int-cls-shape").fails("did you mean `gan-int-cls-shapes`?")
