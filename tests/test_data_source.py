from __future__ import annotations

import shlex
from pathlib import Path

import miniatures
import numpy as np
import pytest
from PIL import Image

from ganzoo.assemble import assemble
from ganzoo.catalogue import load as load_catalogue
from ganzoo.data.birds import Birds
from ganzoo.data.folder import Folder
from ganzoo.data_fits import changed, explaining_layout, fits
from ganzoo.data_source import Source, find, flow
from ganzoo.errors import GanzooError


@pytest.fixture
def folder(tmp_path):
    return pictures(tmp_path / "mine")


def pictures(root: Path, count: int = 6) -> Path:
    for number in range(count):
        path = root / ("owl" if number % 2 else "crow") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number, 0, 0)).save(path)
        path.with_suffix(".txt").write_text(f"bird {number}")
    return root


# -- which data set it is ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "build, use",
    [
        (miniatures.birds, "core/birds"),
        (miniatures.flowers, "core/flowers"),
        (miniatures.coco, "core/coco"),
        (miniatures.coco_attngan, "core/coco"),
        (miniatures.mpii, "core/mpii"),
        (pictures, "core/folder"),
    ],
)
def test_folders_are_recognised_and_what_is_recognised_can_be_read(tmp_path, registry, build, use):
    source = find(build(tmp_path / "data"), registry)
    assert (source.use, source.folder) == (use, tmp_path / "data")
    assert len(source.data.examples("train", source.folder, 8)) > 0


def test_data_sets_that_need_no_folder_go_by_their_names(registry):
    source = find("core/shapes", registry)
    assert (source.use, source.folder, dict(source.options)) == ("core/shapes", None, {})


def test_more_specific_data_sets_come_before_folders_of_pictures(tmp_path, registry):
    root = miniatures.birds(tmp_path)
    assert Folder.recognise(root) is not None and find(root, registry).use == "core/birds"


def test_what_cannot_be_found_is_said(tmp_path, registry):
    (tmp_path / "file.tar").touch()
    (tmp_path / "empty").mkdir()
    for named, message in (
        ("core/shape", r"core/shape is not there; did you mean `core/shapes`\?; give a folder, or the name"),
        ("core/birds", "core/birds reads a folder; give the folder's path instead"),
        (tmp_path / "file.tar", r"file\.tar is no folder; give the folder that it lies in"),
        (
            tmp_path / "empty",
            r"empty is laid out like no data set that is known \(.*core/hf, core/webdataset",
        ),
    ):
        with pytest.raises(GanzooError, match=message):
            find(named, registry)


def test_a_damaged_shard_is_said_unless_the_folder_is_another_data_set(folder, registry):
    (folder / "0.tar").write_bytes(b"x" * 1000)
    assert find(folder, registry).use == "core/folder"
    for file in folder.rglob("*.png"):
        file.unlink()
    with pytest.raises(GanzooError, match=r"0\.tar is a damaged tar file, at its beginning"):
        find(folder, registry)


def test_a_plugin_that_breaks_is_named_and_others_still_asked(folder, tmp_path, plugin):
    parts = """
        from dataclasses import dataclass
        from ganzoo.data.folder import Folder

        @dataclass(frozen=True, kw_only=True)
        class Odd(Folder):
            @classmethod
            def recognise(cls, folder):
                return 1 / 0
    """
    code = """
        from ganzoo.hookspecs import hookimpl

        @hookimpl
        def ganzoo_datasets():
            from MODULE_parts import Odd
            return {"data": Odd}
    """
    plugin("odd", code, parts)
    from ganzoo.plugins import load

    assert find(folder, load()).use == "core/folder"
    (tmp_path / "empty").mkdir()
    with pytest.raises(GanzooError, match=r"odd/data is broken: recognise\(\) raised ZeroDivisionError"):
        find(tmp_path / "empty", load())


# -- recipes put onto it -------------------------------------------------------------------------------------


def by_name(source, registry, pictures=1000):
    return {fit.recipe: fit for fit in fits(source, pictures, load_catalogue(registry), registry)}


def test_a_recipe_made_for_the_data_needs_no_change(registry):
    found = by_name(find("core/shapes", registry), registry)
    assert found["gan-int-cls-shapes"].changes == found["gawwn-bbox-shapes"].changes == ()
    assert set(found) == set(load_catalogue(registry).recipes)


def test_other_data_comes_with_its_options_and_the_recipes_way_to_read(folder, registry):
    fit = by_name(find(folder, registry), registry)["attngan-shapes"]
    batch = load_catalogue(registry).recipes["attngan-shapes"].data.options["batch"]
    data, *more = fit.changes
    assert data == f"data={{use: core/folder, class_from: folder, batch: {batch}}}"
    assert more == ["training.gan.measure=[{use: core/damsm_r_precision, samples: 512}]"]


def test_a_batch_is_not_larger_than_the_data(folder, registry):
    found = by_name(find(folder, registry), registry, pictures=5)
    assert "batch: 5" in found["gan-int-cls-shapes"].changes[0]


def test_what_is_missing_is_named(folder, registry):
    found = by_name(find(folder, registry), registry)
    assert found["gawwn-bbox-shapes"].missing == ("boxes",) and found["gawwn-bbox-shapes"].changes is None
    assert found["gawwn-keypoints-birds"].missing == ("embedding", "keypoints")
    birds = found["gan-int-cls-birds"]
    assert birds.missing == ("embedding",) and birds.changes[-1] == "text=minilm/text"
    (folder / "owl" / "1.png").rename(folder / "1.png")
    (folder / "owl" / "1.txt").rename(folder / "1.txt")
    assert by_name(find(folder, registry), registry)["attngan-shapes"].missing == ("class_id",)


def test_embeddings_of_another_width_are_told_to_the_text_encoder(tmp_path, registry):
    fit = by_name(find(miniatures.flowers(tmp_path), registry), registry)["gan-int-cls-flowers"]
    assert fit.changes[-1] == "text.size=8" and not fit.missing


def test_what_is_not_installed_is_said(folder, registry, monkeypatch):
    monkeypatch.setattr("ganzoo.data_fits.install", lambda *_, **__: [("pip",)])
    fit = by_name(find(folder, registry), registry)["gan-int-cls-shapes"]
    assert fit.changes is None and fit.reasons == ("not installed: ganzoo install gan-int-cls-shapes",)


def test_every_change_that_is_told_makes_a_recipe_of_this_data(folder, registry):
    recipes = load_catalogue(registry).recipes
    for fit in by_name(find(folder, registry), registry).values():
        if fit.changes is not None:
            assert changed(recipes[fit.recipe], fit.changes).data.use == "core/folder"


def test_mirroring_is_left_out_where_the_data_refuses_it(registry):
    found = by_name(find("core/shapes", registry), registry)
    assert load_catalogue(registry).recipes["attngan-birds"].data.options["flip"]
    assert "flip" not in found["attngan-birds"].changes[0]


def test_the_same_data_set_with_less_than_the_recipe_asks_for_is_not_enough(tmp_path, registry, toy):
    np.save(tmp_path / "embeddings.npy", np.zeros((6, 4), np.float32))
    source = Source("core/folder", Folder(embedding=4), pictures(tmp_path))
    reads = {
        "same": {"embedding": 4},
        "another width": {"embedding": 5},
        "boxes": {"boxes": True},
        "none": {},
    }
    said = {
        name: source.changes(toy.set("data", {"use": "core/folder", "batch": 2, **own}), registry, 6)
        for name, own in reads.items()
    }
    assert said["same"] == said["none"] == ()
    assert said["another width"] == said["boxes"] == ("data={use: core/folder, embedding: 4, batch: 2}",)


@pytest.mark.parametrize(
    "value, text", [("folder", "folder"), (True, "true"), (["a", "b"], "[a, b]"), ({"a": None}, "{a: null}")]
)
def test_values_are_told_on_one_line(value, text):
    assert flow(value) == text


# -- a folder of another data set ----------------------------------------------------------------------------


def test_training_on_another_layout_says_what_to_add(tmp_path, folder, registry):
    recipe = load_catalogue().recipe("gan-int-cls-birds")
    with pytest.raises(GanzooError, match="core/folder") as said, explaining_layout(recipe, folder):
        Birds().examples("train", folder, 8)
    first, hint = str(said.value).split("\n")
    assert "filenames.pickle is not there" in first
    start = f"{folder} is laid out as core/folder; add "
    assert hint.startswith(start)
    words = shlex.split(hint.removeprefix(start))
    assert words[::2] == ["--set"] * (len(words) // 2)
    plan = assemble(changed(recipe, tuple(words[1::2])), registry)
    assert len(plan.data.examples("train", folder, 8)) > 0


def test_training_on_a_layout_that_lacks_something_says_what(folder):
    recipe = load_catalogue().recipe("gawwn-bbox-shapes")
    with pytest.raises(GanzooError, match="-shapes cannot be trained: it lacks boxes; `ganzoo data"):
        with explaining_layout(recipe, folder):
            raise GanzooError("not mine")


@pytest.mark.parametrize("given", [None, "empty", "own"])
def test_where_no_other_data_set_reads_it_nothing_is_added(tmp_path, folder, given):
    recipe = load_catalogue().recipe("gan-int-cls-birds").set("data", {"use": "core/folder", "batch": 4})
    (tmp_path / "empty").mkdir()
    path = {None: None, "empty": tmp_path / "empty", "own": folder}[given]
    with pytest.raises(GanzooError) as said, explaining_layout(recipe, path):
        raise GanzooError("not mine")
    assert str(said.value) == "not mine"
