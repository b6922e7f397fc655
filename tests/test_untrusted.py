import os
import socket

import pytest

from ganzoo import untrusted
from ganzoo.errors import LONGEST_LINE, MOST_LINES, GanzooError, printable


@pytest.fixture
def pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    return tmp_path / "pipe"


def test_only_regular_files_are_opened(tmp_path, pipe, monkeypatch):
    monkeypatch.chdir(tmp_path)  # the name of a socket must be short
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")
        (tmp_path / "circle").symlink_to("circle")
        (tmp_path / "link").symlink_to("pipe")
        for path, said in (
            (pipe, "it is a named pipe, not a file"),
            (tmp_path / "link", "it is a named pipe"),
            (tmp_path / "socket", "it is a socket"),
            (tmp_path, "it is a folder"),
            (untrusted.Path("/dev/zero"), "it is a device"),
            (tmp_path / "circle", "Too many levels of symbolic links"),
            (tmp_path / "none", "No such file"),
            (tmp_path / "a\0b", "null byte"),
            (tmp_path / ("a" * 300), "File name too long"),
        ):
            with pytest.raises(GanzooError, match=f"cannot be read: .*{said}"):
                untrusted.open_file(path)


def test_files_are_read_up_to_a_limit(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"12345")
    assert untrusted.read_bytes(path, 5) == b"12345"
    with pytest.raises(GanzooError, match="a is larger than 4 bytes, too large"):
        untrusted.read_bytes(path, 4)
    with pytest.raises(GanzooError, match="has 0 bytes, but others can be read"):
        untrusted.read_bytes(untrusted.Path("/proc/self/status"), 4)


def test_text_is_utf_8(tmp_path):
    path = tmp_path / "a"
    for data in ("\ufeffä".encode(), "ä".encode()):
        path.write_bytes(data)
        assert untrusted.read_text(path, 9) == "ä"
    for data, said in (
        ("ä".encode("utf-16"), "a is not UTF-8 text: it begins like UTF-16; save it as UTF-8"),
        (b"ab\xe4", "a is not UTF-8 text: unexpected end of data at byte 2"),
        (b"a\0b", "a is not text: it has a NUL byte"),
    ):
        path.write_bytes(data)
        with pytest.raises(GanzooError) as error:
            untrusted.read_text(path, 9)
        assert said in str(error.value)


def test_json_is_one_object(tmp_path):
    path = tmp_path / "a"
    path.write_text('{"a": 1}')
    assert untrusted.read_json(path, 10**6) == {"a": 1}
    for text, said in (
        ("{", "a is no valid JSON: "),
        ("[" * 100_000, "a is no valid JSON: "),
        ('{"a":' * 100_000, "a is no valid JSON: "),
        ('{"a": ' + "9" * 5000 + "}", "a is no valid JSON: "),
        ("[1]", "a is not a JSON object"),
    ):
        path.write_text(text)
        with pytest.raises(GanzooError) as error:
            untrusted.read_json(path, 10**6)
        assert said in str(error.value)


def test_links_out_of_a_folder_are_an_error(tmp_path):
    inner = tmp_path / "in"
    (inner / "deep").mkdir(parents=True)
    (inner / "file").touch()
    (inner / "deep" / "fine").symlink_to("../file")
    untrusted.check_links(inner, ["*", "*/*"])
    for target in ("../../out", "/etc/passwd", "../..", "../../none"):
        link = inner / "deep" / ".link"
        link.symlink_to(target)
        with pytest.raises(GanzooError, match=r"deep/\.link is a link out of .*; copy what it points at"):
            untrusted.check_links(inner, ["*/*"])
        untrusted.check_links(inner, ["*"])
        link.unlink()


def test_messages_are_printable():
    error = GanzooError("\x1b[31mred\x07 \u202eabc \udcff\n  kept\t\x9b")
    assert str(error) == "\\x1b[31mred\\x07 \\u202eabc \\udcff\n  kept\t\\x9b"
    assert printable("a bird, ein Vögelein, 一只鸟 \U0001f426") == "a bird, ein Vögelein, 一只鸟 \U0001f426"


def test_messages_have_an_end():
    said = str(GanzooError("a" + "x" * 10**6 + "b"))
    assert len(said) < LONGEST_LINE + 50 and said.startswith("axx") and said.endswith("xxb")
    assert " ... [998002 characters] ... " in said
    lines = str(GanzooError("x\n" * 1000)).split("\n")
    assert len(lines) == MOST_LINES + 1 and lines[-1] == "... and 801 more lines"
