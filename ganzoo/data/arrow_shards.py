"""Arrow and Parquet files of examples, through pyarrow: rows by number, nothing believed unchecked.

Arrow files (streams, as `datasets` saves them) are mapped into memory. Parquet files are decoded a row group
at a time; the newest groups are kept, as pictures are mostly asked for in order.
"""

from __future__ import annotations

import json
import threading
from abc import ABC, abstractmethod
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Sequence
from itertools import accumulate
from pathlib import Path
from typing import Any, ClassVar

from ganzoo import untrusted
from ganzoo.errors import GanzooError, did_you_mean

ARROW, PARQUET = ".arrow", ".parquet"
STREAM_END = b"\xff\xff\xff\xff\0\0\0\0"
LARGEST_GROUP = 8_000_000_000  # bytes of the columns of a row group, unpacked
GROUPS = 2  # row groups kept


def pyarrow() -> Any:
    """The library. Raises GanzooError, saying what to install, where it is missing."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise GanzooError(
            "core/hf reads Arrow and Parquet files with pyarrow, which is not installed; "
            'try: pip install "ganzoo[huggingface]"'
        ) from error
    return pyarrow


class Shard(ABC):
    """A file of rows. `shown`: its name in messages. `names`: class names by column, where they are known.

    Raises GanzooError for a file that is damaged, cut short or of another kind, and for missing columns.
    """

    def __init__(self, path: Path, shown: str, columns: Sequence[str] | None = None) -> None:
        self.shown, self.path = shown, path
        untrusted.check_regular(path, shown)
        self._arrow = pyarrow()
        self.types: dict[str, Any] = {}
        self.names: dict[str, list[str]] = {}
        self._guarded(self._describe)
        for column in columns or ():
            if column not in self.types:
                raise GanzooError(
                    f"{shown} has no column `{column}`{did_you_mean(column, self.types)}; "
                    f"found {', '.join(self.types) or 'none'}"
                )
        self._starts: list[int] = []  # the first row of each batch or row group
        if columns is not None:
            self._guarded(lambda: self._open(list(columns)))

    def __len__(self) -> int:
        return self._rows

    def values(self, column: str) -> list[Any]:
        """All values of a column, as Python has them."""
        return [value for part in range(len(self._starts)) for value in self._values(part, column)]

    def cell(self, column: str, row: int) -> Any:
        """One value; callable from several threads."""
        part = bisect_right(self._starts, row) - 1
        return self._guarded(lambda: self._part(part).column(column)[row - self._starts[part]].as_py())

    def _values(self, part: int, column: str) -> list[Any]:
        return self._guarded(lambda: self._part(part, column).column(column).to_pylist())  # type: ignore[no-any-return]

    def _describe(self) -> None:
        schema = self._schema()
        self.types = {field.name: field.type for field in schema}
        for kind in self.types.values():  # names that are not UTF-8 show when they are asked for
            _ = [kind.field(place).name for place in range(kind.num_fields)]
        self.names = _class_names(schema.metadata or {})

    def _counted(self, lengths: Sequence[int]) -> None:
        self._rows = sum(lengths)
        self._starts = [end - length for end, length in zip(accumulate(lengths), lengths, strict=True)]

    def _guarded(self, read: Any) -> Any:
        try:
            return read()
        except (self._arrow.ArrowException, OSError, ValueError, KeyError, MemoryError) as error:
            reason = str(error).strip().split("\n")[0]
            raise GanzooError(f"{self.shown} is damaged: {reason}; get this shard anew") from error

    @abstractmethod
    def _schema(self) -> Any:
        """The schema, as the file says."""

    @abstractmethod
    def _open(self, columns: list[str]) -> None:
        """Find the parts and how many rows each has."""

    @abstractmethod
    def _part(self, part: int, column: str = "") -> Any:
        """One part of the file; with `column`, that alone."""


class ArrowShard(Shard):
    """A stream of record batches. Offsets within batches are checked before anything is read by them."""

    def _schema(self) -> Any:
        with self.path.open("rb") as stream:
            stream.seek(-min(len(STREAM_END), self.path.stat().st_size), 2)
            if stream.read() != STREAM_END:
                raise ValueError(
                    "it does not end as an Arrow stream ends: it is cut short, or of another kind"
                )
        with self._arrow.memory_map(str(self.path)) as source:
            return self._arrow.ipc.open_stream(source).schema

    def _open(self, columns: list[str]) -> None:
        places = [list(self.types).index(column) for column in columns]
        options = self._arrow.ipc.IpcReadOptions(included_fields=places)
        self._batches = list(
            self._arrow.ipc.open_stream(self._arrow.memory_map(str(self.path)), options=options)
        )
        for batch in self._batches:
            batch.validate(full=True)
        self._counted([batch.num_rows for batch in self._batches])

    def _part(self, part: int, column: str = "") -> Any:
        return self._batches[part]


class ParquetShard(Shard):
    """A file of row groups."""

    _newest: ClassVar[OrderedDict[tuple[object, ...], Any]] = OrderedDict()  # of all files
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def _schema(self) -> Any:
        return self._arrow.parquet.read_schema(self.path)

    def _open(self, columns: list[str]) -> None:
        self._columns, self._changed = columns, self.path.stat().st_mtime_ns
        with self._arrow.parquet.ParquetFile(self.path) as file:
            groups = [file.metadata.row_group(place) for place in range(file.metadata.num_row_groups)]
        for group in groups:
            if group.total_byte_size > LARGEST_GROUP:
                raise ValueError(f"a row group of {group.total_byte_size:,} bytes, too large to be unpacked")
        self._counted([group.num_rows for group in groups])

    def _part(self, part: int, column: str = "") -> Any:
        if column:
            return self._read(part, [column])
        with self._lock:
            key = self.path, self._changed, part, *self._columns
            if key not in self._newest:
                self._newest[key] = self._read(part, self._columns)
                while len(self._newest) > GROUPS:
                    self._newest.popitem(last=False)
            self._newest.move_to_end(key)
            return self._newest[key]

    def _read(self, part: int, columns: list[str]) -> Any:
        with self._arrow.parquet.ParquetFile(self.path) as file:
            table = file.read_row_group(part, columns=columns, use_threads=False)
        table.validate(full=True)
        return table


def shard(path: Path, shown: str, columns: Sequence[str] | None = None) -> Shard:
    """A shard with some of its columns open; None = only its schema is read."""
    return (ParquetShard if path.suffix.lower() == PARQUET else ArrowShard)(path, shown, columns)


def _class_names(metadata: dict[bytes, bytes]) -> dict[str, list[str]]:
    """Names of the classes by column, of what `datasets` writes into the schema."""
    try:
        features = json.loads(metadata.get(b"huggingface", b"{}"))["info"]["features"]
        found = {column: said.get("names") for column, said in features.items() if isinstance(said, dict)}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return {
        column: names
        for column, names in found.items()
        if isinstance(names, list) and all(isinstance(name, str) for name in names)
    }
