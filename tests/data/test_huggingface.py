from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from shards import COLOURS, picture, rows, saved, write_saved
from shards import write_parquet as write

from ganzoo.data import arrow_shards
from ganzoo.data.cache import pack
from ganzoo.data.huggingface import HuggingFace
from ganzoo.errors import GanzooError
from ganzoo.specs import DataSpec


def read(root: Path, split: str = "train", **options: Any) -> dict[str, tuple[str, ...]]:
    examples = HuggingFace(**{"test_share": 0, **options}).examples(split, root, 4)
    return dict(zip(examples.keys, examples.captions, strict=True))


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """Two splits as the library saves them, the first in two shards."""
    return write_saved(tmp_path / "both")


def test_what_the_library_saves_is_read(both: Path) -> None:
    data = HuggingFace(class_from="label")
    train, test = data.examples("train", both, 4), data.examples("test", both, 4)
    assert train.keys[:3] == (
        "train/data-00000-of-00002.arrow:0",
        "train/data-00000-of-00002.arrow:1",
        "train/data-00001-of-00002.arrow:0",
    )
    assert [own for (own,) in train.captions] == ["all red", "all lime", "all blue", "all white"]
    assert test.captions == (("all black",), ("all yellow",))
    assert train.class_id is not None and train.class_id.tolist() == [0, 0, 0, 1]
    packed = pack(train, 4, both / "cache")
    assert packed.images[:, :, 0, 0].tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]]
    assert train.fingerprint != test.fingerprint


def test_one_split_is_held_out_of_by_the_places_of_its_rows(tmp_path: Path) -> None:
    saved(COLOURS * 10).save_to_disk(tmp_path)
    train, test = (read(tmp_path, split, test_share=0.2) for split in ("train", "test"))
    assert len(train) + len(test) == 60 and 4 <= len(test) <= 22 and not train.keys() & test.keys()
    assert len(read(tmp_path)) == 60 and read(tmp_path, "test") == {}


def test_columns_can_be_named(both: Path) -> None:
    assert ("a blue one", "two") in read(both, caption="texts").values()
    assert list(read(both, caption="label").values()) == [("dark",), ("dark",), ("dark",), ("light",)]
    ids = HuggingFace(class_from="name").examples("test", both, 4).class_id
    assert ids is not None and ids.tolist() == [
        sorted(COLOURS).index("black"),
        sorted(COLOURS).index("yellow"),
    ]
    assert len(read(both, train_split="validation")) == 2


def test_parquet_files_are_read_row_group_by_row_group(tmp_path: Path) -> None:
    write(tmp_path / "data" / "train-00000-of-00002.parquet", rows(10), group=3)
    write(tmp_path / "data" / "train-00001-of-00002.parquet", rows(4), group=3)
    write(tmp_path / "data" / "test-00000-of-00001.parquet", rows(2))
    examples = HuggingFace().examples("train", tmp_path, 4)
    assert len(examples) == 14 and len(read(tmp_path, "test")) == 2
    assert examples.keys[13] == "data/train-00001-of-00002.parquet:3" and examples.captions[13] == (
        "caption 3",
    )
    seen = [np.asarray(examples.image(i))[0, 0].tolist() for i in (0, 4, 13, 2)]
    assert seen == [[255, 0, 0], [0, 0, 0], [255, 255, 255], [0, 0, 255]]
    assert len(arrow_shards.ParquetShard._newest) == arrow_shards.GROUPS


def test_plain_bytes_are_pictures_too(tmp_path: Path) -> None:
    write(tmp_path / "0.parquet", {"jpg": [picture("red")], "text": [["one", "two"]], "class": ["owl"]})
    found = HuggingFace.recognise(tmp_path)
    assert found == HuggingFace(image="jpg", caption="text", class_from="class")
    examples = found.examples("train", tmp_path, 4)
    assert examples.captions == (("one", "two"),) and examples.image(0).size == (6, 5)


def test_saved_folders_are_recognised_with_their_columns(both: Path, tmp_path: Path) -> None:
    assert HuggingFace.recognise(both) == HuggingFace(class_from="label")
    saved().remove_columns(["caption", "texts", "name"]).save_to_disk(tmp_path / "classes")
    found = HuggingFace.recognise(tmp_path / "classes")
    assert found == HuggingFace(caption="label", class_from="label")
    for number, table in enumerate(({"image": [b"x"]}, {"caption": ["x"]}, {"a": [1]})):
        write(tmp_path / f"{number}" / "0.parquet", table)
        assert HuggingFace.recognise(tmp_path / f"{number}") is None
    (tmp_path / "empty").mkdir()
    assert HuggingFace.recognise(tmp_path / "empty") is None


def test_leftovers_of_the_library_are_left_alone(both: Path) -> None:
    shutil.copy(both / "train" / "data-00000-of-00002.arrow", both / "train" / "cache-0123.arrow")
    assert len(read(both)) == 4


def test_what_it_yields() -> None:
    assert HuggingFace().yields() == DataSpec()
    assert HuggingFace(class_from="label").yields() == DataSpec(class_id=True)


def test_the_fingerprint_follows_the_shards(tmp_path: Path) -> None:
    def fingerprint(**options: Any) -> str:
        return HuggingFace(test_share=0, **options).examples("train", tmp_path, 4).fingerprint

    write(tmp_path / "0.parquet", rows(2) | {"other": [b"", b""]})
    first = fingerprint()
    assert first == fingerprint() == fingerprint(class_from="caption") != fingerprint(image="other")
    write(tmp_path / "0.parquet", rows(3))
    assert fingerprint() != first


def test_neither_torch_nor_the_library_is_imported(tmp_path: Path) -> None:
    write(tmp_path / "0.parquet", rows(2))
    code = (
        "import sys; from pathlib import Path; from ganzoo.data.huggingface import HuggingFace\n"
        "HuggingFace().examples('train', Path(sys.argv[1]), 4)\n"
        "sys.exit(not {'torch', 'datasets'}.isdisjoint(sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False).returncode == 0


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "0.parquet", rows(2))
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    for ask in (lambda: read(tmp_path), lambda: HuggingFace.recognise(tmp_path)):
        with pytest.raises(GanzooError, match=r'is not installed; try: pip install "ganzoo\[huggingface\]"'):
            ask()


# -- what is wrong; shard_damages.py has more ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"_data_files": [{"filename": "../../etc/passwd"}]}, "expected files that lie beside it"),
        ({"_data_files": "x"}, "names 'x'; expected files that lie beside it"),
        ({"_data_files": [3]}, "names 3; expected"),
        ({}, "has no data set in it; expected what `save_to_disk`"),
    ],
)
def test_a_state_that_lies_is_named(both: Path, said: dict[str, Any], message: str) -> None:
    for split in ("train", "validation"):
        (both / split / "state.json").write_text(json.dumps(said))
    with pytest.raises(GanzooError) as error:
        read(both)
    assert message in str(error.value)


def test_pages_overwritten_are_named_when_they_are_read(tmp_path: Path) -> None:
    file = write(tmp_path / "0.parquet", rows(3))
    data = bytearray(file.read_bytes())
    data[4:60] = b"\xff" * 56  # the header of the first page, of the pictures
    file.write_bytes(data)
    examples = HuggingFace(test_share=0).examples("train", tmp_path, 4)
    with pytest.raises(GanzooError, match=r"0\.parquet is damaged: "):
        examples.image(0)


def test_a_row_group_too_large_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "0.parquet", rows(3))
    monkeypatch.setattr(arrow_shards, "LARGEST_GROUP", 100)
    with pytest.raises(GanzooError, match=r"0\.parquet is damaged: a row group of \d+ bytes, too large"):
        read(tmp_path)


def test_broken_pictures_are_named_by_their_rows(tmp_path: Path) -> None:
    broken = [
        {"bytes": b"x", "path": None},
        {"bytes": None, "path": "/etc/passwd"},
        {"bytes": None, "path": None},
    ]
    table = rows(1)
    table["image"] += broken
    table["caption"] += ["x"] * 3
    write(tmp_path / "0.parquet", table)
    examples = HuggingFace(test_share=0).examples("train", tmp_path, 4)
    packed = pack(examples, 4, tmp_path / "cache", skip_broken=True)
    assert packed.broken == ("0.parquet:1", "0.parquet:2", "0.parquet:3")
    with pytest.raises(GanzooError, match=r"0\.parquet:2 \(holds only the path '/etc/passwd', no file\)"):
        pack(examples, 8, tmp_path / "cache")


@pytest.mark.parametrize("name", [b"caption", b"bytes"])
def test_names_that_are_not_utf_8_are_damage(both: Path, name: bytes) -> None:
    shard = both / "train" / "data-00000-of-00002.arrow"
    shard.write_bytes(shard.read_bytes().replace(name + b"\0", b"\xff" + name[1:] + b"\0"))
    for ask in (lambda: read(both), lambda: HuggingFace.recognise(both)):
        with pytest.raises(GanzooError, match=rf"train/{shard.name} is damaged: 'utf-8' codec can't decode"):
            ask()


@pytest.mark.parametrize("label", [-1, None])
def test_a_class_that_is_none_is_named(tmp_path: Path, label: int | None) -> None:
    write(tmp_path / "0.parquet", rows(2) | {"label": [0, label]})
    with pytest.raises(GanzooError, match=r"0\.parquet: row 1, column `label`, holds no class; expected"):
        read(tmp_path, class_from="label")


def test_class_names_that_are_none_are_left_alone(tmp_path: Path) -> None:
    for metadata in (
        b"{",
        b"[]",
        b'{"info": {"features": {"label": {"names": [1]}, "x": 3}}}',
        b"[" * 100_000,
    ):
        table = pa.table(rows(1) | {"label": [7]}).replace_schema_metadata({b"huggingface": metadata})
        pq.write_table(table, tmp_path / "0.parquet")
        assert read(tmp_path, caption="label") == {"0.parquet:0": ("7",)}


def test_no_folder_is_an_error() -> None:
    message = r"core/hf needs a folder that `datasets` saved, or of \.parquet files: name it with --data"
    with pytest.raises(GanzooError, match=message):
        HuggingFace().examples("train", None, 4)
