from __future__ import annotations

from pathlib import Path

import pytest
import shards
from PIL import Image

import ganzoo as package
from ganzoo.data.folder import Folder
from ganzoo.errors import GanzooError


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("GANZOO_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def mine(tmp_path):
    for number in range(20):
        (tmp_path / "mine").mkdir(exist_ok=True)
        Image.new("RGB", (20, 20), (number, 0, 0)).save(tmp_path / "mine" / f"{number}.png")
        (tmp_path / "mine" / f"{number}.txt").write_text(f"picture {number}")
    return tmp_path / "mine"


def contents(folder: Path) -> dict[str, int]:
    return {str(path): path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}


def test_training_finds_what_was_prepared(toy, mine, cache, tmp_path):
    done = package.data_prepare(mine, toy, device="cpu")
    assert done.changes == ("data={use: core/folder, batch: 4}",)
    train = len(Folder().examples("train", mine, 16))
    assert [cache.what for cache in done.caches] == [
        f"{train} train pictures, 16 x 16 pixels",
        f"{20 - train} held-out pictures, 16 x 16 pixels",
        f"features of {train} captions",
    ]
    assert [one.size for one in done.caches[:2]] == [train * 3 * 256, (20 - train) * 3 * 256]
    before = contents(cache)
    assert before and all(str(one.folder).startswith(str(cache)) for one in done.caches)
    recipe = toy.set_text(done.changes[0])
    package.train(recipe, mine, tmp_path / "run", device="cpu", sample_every=2)
    assert contents(cache) == before


@pytest.mark.parametrize(
    "write, said",
    [
        (lambda root: shards.write_saved(root), "data={use: core/hf, class_from: label, batch: 4}"),
        (
            lambda root: shards.write_tar(
                root / "0.tar", {k: v for n in range(9) for k, v in shards.sample(f"{n}").items()}
            ),
            "data={use: core/webdataset, image: [png], batch: 4}",
        ),
    ],
    ids=["core/hf", "core/webdataset"],
)
def test_shards_are_prepared_and_trained_on(toy, cache, tmp_path, write, said):
    write(tmp_path / "shards")
    done = package.data_prepare(tmp_path / "shards", toy, device="cpu")
    assert done.changes == (said,) and len(done.caches) == 3
    before = contents(cache)
    run = package.train(toy.set_text(said), tmp_path / "shards", tmp_path / "run", device="cpu")
    assert contents(cache) == before and run.saved


def test_what_is_there_is_not_made_again(mine, cache):
    first = package.data_prepare(mine, size=8)
    before = contents(cache)
    assert package.data_prepare(mine, size=8) == first and contents(cache) == before
    assert [one.what.split()[1] for one in first.caches] == ["train", "test"]


def test_broken_pictures_stop_it_unless_they_are_left_out(mine, cache):
    file = mine / Folder().examples("train", mine, 8).keys[0]
    file.write_bytes(b"broken")
    with pytest.raises(GanzooError, match=rf"1 of \d+ pictures cannot be read: {file.name}"):
        package.data_prepare(mine, size=8)
    left = package.data_prepare(mine, size=8, skip_broken=True)
    assert left.caches[0].what.startswith(f"{len(Folder().examples('train', mine, 8)) - 1} train pictures")


def test_a_recipe_or_a_size_is_needed_but_not_both(mine, cache, toy):
    for given in ({}, {"recipe": toy, "size": 8}):
        with pytest.raises(GanzooError, match="either a recipe, or a size in pixels"):
            package.data_prepare(mine, **given)


def test_a_recipe_that_the_data_cannot_train_is_an_error(mine, cache):
    with pytest.raises(GanzooError, match=r"gawwn-bbox-shapes cannot be assembled.*\n.*needs `boxes`"):
        package.data_prepare(mine, "gawwn-bbox-shapes")


def test_the_command_says_where_and_how_large(ganzoo, mine, toy_file, cache):
    done = ganzoo("data", "prepare", mine, "--recipe", toy_file, "--set", "noise=7", "--device", "cpu")
    assert done.code == 0, done
    assert f"{mine}: core/folder\n" in done.out and "16 x 16 pixels" in done.out and "kB" in done.out
    assert str(cache / "pictures") in done.out and str(cache / "captions") in done.out
    said = f"{toy_file} --set noise=7 --set 'data={{use: core/folder, batch: 4}}' --data {mine}"
    assert f"train with: ganzoo train {said}" in done.out
