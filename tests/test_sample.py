"""Drawing with a trained model: grids, single files, seeds, captions; and every way to ask wrongly."""

import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo import sample as s
from ganzoo.errors import GanzooError
from ganzoo.run import Run


def test_seeds():
    assert s.parse_seeds("0-3") == [0, 1, 2, 3]
    assert s.parse_seeds("1,5,9") == [1, 5, 9]
    assert s.parse_seeds("0-1, 7") == [0, 1, 7]
    assert s.parse_seeds("4") == s.parse_seeds("4-4") == [4]


def test_captions_of_a_file(tmp_path):
    path = tmp_path / "captions.txt"
    path.write_bytes("\ufeffa red circle \r\n一个圆".encode())
    assert s.read_captions(path) == ["a red circle", "一个圆"]


def test_a_caption_and_a_seed_are_a_picture(trained):
    """Whatever the batch, and whatever else is drawn."""
    model = s.prepare(Run.open(trained).load(), "cpu")
    captions = ["a small red circle", "a large blue square", "a green star"]
    drawn = s.sample(model, captions, [0, 5])
    assert drawn.shape == (3, 2, 16, 16, 3) and drawn.dtype == np.uint8
    for same, again in (
        (drawn, s.sample(model, captions, [0, 5], batch=2)),
        (drawn[2:, 1:], s.sample(model, captions[2:], [5])),
    ):
        # Sums of another order may round to the neighbouring level.
        assert abs(same.astype(int) - again.astype(int)).max() <= 1


def test_every_stage_of_a_seed(trained, ganzoo, tmp_path):
    """The finest is what `sample` draws; the toy has one stage."""
    model, captions, seeds = Run(trained).load(), ["a small red circle", "a large blue square"], [0, 3]
    drawn = s.sample_stages(model, captions, seeds)
    assert drawn.shape == (2, 2, 1, 16, 16, 3)
    assert np.array_equal(drawn[:, :, -1], s.sample(model, captions, seeds))
    out = tmp_path / "stages.png"
    assert ganzoo("sample", trained, *captions, "--seeds", "0,3", "--stages", "--out", out).code == 0
    s.save_stages(drawn, captions, seeds, [16], tmp_path / "same.png")
    assert out.read_bytes() == (tmp_path / "same.png").read_bytes()


def test_single_files_hold_the_pictures_of_the_grid(trained, tmp_path):
    model = s.prepare(Run.open(trained).load(), "cpu")
    captions, seeds, said = ["a", "b" * 100, "?!"], [2, 3], []
    count = s.draw_separate(model, captions, seeds, tmp_path / "many", 2, lambda *now: said.append(now))
    assert count == 6 and said == [(2, 6), (4, 6), (5, 6), (6, 6)]
    drawn = s.sample(model, captions, seeds)
    for row, slug in enumerate(["0001-a", "0002-" + "b" * 40, "0003-caption"]):
        for column, seed in enumerate(seeds):
            with Image.open(tmp_path / "many" / f"{slug}-seed-{seed}.png") as picture:
                assert np.array_equal(np.asarray(picture), drawn[row, column])


@pytest.mark.parametrize("ending", s.ENDINGS)
def test_endings(trained, tmp_path, ending):
    drawn = np.zeros((1, 2, 16, 16, 3), np.uint8)
    s.save_grid(drawn, ["a cat"], [0, 1], tmp_path / f"grid{ending}")
    with Image.open(tmp_path / f"grid{ending}") as grid:
        assert grid.format == {".png": "PNG", ".webp": "WEBP"}.get(ending, "JPEG")


def test_the_largest_grid_fits_every_format(tmp_path):
    """60 rows of the largest cells, 256 pixels."""
    drawn = np.zeros((s.GRID_SIDE, 1, 256, 256, 3), np.uint8)
    for ending in s.ENDINGS:
        s.save_grid(drawn, ["a cat"] * s.GRID_SIDE, [0], tmp_path / f"grid{ending}")
        with Image.open(tmp_path / f"grid{ending}") as saved:
            assert saved.height > s.GRID_SIDE * 256


def test_averaged_weights_draw(trained):
    """The run's model holds the averages, not the live weights."""
    from safetensors.torch import load_file

    run = Run.open(trained)
    model = run.load()
    averages = load_file(run.newest / "ema.safetensors")
    assert not model.training
    for name, value in model.generator.state_dict().items():
        assert torch.equal(value, averages[name]), name
    live = load_file(run.newest / "model.safetensors")
    assert any(not torch.equal(live[name], value) for name, value in averages.items())


# -- asked wrongly: all but the device is found out before a model is loaded ---------------------------------

SAMPLES = {
    "no caption": ((), "no caption was given; expected captions, or `--captions FILE`"),
    "empty caption": (("a cat", " "), "caption 2 of 2 is empty"),
    "no seeds": (("a cat", "--seeds", ""), "cannot read seeds ``; expected numbers and rising ranges"),
    "seeds in words": (("a cat", "--seeds", "one"), "cannot read seeds `one`"),
    "falling seeds": (("a cat", "--seeds", "7-0"), "cannot read seeds `7-0`"),
    "negative seed": (("a cat", "--seeds=-1"), "cannot read seeds `-1`"),
    "seeds twice": (("a cat", "--seeds", "0-3,2"), "seeds `0-3,2` name a seed twice"),
    "too many seeds": (("a cat", "--seeds", "0-999999999"), "are more than 10000"),
    "unknown ending": (("a cat", "--out", "TMP/grid.pgn"), "end its name in .png, .jpg, .jpeg or .webp"),
    "no ending": (("a cat", "--out", "TMP/grid"), "cannot tell the picture format of"),
    "separate stages": (("a cat", "--separate", "--stages"), "leave out `--separate`"),
    "separate into a picture": (("a cat", "--separate", "--out", "TMP/g.png"), "--out names a folder"),
    "too large a grid": (("a cat", "--seeds", "0-60"), "a grid of 1 captions and 61 seeds is too large"),
    "out below a file": (("a cat", "--out", "TMP/file/g.png"), "cannot write pictures to"),
    "folder below a file": (("a cat", "--separate", "--out", "TMP/file/s"), "cannot write pictures to"),
    "out is a folder": (("a cat", "--out", "TMP/is.png"), "is.png: it is a folder"),
    "captions missing": (("--captions", "TMP/none.txt"), "none.txt: No such file or directory"),
    "captions a folder": (("--captions", "TMP/is.png"), "is.png: Is a directory"),
    "captions empty": (("--captions", "TMP/file"), "file holds no caption; expected one a line"),
    "blank line": (("--captions", "TMP/blank.txt"), "blank.txt:2 is empty; expected one caption a line"),
    "not UTF-8": (("--captions", "TMP/latin.txt"), "latin.txt is not UTF-8 text: "),
}  # fmt: skip


@pytest.mark.parametrize("words, said", SAMPLES.values(), ids=list(SAMPLES))
def test_sample(ganzoo, tmp_path, words, said):
    run = tmp_path / "run"
    run.mkdir()
    (run / "recipe.yaml").write_text("this would be read only when the model is loaded")
    (tmp_path / "file").write_text("")
    (tmp_path / "is.png").mkdir()
    (tmp_path / "blank.txt").write_text("a cat\n\na dog\n")
    (tmp_path / "latin.txt").write_bytes("ein schöner Kreis".encode("latin-1"))
    ganzoo("sample", run, *(word.replace("TMP", str(tmp_path)) for word in words)).fails(said)


def test_sample_on_no_gpu(ganzoo, trained, tmp_path, monkeypatch):
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    ran = ganzoo("sample", trained, "a cat", "--device", "cuda", "--out", tmp_path / "g.png")
    ran.fails("a GPU was asked for")


def test_generate_from_python(trained):
    model = Run.open(trained).load()
    with pytest.raises(GanzooError, match="caption 2 of 2 is empty"):
        model.generate(["a cat", ""])
    with pytest.raises(GanzooError, match="no caption was given"):
        model.generate([])
