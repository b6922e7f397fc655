"""Data folders from strangers: one message, nothing run, nothing lost, no waiting, no escape codes."""

import io
import json
import os
import pickle
import shutil
import socket
import stat
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from ganzoo.data.cache import UNREADABLE, decode, pack
from ganzoo.data.examples import Examples
from ganzoo.data.folder import DEEPEST, Folder
from ganzoo.data.picture_files import FORMATS
from ganzoo.errors import GanzooError


def picture(path, size=(9, 7), **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, "red").save(path, **options)
    path.with_suffix(".txt").write_text("a caption")
    return path


@pytest.fixture
def folder(tmp_path):
    for name in ("a", "b"):
        picture(tmp_path / "data" / f"{name}.png")
    return tmp_path / "data"


def read(folder, **options):
    return Folder(test_share=0, **options).examples("train", folder, 8)


def refused(folder, *said, **options):
    """Reading the folder ends in one printable message, which says all of `said`."""
    with pytest.raises(GanzooError) as error:
        read(folder, **options)
    message = str(error.value)
    assert all(character.isprintable() or character in "\n\u00a0" for character in message), repr(message)
    for text in said:
        assert text in message


# -- what stands in a data folder ----------------------------------------------------------------------------


def unix_socket(path):
    with tempfile.TemporaryDirectory() as short, socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"{short}/s")
        shutil.move(f"{short}/s", path)


def device(path):
    os.mknod(path, stat.S_IFCHR | 0o600, os.makedev(1, 5))  # /dev/zero


NO_FILES = {
    "a pipe": (os.mkfifo, "it is a named pipe, not a file"),
    "a socket": (unix_socket, "it is a socket, not a file"),
    "a folder": (os.mkdir, "it is a folder, not a file"),
    "a link to nothing": (lambda path: path.symlink_to("nothing"), "No such file"),
}
if hasattr(os, "geteuid") and os.geteuid() == 0:
    NO_FILES["a device"] = (device, "it is a device, not a file")


@pytest.mark.parametrize("make, said", NO_FILES.values(), ids=list(NO_FILES))
def test_what_is_no_file_is_not_opened(folder, make, said):
    for name in ("c.png", "captions.csv", "captions.jsonl"):
        if said.startswith("it is a folder") and name == "c.png":
            continue  # a folder of that name is looked into like any other
        make(folder / name)
        if (folder / name).exists() or name == "c.png":
            refused(folder, name, said)
        (folder / name).rmdir() if (folder / name).is_dir() else (folder / name).unlink()


def test_captions_in_a_pipe(folder):
    (folder / "a.txt").unlink()
    os.mkfifo(folder / "a.txt")
    refused(folder, "a.txt cannot be read: it is a named pipe")


def test_links_are_followed_to_files_inside_only(folder, tmp_path):
    picture(tmp_path / "outside.png")
    (folder / "c.png").symlink_to("a.png")
    (folder / "c.txt").symlink_to("a.txt")
    (folder / "sub").mkdir()
    (folder / "sub" / "loop").symlink_to("..")
    assert read(folder).keys == ("a.png", "b.png", "c.png")
    for target in ("../outside.png", "/etc/passwd", ".."):
        (folder / "sub" / "d.png").symlink_to(Path("..") / target)
        refused(folder, "sub/d.png is a link out of", "copy what it points at, or remove it")
        (folder / "sub" / "d.png").unlink()
    (folder / "sub" / "e.png").symlink_to("f.png")
    (folder / "sub" / "f.png").symlink_to("e.png")
    refused(folder, "e.png")


PATHS = ["../outside.png", "/etc/passwd", "sub/../../outside.png", "..", "a.png/../../outside.png"]


@pytest.mark.parametrize("path", PATHS)
def test_paths_out_of_the_folder(folder, tmp_path, path):
    picture(tmp_path / "outside.png")
    (folder / "captions.jsonl").write_text(json.dumps({"file": path, "caption": "x"}))
    refused(folder, f"captions.jsonl:1: `{path}` leads out of the data folder")


NAMES = [
    b"\x1b[31mred.png",
    b"two\nlines.png",
    b"\xff\xfe.png",
    "\u202egnp.png".encode(),
    b"\x9b2J.png",
    b"tab\t.png",
]


@pytest.mark.parametrize("name", NAMES, ids=[repr(name) for name in NAMES])
def test_names_that_cannot_be_printed(folder, name):
    path = os.path.join(os.fsencode(folder), name)
    shutil.copy(os.fsencode(folder / "a.png"), path)
    refused(
        folder,
        "1 pictures in",
        "have names with control characters, or names that are not UTF-8: '",
        "rename them",
    )


def test_escape_codes_in_tables_do_not_reach_the_terminal(ganzoo, toy_file, folder, tmp_path):
    (folder / "captions.csv").write_text(
        "file,caption,\x1b[2J\u202e\na.png,x,y\n\x1b]0;evil\x07.png,\x1b[31m,z\n"
    )
    ran = ganzoo(
        "train",
        toy_file,
        "--data",
        folder,
        "--run",
        tmp_path / "run",
        "--set",
        "data={use: core/folder, batch: 2}",
    )
    ran.fails("captions.csv:3: `\\x1b]0;evil\\x07.png` is not there")
    assert "\x1b" not in ran.err and "\x07" not in ran.err


def test_folders_without_end(folder):
    deep = folder
    for _ in range(DEEPEST + 1):
        deep = deep / "d"
    picture(deep / "c.png")
    refused(folder, f"lies deeper than {DEEPEST} folders below")


def test_a_folder_that_may_not_be_read(folder):
    """Root may read everything, so another user tries."""
    picture(folder / "closed" / "c.png")
    (folder / "closed").chmod(0)
    code = (
        "import os, sys; from pathlib import Path; from ganzoo.data.folder import Folder\n"
        "from ganzoo.errors import GanzooError\n"
        "if os.geteuid() == 0: os.seteuid(65534)\n"
        "try: Folder().examples('train', Path(sys.argv[1]), 8)\n"
        "except GanzooError as error: print(error)\n"
    )
    for parent in (folder, *folder.parents):
        if parent.stat().st_uid == os.geteuid() and parent != Path("/"):
            parent.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=True)
    (folder / "closed").chmod(0o755)
    assert done.stdout == f"the folder {folder}/closed cannot be read: Permission denied\n"


# -- captions ------------------------------------------------------------------------------------------------

TEXTS = {
    "NUL bytes": (b"a\0b", "a.txt is not text: it has a NUL byte"),
    "UTF-16": ("a".encode("utf-16"), "a.txt is not UTF-8 text: it begins like UTF-16; save it as UTF-8"),
    "another encoding": (b"caf\xe9", "a.txt is not UTF-8 text"),
    "a long caption": (b"x" * 10_001, "a.txt has 10001 characters; expected at most 10000"),
    "a long file": (b"x\n" * 500_001, "a.txt is larger than 1,000,000 bytes"),
}


@pytest.mark.parametrize("data, said", TEXTS.values(), ids=list(TEXTS))
def test_captions_beside_a_picture(folder, data, said):
    (folder / "a.txt").write_bytes(data)
    refused(folder, said)


def row(**fields):
    return json.dumps({"file": "a.png", "caption": "x"} | fields).encode()


TABLES = {
    "deep": (".jsonl", b'{"a":' * 100_000, ":1 is no valid JSON"),
    "long integer": (".jsonl", b'{"a": ' + b"1" * 9999 + b"}", ":1 is no valid JSON"),
    "half a surrogate pair": (
        ".jsonl",
        row(caption="\ud800"),
        ":1: `caption` has characters that are no text: '\\ud800'",
    ),
    "half a pair as a name": (".jsonl", row(file="\udcff.png"), ":1: `file` has characters that are no text"),
    "NUL": (".jsonl", row(caption="a\0b"), ":1: `caption` has characters that are no text: 'a\\x00b'"),
    "a number": (".jsonl", row(caption=3), ":1: `caption` is no text"),
    "a long caption": (".jsonl", row(caption="x" * 10_001), ":1: `caption` has 10001 characters"),
    "NUL in CSV": (".csv", b"file,caption\na.png,\0", "is not text: it has a NUL byte"),
    "UTF-16 in CSV": (
        ".csv",
        "file,caption\na.png,b".encode("utf-16"),
        "it begins like UTF-16; save it as UTF-8",
    ),
    "a field without end": (".csv", b'file,caption\na.png,"' + b"x" * 200_000, "is no valid CSV"),
    "a long caption in CSV": (
        ".csv",
        b"file,caption\na.png," + b"x" * 10_001,
        ":2: `caption` has 10001 characters",
    ),
}


@pytest.mark.parametrize("ending, data, said", TABLES.values(), ids=list(TABLES))
def test_tables_of_captions(folder, ending, data, said):
    (folder / f"captions{ending}").write_bytes(data)
    refused(folder, f"captions{ending}", said)


# -- pictures ------------------------------------------------------------------------------------------------


def png_of(width, height, rows=b""):
    """A PNG that claims a size."""

    def chunk(kind, data):
        return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)

    header = width.to_bytes(4) + height.to_bytes(4) + b"\x01\x00\x00\x00\x00"
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def saved(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


NOISE = Image.fromarray(np.random.default_rng(0).integers(0, 255, (40, 30, 3), np.uint8))
BROKEN = {
    "more pixels than can be": png_of(2**31 - 1, 2**31 - 1),
    "more pixels than we read": png_of(10_001, 10_000, bytes(10_000)),
    "no pixel": png_of(0, 5),
    "cut short": saved(NOISE, "PNG")[:-500],
    "a JPEG cut short": saved(NOISE, "JPEG")[:300],
    "a format that starts programs": saved(NOISE, "EPS"),
    "a format not named": saved(NOISE, "TIFF"),
    "a pickle": pickle.dumps(NOISE.tobytes()),
    "empty": b"",
}


@pytest.mark.filterwarnings("ignore:Image size:PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("data", BROKEN.values(), ids=list(BROKEN))
def test_broken_pictures_are_named(folder, tmp_path, data):
    (folder / "a.png").write_bytes(data)
    with pytest.raises(GanzooError, match=r"1 of 2 pictures cannot be read: a\.png \("):
        pack(read(folder), 8, tmp_path / "cache")
    assert len(pack(read(folder), 8, tmp_path / "cache", skip_broken=True).images) == 1


def test_no_program_is_started_for_a_picture():
    assert set(FORMATS) == {"JPEG", "PNG", "WEBP", "BMP", "GIF"}, "others, as EPS, run Ghostscript"


FRAMES = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
ODD = {
    "another ending": saved(Image.new("RGB", (40, 30), "red"), "WEBP", lossless=True),
    "moving GIF": saved(FRAMES[0], "GIF", save_all=True, append_images=FRAMES[1:]),
    "moving WebP": saved(FRAMES[0], "WEBP", save_all=True, append_images=FRAMES[1:], lossless=True),
    "moving PNG": saved(FRAMES[0], "PNG", save_all=True, append_images=FRAMES[1:]),
    "CMYK": saved(FRAMES[0].convert("CMYK"), "JPEG", quality=100),
    "palette": saved(FRAMES[0].convert("P"), "PNG"),
    "one pixel": saved(Image.new("RGB", (1, 1), "red"), "BMP"),
}


@pytest.mark.parametrize("data", ODD.values(), ids=list(ODD))
def test_odd_pictures_are_read(folder, tmp_path, data):
    (folder / "a.png").write_bytes(data)
    packed = pack(read(folder), 8, tmp_path / "cache")
    assert np.abs(packed.images[0].astype(int) - np.array([255, 0, 0])[:, None, None]).max() < 9


def test_16_bits_are_scaled(folder, tmp_path):
    Image.fromarray(np.full((5, 5), 0x80FF, np.uint16)).save(folder / "a.png")
    assert (pack(read(folder), 8, tmp_path / "cache").images[0] == 0x80).all()


# -- caches --------------------------------------------------------------------------------------------------


LIES = [
    {"kept": [0, 9]},
    {"kept": [1, 0]},
    {"kept": [0, 0]},
    {"kept": [0, -1]},
    {"kept": [10**30, 0]},
    {"kept": "ab"},
    {"kept": [[0, 1]]},
    {"shape": [2, 3, 8]},
    {"shape": [2, 3, 10**9, 10**9]},
    {"shape": None},
    {"broken": 3},
    {"digest": None},
    {"key": []},
    {"kept": []},
]


@pytest.mark.parametrize("lie", LIES, ids=str)
def test_caches_that_lie_are_made_again(tmp_path, caplog, lie):
    given = Examples(("a", "b"), (("x",), ("y",)), lambda i: Image.new("RGB", (4, 4), (i, 0, 0)), "hostile")
    before = np.array(pack(given, 8, tmp_path).images)
    (cache,) = tmp_path.iterdir()
    meta = json.loads((cache / "meta.json").read_text())
    (cache / "meta.json").write_text(json.dumps(meta | lie))
    packed = pack(given, 8, tmp_path)
    assert (packed.images == before).all() and packed.kept.tolist() == [0, 1]
    assert "are damaged" in caplog.text


def test_decoding_raises_what_is_caught():
    assert issubclass(Image.DecompressionBombError, UNREADABLE) or Image.DecompressionBombError in UNREADABLE
    with pytest.raises(UNREADABLE):
        decode(Image.open(io.BytesIO(BROKEN["cut short"])), 8)
