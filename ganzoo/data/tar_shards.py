"""Tar files of samples as the WebDataset format has them: which entries belong together, and where they lie.

Read with Python's `tarfile` rather than the library `webdataset`: that one decodes entries by their endings,
`.pyd` and `.pickle` by running them, starts programs for addresses that begin with `pipe:`, and reads from
front to end only, where training picks pictures by number. Entries stay where they are: a picture is read at
its place in the shard.
"""

from __future__ import annotations

import re
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from ganzoo import untrusted
from ganzoo.errors import GanzooError, printable

SUFFIX = ".tar"
LARGEST_NAME = 100_000  # bytes of one header that says more about an entry
LARGEST_ENTRY = 200_000_000  # bytes of a picture or a text
COMPRESSED = {b"\x1f\x8b": "gunzip", b"BZ": "bunzip2", b"\xfd7": "unxz", b"(\xb5": "unzstd"}

_NAME = re.compile(r"(?P<key>(?:.*/)?[^./][^.]*)\.(?P<ending>[^/]+)")
_SAYING_MORE = (
    tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in a shard: its name, where its bytes begin, how many there are."""

    name: str
    start: int
    size: int


@dataclass(frozen=True, slots=True)
class Sample:
    """Entries that share a key: the name up to the first dot. `entries`: by ending, in lower case."""

    key: str
    entries: Mapping[str, Entry]


class _Header(tarfile.TarInfo):
    """A header as it stands, unless it asks for more memory than any name needs."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _Header:
        header = super().frombuf(buf, encoding, errors)
        if header.type in _SAYING_MORE and header.size > LARGEST_NAME:
            raise tarfile.HeaderError(f"a header of {header.size:,} bytes")
        return header


def read_shard(path: Path, shown: str) -> list[Sample]:
    """The samples of a shard, in its order. `shown`: its name in messages.

    Names without an ending, with a dot in front, or like `__this__` are left out. Raises GanzooError, naming
    shard and entry: what is no tar file, or a compressed one; a shard that is cut short or damaged; a link, a
    device, a sparse file; an entry too large; names that are not UTF-8 or have control characters; two
    entries of the same name; a key that comes again after others.
    """
    samples: dict[str, dict[str, Entry]] = {}
    before, last = "", ""
    for entry in _entries(path, shown):
        name = entry.name.rpartition("/")[2]
        if name.startswith(".") or re.match(r"__[^/]*__", name):
            continue
        if printable(entry.name) != entry.name or "\n" in entry.name:
            raise GanzooError(
                f"{shown}: entry {entry.name!r} has a name with control characters, or not UTF-8"
            )
        parts = _NAME.fullmatch(entry.name)
        if parts is None:
            continue
        key, ending = parts["key"], parts["ending"].lower()
        if key != last and key in samples:
            raise GanzooError(
                f"{shown}: entry `{entry.name}` belongs to `{key}`, which ended before `{before}`; "
                "entries of a sample lie side by side"
            )
        own = samples.setdefault(key, {})
        if ending in own:
            raise GanzooError(f"{shown}: entry `{entry.name}` is there twice")
        own[ending] = entry
        before, last = entry.name, key
    return [Sample(key, own) for key, own in samples.items()]


def read_entry(stream: BinaryIO, entry: Entry) -> bytes:
    """The bytes of an entry of the shard open as `stream`. Raises OSError where it is cut short."""
    stream.seek(entry.start)
    data = stream.read(entry.size)
    if len(data) != entry.size:
        raise OSError(f"{entry.name} is cut short")
    return data


def _entries(path: Path, shown: str) -> list[Entry]:
    """All files in a tar file, after checking that it has an end and every entry is whole."""
    size = untrusted.check_regular(path, shown)
    found: list[Entry] = []

    def damaged(reason: object) -> GanzooError:
        after = f"after entry `{found[-1].name}`" if found else "at its beginning"
        return GanzooError(f"{shown} is a damaged tar file, {after}: {reason}; get this shard anew")

    with untrusted.open_file(path, shown) as stream:
        if tool := COMPRESSED.get(stream.read(2)):
            raise GanzooError(f"{shown} is compressed; unpack it with `{tool}`: pictures are read in place")
        stream.seek(0)
        try:
            with tarfile.open(fileobj=stream, mode="r:", tarinfo=_Header, errors="surrogateescape") as tar:
                for header in tar:
                    found += _checked(header, size, shown)
                end = tar.offset
        except (tarfile.TarError, OSError, ValueError, OverflowError, MemoryError) as error:
            raise damaged(error) from error
        stream.seek(end)
        mark = stream.read(tarfile.BLOCKSIZE)  # tarfile ends in silence at what is no header
        if mark.strip(b"\0") or len(mark) < tarfile.BLOCKSIZE:
            raise damaged(
                "what follows is no header" if mark.strip(b"\0") else "it has no end, it is cut short"
            )
    if not found:
        raise GanzooError(f"{shown} has no entries; get this shard anew")
    return found


def _checked(header: tarfile.TarInfo, size: int, shown: str) -> list[Entry]:
    """A header's entry; none for a folder."""
    where = f"{shown}: entry `{header.name}`"
    if header.isdir():
        return []
    if not header.isreg() or header.issparse():
        raise GanzooError(f"{where} is a link, a device or a sparse file; shards hold plain files only")
    if header.size > LARGEST_ENTRY:
        raise GanzooError(f"{where} has {header.size:,} bytes; expected at most {LARGEST_ENTRY:,}")
    if header.offset_data + header.size > size:
        raise GanzooError(f"{where} is cut short: the shard ends within it; get this shard anew")
    return [Entry(header.name, header.offset_data, header.size)]
