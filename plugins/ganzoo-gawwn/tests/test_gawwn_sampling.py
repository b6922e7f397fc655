"""Told where to draw, in Python and on the command line, by models that were trained for one step."""

import json
import re
import sys

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo.cli import main
from ganzoo.errors import GanzooError
from ganzoo.flow import Layout
from ganzoo.placing import SPOTS, drawn_over
from ganzoo.recipe import Recipe
from ganzoo.train import train

SMALL = {"channels": 2, "grid": 8}
CAPTION = "a small red circle above a large blue square"


def recipe(stage, judge, sizes, judged, **data):
    tree = {
        "title": "small",
        "data": {
            "use": "core/shapes",
            "batch": 4,
            "count": 16,
            "test_count": 8,
            "mismatched": "captions",
            **data,
        },
        "text": {"use": "core/ngrams", "size": 8, "buckets": 64},
        "conditioning": {"use": "gawwn/project", "size": 6},
        "noise": 4,
        "stages": [
            {
                "stage": {"use": f"gawwn/{stage}", **sizes},
                "discriminator": {"use": f"gawwn/{judge}", **judged},
            }
        ],
        "training": {
            "gan": {
                "steps": 1,
                "updates": {
                    "discriminator": {
                        "optimizer": {"use": "adam", "lr": 1e-3},
                        "losses": [{"use": "core/nonsaturating", "mismatched": 0.5}],
                    },
                    "generator": {
                        "optimizer": {"use": "adam", "lr": 1e-3},
                        "losses": [{"use": "core/nonsaturating"}],
                    },
                },
            }
        },
    }
    return Recipe.from_yaml(json.dumps({"recipes": {f"small-{stage}": tree}}))


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run of each kind, by what it reads or draws."""
    cache = pytest.MonkeyPatch()
    cache.setenv("GANZOO_CACHE", str(tmp_path_factory.mktemp("cache")))
    made = {
        "box": recipe("box_stage", "box_discriminator", {"resolution": 16, **SMALL}, {**SMALL, "text": 3}),
        "points": recipe(
            "keypoint_stage", "keypoint_discriminator", {"resolution": 16, **SMALL}, {**SMALL, "text": 3}
        ),
        "drawer": recipe(
            "keypoint_generator", "points_discriminator", {"channels": 2}, {"channels": 2}, hide=0.5
        ),
    }
    folder = tmp_path_factory.mktemp("runs")
    trained = {
        name: train(one, run_dir=folder / name, device="cpu", log_every=1) for name, one in made.items()
    }
    yield trained
    cache.undo()


@pytest.fixture
def command(monkeypatch, capsys):
    """`ganzoo sample ...` in this process; what it printed, or its error."""

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["ganzoo", "sample", *map(str, words)])
        capsys.readouterr()
        try:
            main()
        except SystemExit as end:
            out = capsys.readouterr()
            return out.err if end.code else out.out
        return capsys.readouterr().out

    return run


def test_a_sample_grid_was_drawn_while_training(runs):
    for run in runs.values():
        assert list(run.samples.glob("*.png"))


def test_another_box_another_picture(runs):
    model = runs["box"].load()
    boxes = torch.tensor([[0.1, 0.1, 0.3, 0.3], [0.5, 0.5, 0.4, 0.5]])
    both = model.generate([CAPTION] * 2, layout=Layout(boxes))
    assert not torch.equal(both[0], both[1])
    alone = model.generate([CAPTION], layout=Layout(boxes[1:]))
    assert torch.allclose(alone, both[1:], atol=1e-5)


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        (None, "small-box_stage needs a box for each picture; give one a picture: `--box"),
        (Layout(torch.rand(2, 4)), r"the boxes are [2, 4]; expected [1, 4], a row a caption"),
        (Layout(torch.tensor([[0.5, 0.5, 0.6, 0.1]])), "box 0 lies outside 0..1, the picture"),
        (Layout(torch.tensor([[0.5, 0.5, 0.0, 0.1]])), "box 0 has no area"),
    ],
)
def test_boxes_that_are_none(runs, layout, said):
    with pytest.raises(GanzooError, match=re.escape(said)):
        runs["box"].load().generate([CAPTION], layout=layout)


def test_keypoints_that_are_none(runs):
    model = runs["points"].load()
    with pytest.raises(GanzooError, match=r"needs keypoints .* let a keypoint generator draw them"):
        model.generate([CAPTION])
    with pytest.raises(GanzooError, match="a keypoint of row 0 lies outside"):
        model.generate([CAPTION], layout=Layout(keypoints=torch.full((1, 2, 3), 1.5)))
    with pytest.raises(GanzooError, match="small-keypoint_stage draws no keypoints"):
        model.place([CAPTION])


def test_drawn_keypoints_keep_those_given(runs):
    drawer = runs["drawer"].load()
    given = torch.tensor([[[0.25, 0.75, 1.0], [0.0, 0.0, 0.0]]])
    drawn = drawer.place([CAPTION], 3, layout=Layout(keypoints=given)).keypoints
    assert torch.equal(drawn[0, 0], given[0, 0])
    alone = drawer.place([CAPTION] * 3, range(3)).keypoints
    assert alone.shape == (3, 2, 3) and set(alone[..., 2].unique().tolist()) <= {0.0, 1.0}
    assert not alone[alone[..., 2] == 0].any()
    assert drawer.generate([CAPTION]).shape == (1, 3, 64, 64)


def test_a_moving_box(runs, command, tmp_path):
    out = tmp_path / "moving.png"
    said = command(
        runs["box"].path, CAPTION, "--move-box", "--box", "0,0,0.5,0.5", "--draw-layout", "--out", out
    )
    assert f"{SPOTS**2} places of its box" in said
    with Image.open(out) as picture:
        assert picture.height > SPOTS * 90


def test_boxes_and_keypoints_on_the_command_line(runs, command, tmp_path):
    out, file = tmp_path / "out.png", tmp_path / "points.json"
    file.write_text(json.dumps({"keypoints": [[0.2, 0.3], None]}))
    boxes = ("--box", "0.1,0.2,0.3,0.4", "--box", "0.5,0.5,0.5,0.5")
    assert "2 captions" in command(runs["box"].path, CAPTION, "a circle", *boxes, "--out", out)
    plain = Image.open(out).tobytes()
    command(runs["box"].path, CAPTION, "a circle", *boxes, "--draw-layout", "--out", out)
    assert Image.open(out).tobytes() != plain
    files = command(
        runs["box"].path,
        CAPTION,
        "a circle",
        *boxes,
        "--separate",
        "--seeds",
        "0",
        "--batch",
        1,
        "--out",
        tmp_path / "d",
    )
    assert "2 pictures" in files
    model = runs["box"].load()
    expected = model.generate(["a circle"], 0, layout=Layout(torch.tensor([[0.5, 0.5, 0.5, 0.5]])))
    shown = np.asarray(Image.open(next((tmp_path / "d").glob("0002-*"))))
    assert np.abs(shown / 127.5 - 1 - expected[0].permute(1, 2, 0).numpy()).max() < 0.01
    points = (runs["points"].path, CAPTION, "--keypoints-from", runs["drawer"].path, "--out", out)
    assert "1 captions" in command(*points, "--draw-layout")
    assert "1 captions" in command(*points, "--keypoints", file, "--stages")


@pytest.mark.parametrize(
    ("run", "words", "said"),
    [
        ("box", [], "needs a box for each picture; give one a picture: `--box"),
        ("box", ["--box", "0.1,0.2,0.5"], "--box: [0.1, 0.2, 0.5] is no box"),
        ("box", ["--box", "0.1,0.2,wide,0.5"], "is no box"),
        ("box", ["--box", "0.6,0.2,0.5,0.5"], "reaches out of the picture"),
        ("box", ["--box", "0,0,1,1", "--box", "0,0,1,1"], "2 times `--box` for 1 captions"),
        ("box", ["--keypoints-from", "drawer"], "reads boxes; leave out `--keypoints-from`"),
        ("points", ["--box", "0,0,1,1"], "reads keypoints; leave out `--box`"),
        ("points", ["--keypoints-from", "box"], "which draws no keypoints"),
        ("points", [], "let a keypoint generator draw them: `--keypoints-from RUN`"),
        ("points", ["--keypoints", "many"], "3 keypoints; expected 2 at most"),
        ("box", ["another caption", "--move-box"], "`--move-box` draws one caption, but 2 were given"),
        ("box", ["--move-box", "--stages"], "leave out what else is to be shown"),
    ],
)
def test_commands_that_cannot_be_followed(runs, command, tmp_path, run, words, said):
    (tmp_path / "many").write_text("[[0, 0], [0, 0], [0, 0]]")
    paths = {"many": tmp_path / "many"} | {name: one.path for name, one in runs.items()}
    words = [paths.get(word, word) for word in words]
    error = command(runs[run].path, CAPTION, *words, "--out", tmp_path / "out.png")
    assert said in " ".join(error.split()) and "Traceback" not in error
    assert not (tmp_path / "out.png").exists()


def test_layouts_are_drawn_where_they_are():
    picture = np.zeros((1, 24, 24, 3), np.uint8)
    box = drawn_over(picture, Layout(torch.tensor([[0.0, 0.5, 1.0, 0.5]])))[0]
    assert box.shape == (96, 96, 3) and box[47, :, 0].all() and not box[:47].any()
    points = Layout(keypoints=torch.tensor([[[0.25, 0.25, 1.0], [0.75, 0.75, 0.0]]]))
    dot = drawn_over(picture, points)[0]
    assert dot[24, 24].tolist() == [255, 0, 255] and not dot[60:, 60:].any()
