from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import webdataset
from PIL import Image
from pydantic import TypeAdapter, ValidationError
from shard_damages import cut_within
from shards import COLOURS, picture, sample
from shards import write_tar as write

from ganzoo.data import tar_shards
from ganzoo.data.cache import decode, pack
from ganzoo.data.webdataset import WebDataset
from ganzoo.errors import GanzooError
from ganzoo.specs import DataSpec


def read(root: Path, split: str = "train", **options: Any) -> dict[str, tuple[str, ...]]:
    examples = WebDataset(**{"test_share": 0, **options}).examples(split, root, 4)
    return dict(zip(examples.keys, examples.captions, strict=True))


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """Shards as the library writes them, with every kind of entry it knows."""
    for split, colours in (("train", COLOURS[:4]), ("val", COLOURS[4:])):
        with webdataset.ShardWriter(str(tmp_path / f"{split}-%06d.tar"), maxcount=2, verbose=0) as shards:
            for number, colour in enumerate(colours):
                said = {"caption": f"{colour} in json", "label": colour, "deep": {"texts": [colour, "two"]}}
                shards.write(
                    {
                        "__key__": f"sample{number:03}",
                        "png": Image.new("RGB", (6, 5), colour),
                        "txt": f"all {colour}\nanother",
                        "json": said,
                        "cls": number % 2,
                        "pickle": {"never": "read"},
                    }
                )
    return tmp_path


def test_what_the_library_writes_is_read(written: Path) -> None:
    data = WebDataset(class_from="cls")
    train, test = data.examples("train", written, 4), data.examples("test", written, 4)
    assert train.keys[:2] == ("train-000000.tar/sample000", "train-000000.tar/sample001")
    assert len(train) == 4 and [own[0] for own in test.captions] == ["all black", "all yellow"]
    assert train.captions[2] == ("all blue", "another")
    assert train.class_id is not None and train.class_id.tolist() == [0, 1, 0, 1]
    packed = pack(train, 4, written / "cache")
    reds = [int(picture[0, 0, 0]) for picture in packed.images]
    assert reds == [255, 0, 0, 255]
    assert train.fingerprint != test.fingerprint


def test_captions_and_classes_stand_in_json(written: Path) -> None:
    assert ("red in json",) in read(written, caption="json.caption").values()
    assert list(read(written, caption="json.deep.texts").values())[3] == ("white", "two")
    ids = [
        WebDataset(class_from="json.label").examples(split, written, 4).class_id
        for split in ("train", "test")
    ]
    names = sorted(COLOURS)
    assert [list(one) for one in ids if one is not None] == [
        [names.index(colour) for colour in COLOURS[:4]],
        [names.index(colour) for colour in COLOURS[4:]],
    ]


def test_examples_are_held_out_by_their_keys_where_no_shard_is(tmp_path: Path) -> None:
    for shard in range(3):
        write(tmp_path / f"{shard}.tar", {k: v for i in range(20) for k, v in sample(f"{i:03}").items()})
    train, test = (read(tmp_path, split, test_share=0.2) for split in ("train", "test"))
    assert len(train) + len(test) == 60 and 4 <= len(test) <= 22 and not train.keys() & test.keys()
    assert len(read(tmp_path)) == 60 and read(tmp_path, "test") == {}


def test_pickles_are_never_run_and_other_entries_left_alone(tmp_path: Path) -> None:
    trap = b"cos\nsystem\n(S'touch " + str(tmp_path / "ran").encode() + b"'\ntR."
    more = {"__info__.json": b"broken", ".hidden": b"", "LICENSE": b"", "folder/.x.png": b""}
    write(tmp_path / "0.tar", more | sample("a", pyd=trap, pickle=trap, pth=trap))
    assert read(tmp_path) == {"0.tar/a": ("a red picture",)}
    assert not (tmp_path / "ran").exists()


def test_a_shard_is_recognised_with_its_options(written: Path, tmp_path: Path) -> None:
    assert WebDataset.recognise(written) == WebDataset(image=("png",), class_from="cls")
    other = tmp_path / "other"
    said = json.dumps({"text": "a caption", "label": 3}).encode()
    write(other / "0.tar", {"a.jpg": picture("red"), "a.json": said})
    found = WebDataset.recognise(other)
    assert found == WebDataset(image=("jpg",), caption="json.text", class_from="json.label")
    assert found.examples("train", other, 4).captions == (("a caption",),)
    for entries in ({"a.jpg": b"x"}, {"a.txt": b"x"}):
        write(other / "0.tar", entries)
        assert WebDataset.recognise(other) is None
    (tmp_path / "empty").mkdir()
    assert WebDataset.recognise(tmp_path / "empty") is None


def test_the_fingerprint_follows_the_shards(tmp_path: Path) -> None:
    def fingerprint(**options: Any) -> str:
        return WebDataset(test_share=0, **options).examples("train", tmp_path, 4).fingerprint

    write(tmp_path / "0.tar", sample("a"))
    first = fingerprint()
    assert first == fingerprint() == fingerprint(class_from="txt")
    write(tmp_path / "0.tar", sample("a") | sample("b", "green"))
    second = fingerprint()
    write(tmp_path / "1.tar", sample("a"))
    assert len({first, second, fingerprint()}) == 3


def test_what_it_yields() -> None:
    assert WebDataset().yields() == DataSpec()
    assert WebDataset(class_from="cls").yields() == DataSpec(class_id=True)
    with pytest.raises(ValidationError):
        TypeAdapter(WebDataset).validate_python({"captions": "txt"})
    with pytest.raises(GanzooError, match="needs the endings of its entries"):
        WebDataset(image=())


def test_no_torch_is_imported() -> None:
    code = "import sys, ganzoo.data.webdataset; sys.exit(not {'torch', 'webdataset'}.isdisjoint(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


# -- what is wrong; shard_damages.py has more ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (b"{", "entry `a.json` is no valid JSON"),
        (b"[]", "entry `a.json` is no JSON object"),
        (b"{}", "entry `a.json` has no field `caption` (option `caption: json.caption`); found none"),
        (b'{"captoin": "x"}', "(option `caption: json.caption`); did you mean `captoin`?"),
        (b'{"caption": 0.5}', "entry `a.json`, field `caption`, holds no caption; expected"),
        (b'{"caption": ["x", 3]}', "field `caption`, holds no caption"),
    ],
)  # fmt: skip
def test_mistakes_in_json_are_named(tmp_path: Path, said: bytes, message: str) -> None:
    write(tmp_path / "0.tar", {"a.png": picture("red"), "a.json": said})
    with pytest.raises(GanzooError) as error:
        read(tmp_path, caption="json.caption")
    assert message in str(error.value)


def test_a_class_that_is_none_is_named(tmp_path: Path) -> None:
    write(tmp_path / "0.tar", sample("a", cls=b" "))
    with pytest.raises(GanzooError, match=r"0\.tar: entry `a\.cls` holds no class; expected a name"):
        read(tmp_path, class_from="cls")


def test_a_broken_picture_is_one_broken_picture(tmp_path: Path) -> None:
    write(tmp_path / "0.tar", sample("a") | {"b.png": picture("red")[:40], "b.txt": b"x"})
    examples = WebDataset(test_share=0).examples("train", tmp_path, 4)
    packed = pack(examples, 4, tmp_path / "cache", skip_broken=True)
    assert packed.broken == ("0.tar/b",) and len(packed.images) == 1
    with pytest.raises(GanzooError, match=r"1 of 2 pictures cannot be read: 0\.tar/b \("):
        pack(examples, 8, tmp_path / "cache")


def test_a_shard_cut_after_it_was_read_gives_a_broken_picture(tmp_path: Path) -> None:
    shard = write(tmp_path / "0.tar", sample("a"))
    examples = WebDataset(test_share=0).examples("train", tmp_path, 4)
    cut_within(shard)
    with pytest.raises(OSError, match=r"a\.png is cut short"):
        examples.image(0)


def test_no_folder_and_no_shards_are_errors(tmp_path: Path) -> None:
    for folder, message in (
        (None, "core/webdataset needs a folder of .tar files: name it with --data"),
        (tmp_path / "no", "no is not there; --data names a folder"),
        (tmp_path, r"has no shards; expected files that end in \.tar"),
    ):
        with pytest.raises(GanzooError, match=message):
            WebDataset().examples("train", folder, 4)


def test_links_out_of_the_folder_are_an_error(tmp_path: Path) -> None:
    write(tmp_path / "outside.tar", sample("a"))
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "0.tar").symlink_to(tmp_path / "outside.tar")
    with pytest.raises(GanzooError, match=r"0\.tar is a link out of"):
        read(tmp_path / "data")


def test_every_kind_of_tar_file_is_read(tmp_path: Path) -> None:
    long = f"{'d' * 90}/{'k' * 90}"
    for number, kind in enumerate((tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT)):
        with tarfile.open(tmp_path / f"{number}.tar", "w", format=kind) as tar:
            tar.addfile(_folder())
            for name, data in sample(long, "blue").items():
                header = tarfile.TarInfo(name)
                header.size = len(data)
                tar.addfile(header, io.BytesIO(data))
        (found,) = tar_shards.read_shard(tmp_path / f"{number}.tar", "shard")
        assert found.key == long and set(found.entries) == {"png", "txt"}
    examples = WebDataset(test_share=0).examples("train", tmp_path, 4)
    assert np.unique(decode(examples.image(2), 2)[2]).tolist() == [255]


def _folder() -> tarfile.TarInfo:
    header = tarfile.TarInfo("d")
    header.type = tarfile.DIRTYPE
    return header
