from __future__ import annotations

from pathlib import Path

import miniatures
import pytest

from ganzoo.data.birds import Birds
from ganzoo.data.caption_files import read_captions
from ganzoo.errors import GanzooError


def test_without_text_files_captions_are_spelled_from_numbered_words(tmp_path: Path) -> None:
    birds = miniatures.birds(tmp_path)
    (birds / "text").rename(birds / "text_c10")
    assert Birds().examples("test", birds, 8).captions[1][3] == "this bird 5 is seen in way 3 ."
    (birds / "text_c10").rename(birds / "elsewhere")
    assert Birds().examples("test", birds, 8).captions[1][3] == "this bird 5 is seen in way 3"
    assert len(Birds(captions=4).examples("train", birds, 8).captions[0]) == 4


def test_lines_end_at_newlines_alone(tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_bytes("\ufeffone\u2028still one \r\n\n two\n".encode())
    assert read_captions(tmp_path, "train", ["a"], 10) == (("one\u2028still one", "two"),)


@pytest.mark.parametrize("text, said", [("x" * 10_001, "10001 characters"), ("a\0b", "has a NUL byte")])
def test_captions_that_are_none(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "a.txt").write_text(text)
    with pytest.raises(GanzooError, match=said):
        read_captions(tmp_path, "train", ["a"], 10)


def test_captions_that_lie_elsewhere(tmp_path: Path) -> None:
    (tmp_path / "data" / "text").mkdir(parents=True)
    (tmp_path / "secret.txt").write_text("secret")
    (tmp_path / "data" / "text" / "a.txt").symlink_to(tmp_path / "secret.txt")
    with pytest.raises(GanzooError, match="leads out of"):
        read_captions((tmp_path / "data").resolve(), "train", ["a"], 10)
