from __future__ import annotations

import miniatures
import numpy as np
import pytest
from PIL import Image

import ganzoo as package
from ganzoo.contact_sheet import GAP, HEADING, SIDE, contact_sheet
from ganzoo.data.examples import Examples
from ganzoo.specs import DataSpec


@pytest.fixture
def birds(tmp_path):
    return miniatures.birds(tmp_path / "birds")


def test_a_folder_is_checked(birds, tmp_path):
    found = package.data_check(birds, sheet=tmp_path / "sheet.png")
    assert found.source.use == "core/birds"
    assert found.spec == DataSpec(
        embedding=8, class_id=True, boxes=True, keypoints=15, pairs=((6, 10), (7, 11), (8, 12))
    )
    assert [(split.pictures, split.captions, split.classes) for split in found.survey.splits] == [
        (4, 40, 2),
        (2, 20, 1),
    ]
    assert {fit.recipe for fit in found.fits} == set(package.recipes())
    with Image.open(found.sheet) as sheet:
        assert sheet.width == GAP + 6 * (SIDE + GAP)


def test_broken_pictures_do_not_count_as_a_batch(birds):
    file = next((birds / "CUB_200_2011" / "images").glob("002*/*.jpg"))
    file.write_bytes(b"broken")
    found = package.data_check(birds)
    assert len(found.survey.splits[0].broken) == 1 and found.sheet is None
    (fit,) = [fit for fit in found.fits if fit.recipe == "gan-int-cls-shapes"]
    assert "batch: 3" in fit.changes[0]


# -- the contact sheet ---------------------------------------------------------------------------------------


def examples(colours, **more):
    def image(i):
        if colours[i] is None:
            raise OSError("broken")
        return Image.new("RGB", (30, 10), colours[i])

    return Examples(
        tuple(map(str, range(len(colours)))),
        tuple((f"caption {i}",) for i in range(len(colours))),
        image,
        "x",
        **more,
    )


def pixel(sheet, row, column, at=(0.5, 0.5), top=HEADING):
    tall = SIDE + GAP + 4 * 14
    x = GAP + column * (SIDE + GAP) + int(at[0] * (SIDE - 1))
    return sheet.getpixel((x, top + row * tall + int(at[1] * (SIDE - 1))))


def test_the_sheet_shows_pictures_spread_over_each_split():
    colours = [(number, 0, 0) for number in range(100)]
    sheet = contact_sheet({"train": examples(colours), "test": examples([(0, 9, 0)])})
    assert [pixel(sheet, *divmod(n, 6)) for n in (0, 17)] == [(0, 0, 0), (99, 0, 0)]
    below = HEADING + 3 * (SIDE + GAP + 4 * 14) + HEADING
    assert pixel(sheet, 0, 0, top=below) == (0, 9, 0) and pixel(sheet, 0, 1, top=below) == (255, 255, 255)


def test_broken_pictures_are_grey_and_layouts_drawn():
    boxes = np.array([[0.25, 0.25, 0.5, 0.5], [0, 0, 1, 1]], np.float32)
    sheet = contact_sheet({"train": examples(["lime", None], boxes=boxes), "test": examples([])})
    assert pixel(sheet, 0, 0) == (0, 255, 0) and pixel(sheet, 0, 0, (0.25, 0.5)) == (255, 0, 255)
    assert pixel(sheet, 0, 1, (0.1, 0.1)) == (211, 211, 211)
    assert sheet.height == HEADING + SIDE + GAP + 4 * 14 + GAP


# -- the command ---------------------------------------------------------------------------------------------


def test_the_command_says_what_it_found(ganzoo, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for number, split in enumerate(["train"] * 4 + ["test"] * 2):
        path = tmp_path / "mine" / split / ("owl" if number % 2 else "crow") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (8, 8), (number % 5, 0, 0)).save(path)  # the first and the last are the same
        path.with_suffix(".txt").write_text(f"bird {number}\nanother")
    (tmp_path / "mine" / "train" / "owl" / "1.png").write_bytes(b"broken")
    done = ganzoo("data", "check", "mine")
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert done.code == 0, done
    assert lines[0] == "mine: core/folder (class_from: folder)"
    assert "train 4 8 8 2 5 2 1" in lines and "test 2 8 4 2 3 2 0" in lines
    assert "with each picture: captions, classes" in lines and "classes in both splits: 2" in lines
    assert any(line.startswith("unreadable, train: train/owl/1.png (cannot identify") for line in lines)
    assert "the same picture twice in both splits: 1: train/crow/0.png = test/owl/5.png" in lines
    assert "no boxes gawwn-bbox-shapes" in lines
    (other,) = [line for line in lines if line.startswith("with other options ")]
    assert "attngan-{" in other and "gawwn" not in other
    (example,) = [line for line in lines if line.startswith("with other options, for example: ")]
    assert "batch: 3" in example and example.endswith("--data mine --skip-broken")
    assert lines[-1] == "contact sheet: mine-sheet.png" and (tmp_path / "mine-sheet.png").is_file()


def test_a_data_set_without_a_folder_is_checked_by_its_name(ganzoo, tmp_path):
    done = ganzoo("data", "check", "core/shapes", "--most", 5, "--sheet", tmp_path / "a.png")
    assert done.code == 0 and "core/shapes: core/shapes\n" in done.out
    lines = [" ".join(line.split()) for line in done.out.splitlines()]
    assert any(line.startswith("train 8,192 64 ") and line.endswith("0 of 5") for line in lines)
    assert any(line.startswith("yes ") and "gawwn-keypoints-shapes" in line for line in lines)
    assert "yes, for example: ganzoo train gan-int-cls-shapes" in lines


@pytest.mark.parametrize(
    "words, said",
    [
        (("check", "nowhere"), "nowhere is not there; give a folder, or the name of a data set"),
        (("check", "."), ". is laid out like no data set that is known"),
        (("check", "core/shapes", "--most", "2", "--sheet", "x.yz"), "cannot tell the picture format"),
        (("prepare", "core/shapes"), "say what to prepare the pictures for: either a recipe, or a size"),
        (("prepare", "core/shapes", "--size", "0"), "cannot be packed at 0 pixels; expected 1 or more"),
        (("prepare", "core/shapes", "--recipe", "gan-int-cls-shape"), "did you mean `gan-int-cls-shapes`?"),
    ],
)  # fmt: skip
def test_mistakes_are_one_message(ganzoo, tmp_path, monkeypatch, words, said):
    monkeypatch.chdir(tmp_path)
    ganzoo("data", *words).fails(said)
