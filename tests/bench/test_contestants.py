"""Who is compared, by name, file or run folder."""

import pytest

from ganzoo.bench.contestants import contestants, differences, made_otherwise
from ganzoo.errors import GanzooError
from ganzoo.train import train
from tests.conftest import TOY


def names(rows):
    return [row.name for row in rows]


def test_a_beginning_stands_for_the_model_on_that_data(registry):
    rows = contestants(["gan-int-cls", "stackgan-pp", "attngan"], "core/shapes", registry)
    assert names(rows) == ["gan-int-cls-shapes", "stackgan-pp-shapes", "attngan-shapes"]
    assert all(row.plan and not row.reason for row in rows)


def test_without_data_it_is_that_of_the_first(registry):
    rows = contestants(["gan-int-cls-shapes", "attngan"], None, registry)
    assert names(rows) == ["gan-int-cls-shapes", "attngan-shapes"]


def test_a_model_for_other_data_is_put_on_it(registry):
    (row,) = contestants(["gan-int-cls-shapes"], "emoji/emoji", registry)
    assert row.plan and row.recipe.data.use == "emoji/emoji"
    assert row.recipe.data.options["batch"] == 32


@pytest.mark.parametrize(
    ("models", "data", "said"),
    [
        ([], None, "name models to compare, or `--data`"),
        (["gan-int-clss"], None, "there is no model 'gan-int-clss'; did you mean"),
        (["gan-int-cls"], None, "no model called 'gan-int-cls'; name one, or the data with --data; there is"),
        (["stackgan"], "core/shapes", "'stackgan' may be stackgan-pp-shapes or stackgan-v1-shapes; name one"),
        (["gan-int-cls-shapes"], "core/shape", "did you mean"),
        (["gan-int-cls-shapes"], "nowhere/data", "no installed plugin is called 'nowhere'"),
    ],
)  # fmt: skip
def test_names_that_nothing_fits(registry, models, data, said):
    with pytest.raises(GanzooError) as error:
        contestants(models, data, registry)
    assert said in str(error.value)


def test_rows_that_cannot_be_compared_say_why(registry, toy_file, tmp_path):
    broken = tmp_path / "broken.yaml"
    broken.write_text(TOY.replace("toy:", "broken:").replace("size: 10", "sise: 10"))
    models = ["gawwn-keypoint-generator-shapes", str(broken), str(toy_file)]
    rows = {row.name: row for row in contestants(models, "core/shapes", registry)}
    assert rows["gawwn-keypoint-generator-shapes"].reason == "it draws keypoints, not pictures"
    assert "has no option `sise`" in rows["broken"].reason and rows["broken"].plan is None
    assert rows["toy"].plan and not rows["toy"].reason
    (damsm,) = contestants(["damsm-birds"], None, registry)
    assert damsm.reason == "it trains encoders alone, and draws nothing"


def test_all_train_on_the_same_pictures(registry, toy_file):
    rows = contestants([str(toy_file), "gawwn-bbox-shapes"], None, registry)
    data = rows[1].plan.data
    assert (data.count, data.test_count, data.objects) == (64, 16, "both")
    assert data.mismatched == "captions" and data.batch == 32  # how it trains stays its own


def test_one_row_twice(registry, toy_file, tmp_path):
    again = tmp_path / "again.yaml"
    again.write_text(TOY)
    assert names(contestants([str(toy_file)] * 2, None, registry)) == ["toy"]
    with pytest.raises(GanzooError, match="toy would be two rows"):
        contestants([str(toy_file), str(again)], None, registry)


def test_run_folders_of_one_recipe_are_one_row(registry, toy, trained, tmp_path):
    other = train(toy, run_dir=tmp_path / "other", device="cpu", seed=1).path
    longer = train(toy.set("training.gan.steps", 5), run_dir=tmp_path / "longer", device="cpu").path
    rows = contestants([str(trained), str(other), str(longer)], None, registry)
    assert names(rows) == ["toy", "longer"]
    assert [run.path for run in rows[0].runs] == [trained, other]


def test_a_run_on_other_data_is_refused(registry, trained):
    rows = contestants(["gan-int-cls-shapes", str(trained)], "emoji/emoji", registry)
    assert rows[1].reason == "it was trained on core/shapes, the comparison is on emoji/emoji"
    assert rows[1].plan is None and rows[0].plan


def test_pairs_that_differ_in_one_place(registry, toy, tmp_path):
    files = []
    for name, change in (("a", {}), ("b", {"noise": 7}), ("c", {"noise": 7, "training.gan.ema": 0.8})):
        recipe = toy.named(name).set("title", name)
        for path, value in {**change, "training.gan.steps": 3 + len(name)}.items():
            recipe = recipe.set(path, value)
        files.append(tmp_path / f"{name}.yaml")
        files[-1].write_text(recipe.to_yaml())
    rows = contestants([str(file) for file in files], None, registry)
    found = [(one.name, other.name, path, values) for one, other, path, values in differences(rows)]
    assert found == [("a", "b", "noise", ("6", "7")), ("b", "c", "training.gan.ema", ("0.9", "0.8"))]
    assert made_otherwise(rows[0].recipe, rows[2].recipe) == ["noise", "training.gan.ema"]


def test_length_and_measures_make_no_other_model(toy):
    other = toy.set("training.gan.steps", 9).set("training.gan.measure", [{"use": "core/shapes_agreement"}])
    assert made_otherwise(toy, other.set("title", "other")) == []
