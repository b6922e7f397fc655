import numpy as np
import pytest
import torch
from PIL import Image

from ganzoo import pictures
from ganzoo.errors import GanzooError


def test_rounded_and_clamped_never_truncated():
    levels = torch.tensor([-1.2, -1.0, -1 + 1.4 / 127.5, -1 + 1.6 / 127.5, 1.0, 1.3])
    assert pictures.to_uint8(levels).tolist() == [0, 0, 1, 2, 255, 255]


def test_every_level_survives_the_way_there_and_back():
    levels = torch.arange(256, dtype=torch.uint8)
    assert torch.equal(pictures.to_uint8(levels.float() / 127.5 - 1), levels)


def test_grid_holds_every_picture_where_it_belongs(tmp_path):
    drawn = np.zeros((2, 3, 8, 8, 3), np.uint8)
    drawn[1, 2] = (255, 0, 0)
    sheet = pictures.grid(drawn, ["one", "two"], ["seed 0", "seed 1", "seed 2"], scale=1)
    red = np.argwhere((np.asarray(sheet) == (255, 0, 0)).all(-1))
    assert len(red) == 64
    cell = 8 + pictures.PADDING
    assert red[0].tolist() == [20 + cell, pictures.LABEL_WIDTH + 2 * cell]
    pictures.save(sheet, tmp_path / "deep" / "grid.png")
    with Image.open(tmp_path / "deep" / "grid.png") as saved:
        assert saved.size == sheet.size
    assert [p.name for p in (tmp_path / "deep").iterdir()] == ["grid.png"]


def test_unknown_ending_and_unwritable_folder(tmp_path):
    picture = Image.new("RGB", (2, 2))
    with pytest.raises(GanzooError, match=r"end its name in \.png"):
        pictures.save(picture, tmp_path / "grid.xyz")
    (tmp_path / "file").write_text("")
    with pytest.raises(GanzooError, match="cannot write the picture"):
        pictures.save(picture, tmp_path / "file" / "grid.png")
