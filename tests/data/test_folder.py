from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from ganzoo.data.folder import Folder
from ganzoo.data.picture_files import held_out_by_hash
from ganzoo.errors import GanzooError
from ganzoo.specs import DataSpec


def picture(root: Path, name: str, caption: str | None = None) -> None:
    path = root / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (3, 2), (len(name), 0, 0)).save(path)
    if caption is not None:
        path.with_suffix(".txt").write_text(caption)


def read(root: Path, split: str = "train", **options: Any) -> dict[str, tuple[str, ...]]:
    examples = Folder(**{"test_share": 0, **options}).examples(split, root, 4)
    return dict(zip(examples.keys, examples.captions, strict=True))


def classes(root: Path, split: str = "train", **options: Any) -> dict[str, int]:
    examples = Folder(**{"test_share": 0, **options}).examples(split, root, 4)
    assert examples.class_id is not None
    return dict(zip(examples.keys, examples.class_id.tolist(), strict=True))


@pytest.fixture
def three(tmp_path: Path) -> Path:
    for name in ("a.png", "b/c.jpg", "b/d.GIF"):
        picture(tmp_path, name)
    return tmp_path


def test_captions_lie_beside_the_pictures(tmp_path: Path) -> None:
    picture(tmp_path, "b/two.jpeg", "  a bird\n\nanother caption \n")
    picture(tmp_path, "a.webp", "\ufeffa caption")
    picture(tmp_path, ".thumbnails/x.png")
    picture(tmp_path, "ca.bmp", "bmp")
    (tmp_path / ".hidden.png").touch()
    (tmp_path / "notes.md").touch()
    assert read(tmp_path) == {
        "a.webp": ("a caption",),
        "b/two.jpeg": ("a bird", "another caption"),
        "ca.bmp": ("bmp",),
    }


def test_pictures_are_opened_when_asked_for(three: Path) -> None:
    for name in ("a.txt", "b/c.txt", "b/d.txt"):
        (three / name).write_text("x")
    examples = Folder(test_share=0).examples("train", three, 4)
    (three / "a.png").write_bytes(b"broken")
    with examples.image(2) as image:
        assert image.size == (3, 2)
    with pytest.raises(OSError, match="cannot identify"):
        examples.image(0)


def test_captions_stand_in_a_csv(three: Path) -> None:
    (three / "captions.csv").write_text(
        'caption,file,more\n"one, two",a.png,1\nthree,./b/c.jpg,\nfour,a.png,\n\nd,b/d.GIF,\n'
    )
    assert read(three) == {"a.png": ("one, two", "four"), "b/c.jpg": ("three",), "b/d.GIF": ("d",)}


def test_captions_stand_in_a_jsonl(three: Path) -> None:
    lines = [f'{{"file": "{name}", "caption": "ä {name}"}}\n' for name in ("a.png", "b/c.jpg", "b/d.GIF")]
    (three / "captions.jsonl").write_text("\n".join(lines), encoding="utf-8")
    assert read(three)["b/c.jpg"] == ("ä b/c.jpg",)


def test_classes_come_from_subfolders(tmp_path: Path) -> None:
    for name in ("owl/a.png", "crow/deep/b.png", "owl/c.png"):
        picture(tmp_path, name, "x")
    assert classes(tmp_path, class_from="folder") == {"crow/deep/b.png": 0, "owl/a.png": 1, "owl/c.png": 1}
    picture(tmp_path, "d.png", "x")
    with pytest.raises(
        GanzooError, match=r"reads classes from subfolders, but 1 pictures lie in none: d\.png"
    ):
        classes(tmp_path, class_from="folder")


def test_classes_and_splits_come_from_columns(three: Path) -> None:
    (three / "captions.csv").write_text(
        "file,caption,class,split\na.png,x,owl,train\nb/c.jpg,y,crow,val\nb/d.GIF,z,crow,train\n"
    )
    assert classes(three, class_from="column") == {"a.png": 1, "b/d.GIF": 0}
    assert classes(three, "test", class_from="column") == {"b/c.jpg": 0}
    assert Folder().examples("train", three, 4).class_id is None


def test_classes_are_the_same_numbers_in_both_splits(tmp_path: Path) -> None:
    for name in ("train/owl/a.png", "test/crow/b.png", "test/owl/c.png"):
        picture(tmp_path, name, "x")
    assert classes(tmp_path, class_from="folder") == {"train/owl/a.png": 1}
    assert classes(tmp_path, "test", class_from="folder") == {"test/crow/b.png": 0, "test/owl/c.png": 1}


@pytest.mark.parametrize(
    ("names", "held_out"),
    [
        (["train/a.png", "test/b.png"], {"test/b.png"}),
        (["train/a.png", "val/b.png"], {"val/b.png"}),
        (["train/a.png", "val/b.png", "test/c.png"], {"test/c.png"}),
        (["train/a.png", "other/b.png"], set()),
    ],
)
def test_folders_named_train_and_test_are_the_splits(
    tmp_path: Path, names: list[str], held_out: set[str]
) -> None:
    for name in names:
        picture(tmp_path, name, "x")
    assert read(tmp_path, "test").keys() == held_out
    assert "train/a.png" in read(tmp_path)


def test_pictures_outside_the_split_folders_are_an_error(tmp_path: Path) -> None:
    for name in ("train/a.png", "test/b.png", "c.png", "more/d.png"):
        picture(tmp_path, name, "x")
    with pytest.raises(
        GanzooError, match=r"2 pictures lie outside the split folders .*: c\.png, more/d\.png"
    ):
        read(tmp_path)


@given(st.sets(st.text(min_size=1), min_size=2, max_size=30), st.floats(0.01, 0.99))
def test_hashed_splits_have_both_sides_and_stay(names: set[str], share: float) -> None:
    splits = held_out_by_hash(sorted(names), share)
    assert set(splits.values()) == {"train", "test"}
    assert splits == held_out_by_hash(sorted(names, reverse=True), share)


def test_hashed_splits_hold_out_their_share_and_grow_stably() -> None:
    names = [f"{i}.png" for i in range(2000)]
    splits = held_out_by_hash(names, 0.2)
    assert 340 < list(splits.values()).count("test") < 460
    fewer = held_out_by_hash(names[:1000], 0.2)
    assert all(splits[name] == fewer[name] for name in fewer)


def test_test_share_zero_holds_nothing_out(tmp_path: Path) -> None:
    picture(tmp_path, "a.png", "x")
    picture(tmp_path, "b.png", "x")
    assert len(read(tmp_path)) == 2 and read(tmp_path, "test") == {}
    assert len(read(tmp_path, test_share=0.1)) == len(read(tmp_path, "test", test_share=0.1)) == 1


def test_the_fingerprint_follows_the_files(three: Path) -> None:
    for name in ("a.txt", "b/c.txt", "b/d.txt"):
        (three / name).write_text("x")

    def fingerprint() -> str:
        return Folder(test_share=0).examples("train", three, 4).fingerprint

    first = fingerprint()
    assert first == fingerprint()
    os.utime(three / "a.png", ns=(1, 1))
    second = fingerprint()
    picture(three, "e.png", "x")
    assert len({first, second, fingerprint()}) == 3


def test_what_it_yields_follows_class_from() -> None:
    assert Folder().yields() == DataSpec()
    assert Folder(class_from="folder").yields() == DataSpec(class_id=True)


@pytest.mark.parametrize("options", [{"class_from": "name"}, {"test_share": 1.0}, {"test_shares": 0.5}])
def test_options_are_checked(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(Folder).validate_python(options)


def test_a_folder_is_recognised_with_what_lies_beside_the_pictures(tmp_path: Path) -> None:
    assert Folder.recognise(tmp_path) is None
    picture(tmp_path, "owl/a.png", "x")
    assert Folder.recognise(tmp_path) == Folder()
    picture(tmp_path, "crow/b.png", "x")
    assert Folder.recognise(tmp_path) == Folder(class_from="folder")
    picture(tmp_path, "c.png", "x")
    assert Folder.recognise(tmp_path) == Folder()
    (tmp_path / "captions.csv").write_text("file,caption,class\nc.png,x,owl\ncrow/b.png,x,crow\n")
    np.save(tmp_path / "embeddings.npy", np.zeros((2, 7), np.float32))
    (tmp_path / "layout.json").write_text('{"c.png": {"box": [0, 0, 1, 1], "keypoints": [null, [0, 0]]}}')
    assert Folder.recognise(tmp_path) == Folder(class_from="column", embedding=7, boxes=True, keypoints=2)


def test_folders_of_splits_are_no_classes(tmp_path: Path) -> None:
    for name in ("train/a.png", "test/b.png"):
        picture(tmp_path, name, "x")
    assert Folder.recognise(tmp_path) == Folder()
    for name in ("train/a.png", "test/b.png"):
        (tmp_path / name).unlink()
    for name in ("train/owl/a.png", "test/crow/b.png"):
        picture(tmp_path, name, "x")
    assert Folder.recognise(tmp_path) == Folder(class_from="folder")


def test_no_torch_is_imported() -> None:
    code = "import sys, ganzoo.data.folder; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for folder, message in (
        (None, "core/folder needs a folder of pictures: name it with --data"),
        (tmp_path / "no", "no is not there; --data names a folder"),
        (tmp_path / "file", "file is no folder; --data names a folder"),
        (tmp_path, r"has no pictures; expected files that end in \.jpg, "),
    ):
        with pytest.raises(GanzooError, match=message):
            Folder().examples("train", folder, 4)


def test_missing_captions_are_an_error(tmp_path: Path) -> None:
    for i in range(7):
        picture(tmp_path, f"{i}.png")
    with pytest.raises(GanzooError, match=r"has 7 pictures but no captions; write them .*captions\.csv"):
        read(tmp_path)
    picture(tmp_path, "7.png", "x")
    message = (
        r"7 of 8 pictures have no caption: 0\.png, 1\.png, 2\.png, 3\.png, 4\.png and 2 more; write them"
    )
    with pytest.raises(GanzooError, match=message):
        read(tmp_path)


def test_an_empty_caption_file_is_an_error(tmp_path: Path) -> None:
    picture(tmp_path, "a.png", " \n\n")
    with pytest.raises(GanzooError, match=r"a\.txt has an empty caption"):
        read(tmp_path)
    (tmp_path / "a.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(GanzooError, match=r"a\.txt is not UTF-8 text: it begins like UTF-16; save it"):
        read(tmp_path)


def test_an_empty_training_split_is_an_error(three: Path) -> None:
    (three / "captions.csv").write_text("file,caption,split\na.png,x,test\nb/c.jpg,y,test\nb/d.GIF,z,test\n")
    with pytest.raises(GanzooError, match=r"none of the 3 pictures in .* is in the split `train`"):
        read(three)


def test_two_tables_are_an_error(three: Path) -> None:
    (three / "captions.csv").touch()
    (three / "captions.jsonl").touch()
    with pytest.raises(GanzooError, match=r"has both captions\.csv and captions\.jsonl; keep one"):
        read(three)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", r"captions\.csv:1 has no column `file`; found: nothing; expected: file, caption and"),
        (
            "file,text\n",
            r"no column `caption`; found: file, text; expected: file, caption and, if wanted, class, split",
        ),
        ("file,captions\n", r"no column `caption`; rename `captions` to `caption`\?; found: file, captions"),
        ("file,caption,clas\n", r"has a column `clas`; did you mean `class`\?"),
        ("file,caption\na.png,one, two\n", r"captions\.csv:2 has 3 values; expected 2: file, caption"),
        ("file,caption\na.png\n", r"captions\.csv:2 has 1 values; expected 2"),
        ('file,caption\na.png,x\nb/c.jpg,"y\n', r"captions\.csv:3 is no valid CSV: unexpected end of data"),
        ("file,caption\na.png, \n", r"captions\.csv:2: `caption` is empty"),
        ("file,caption,class\na.png,x,\n", r"captions\.csv:2: `class` is empty"),
        (
            "file,caption,split\na.png,x,tset\n",
            r"split `tset` is none of train, test, val; did you mean `test`\?",
        ),
        ("file,caption\na.pgn,x\n", r"captions\.csv:2: `a\.pgn` is none of \.jpg"),
        ("file,caption\naa.png,x\n", r"captions\.csv:2: `aa\.png` is not there; did you mean `a\.png`\?"),
        ("file,caption\n../a.png,x\n", r"`\.\./a\.png` leads out of the data folder"),
        ("file,caption\nb/../../a.png,x\n", "leads out of the data folder"),
        ("file,caption\n/etc/a.png,x\n", "leads out of the data folder"),
        (
            "file,caption,split\na.png,x,train\na.png,y,test\nb/c.jpg,z,train\nb/d.GIF,z,train\n",
            r"captions\.csv:3: `a\.png` has split `test` here and `train` above",
        ),
    ],
)
def test_mistakes_in_a_csv_are_named(three: Path, text: str, message: str) -> None:
    (three / "captions.csv").write_text(text)
    with pytest.raises(GanzooError, match=message):
        read(three)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"file": "a.png", "caption": "x"}\n{"file": \n', r"captions\.jsonl:2 is no valid JSON"),
        ("[1]\n", r"captions\.jsonl:1 is no JSON object; expected \{\"file\""),
        ("[" * 100_000 + "\n", r"captions\.jsonl:1 is no valid JSON"),
        (
            '\n{"file": "a.png", "text": "x"}\n',
            r"captions\.jsonl:2 has no column `caption`; found: file, text",
        ),
        ('{"file": "a.png", "caption": 3}\n', r"captions\.jsonl:1: `caption` is no text"),
        ('{"file": "a.png", "caption": null}\n', r"captions\.jsonl:1: `caption` is empty"),
    ],
)
def test_mistakes_in_a_jsonl_are_named(three: Path, text: str, message: str) -> None:
    (three / "captions.jsonl").write_text(text)
    with pytest.raises(GanzooError, match=message):
        read(three)


def test_a_table_of_another_encoding_is_an_error(three: Path) -> None:
    (three / "captions.csv").write_bytes("file,caption\na.png,ä\n".encode("latin-1"))
    with pytest.raises(GanzooError, match=r"captions\.csv is not UTF-8 text"):
        read(three)


def test_classes_from_a_missing_column_are_an_error(three: Path) -> None:
    (three / "captions.csv").write_text("file,caption\na.png,x\nb/c.jpg,y\nb/d.GIF,z\n")
    with pytest.raises(GanzooError, match=r"needs a column `class` in .*; captions\.csv has none"):
        classes(three, class_from="column")
    (three / "captions.csv").unlink()
    for name in ("a.txt", "b/c.txt", "b/d.txt"):
        (three / name).write_text("x")
    with pytest.raises(GanzooError, match=r"needs a column `class` in .*; there is no such table"):
        classes(three, class_from="column")


@pytest.mark.parametrize("name", ["link.png", "a.txt", "captions.csv", "folder"])
def test_links_out_of_the_folder_are_an_error(tmp_path: Path, name: str) -> None:
    picture(tmp_path, "outside.png", "x")
    root = tmp_path / "data"
    picture(root, "a.png")
    (root / name).symlink_to(tmp_path if name == "folder" else tmp_path / "outside.png")
    with pytest.raises(GanzooError, match=f"{name} is a link out of .*; copy what it points at"):
        read(root)


def test_links_within_the_folder_and_to_it_are_fine(tmp_path: Path) -> None:
    picture(tmp_path / "data", "a.png", "x")
    (tmp_path / "data" / "b.png").symlink_to(tmp_path / "data" / "a.png")
    (tmp_path / "data" / "b.txt").symlink_to("a.txt")
    (tmp_path / "link").symlink_to(tmp_path / "data")
    assert list(read(tmp_path / "link")) == ["a.png", "b.png"]
