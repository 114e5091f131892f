"""Tables as they come in: block by block, from a text file, a Parquet file or standard input."""

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Protocol, TypeVar

from cfensemble.tables.formats import DELIMITERS, STANDARD_INPUT, STANDARD_STREAM, suffix_of
from cfensemble.tables.text import Records, TextReader

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_ROWS = 1 << 16
Item = TypeVar("Item")


@dataclass(frozen=True, eq=False)
class Block:
    """Some consecutive rows of a table.

    Attributes
    ----------
    table : pyarrow.Table
        The columns that were asked for; those of text files are text.
    name : str
        What messages call the file.
    first_row : int
        Number of the first row, from 1.
    share : float or None
        How much of the file has been read with it, in [0, 1]; None = not known.
    records : Records or None
        The rows as they are written, in text files.
    """

    table: "pa.Table"
    name: str
    first_row: int
    share: float | None
    records: Records | None = None

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return int(self.table.num_rows)

    def place(self, i: int) -> str:
        """Say which row the block's i-th is, and in text files on which line it stands."""
        line = None if self.records is None else self.records.line_of(i)
        return f"row {self.first_row + i}" + ("" if line is None else f" (line {line})")


class Source(Protocol):
    """A table that can be read once, from its first to its last row.

    Attributes
    ----------
    name : str
        What messages call it.
    column_names : list of str
        Names of its columns, each occurring once.
    """

    name: str
    column_names: list[str]

    def blocks(self, columns: Sequence[str]) -> Iterator[Block]:
        """Yield all rows, with these columns only."""


@contextmanager
def open_source(path: str | os.PathLike[str]) -> Iterator[Source]:
    """Open a table for reading.

    Parameters
    ----------
    path : path
        A .csv, .tsv or .parquet file, or `-`: CSV on standard input.

    Yields
    ------
    Source

    Raises
    ------
    ValueError
        If the file cannot be read, is of another type, or has a column name twice; its blocks raise ValueErrors
        as well, naming the place.
    """
    suffix = suffix_of(path)
    if os.fspath(path) == STANDARD_STREAM:
        yield _unambiguous(_TextSource(sys.stdin.buffer, STANDARD_INPUT, ",", None))
        return
    path = Path(path)
    try:
        file = path.open("rb")
    except OSError as error:
        raise ValueError(f"{path}: cannot be opened ({error.strerror}); check the path") from error
    with file:
        if suffix == ".parquet":
            yield _unambiguous(_ParquetSource(file, str(path)))
        else:
            yield _unambiguous(_TextSource(file, str(path), DELIMITERS[suffix], os.fstat(file.fileno()).st_size))


def _unambiguous(source: Source) -> Source:
    names = source.column_names
    twice = next((name for i, name in enumerate(names) if name in names[:i]), None)
    if twice is not None:
        n = names.count(twice)
        raise ValueError(f"{source.name}: column {twice!r} occurs {n} times; rename or drop all but one")
    return source


@contextmanager
def _readable(name: str, kind: str) -> Iterator[None]:
    """Turn what goes wrong in reading into ValueErrors that name the file."""
    import pyarrow as pa

    try:
        yield
    except (pa.ArrowException, UnicodeDecodeError, OSError) as error:
        reason = getattr(error, "strerror", None) or " ".join(str(error).split())
        raise ValueError(f"{name}: cannot be read as {kind} ({reason}); it may be damaged or cut short") from error


def _readably(items: Iterator[Item], name: str, kind: str) -> Iterator[Item]:
    """Yield the items; what goes wrong in finding them is turned into ValueErrors that name the file."""
    while True:
        with _readable(name, kind):
            item = next(items, None)
        if item is None:
            return
        yield item


class _TextSource:
    def __init__(self, file: BinaryIO, name: str, delimiter: str, n_bytes: int | None) -> None:
        self.name, self._n_bytes = name, n_bytes
        with _readable(name, "text"):
            self._reader = TextReader(file, name, delimiter)
        self.column_names = self._reader.column_names

    def blocks(self, columns: Sequence[str]) -> Iterator[Block]:
        row, n_read = 1, 0
        for table, records in _readably(self._reader.blocks(columns), self.name, "text"):
            n_read += len(records.data)
            share = min(n_read / self._n_bytes, 1.0) if self._n_bytes else None
            yield Block(table, self.name, row, share, records)
            row += table.num_rows


class _ParquetSource:
    def __init__(self, file: BinaryIO, name: str) -> None:
        from pyarrow import parquet

        self.name = name
        with _readable(name, "parquet"):
            # Buffered ahead, what has been read would be kept to the end.
            self._file = parquet.ParquetFile(file, pre_buffer=False, buffer_size=1 << 20)
            self.column_names: list[str] = self._file.schema_arrow.names

    def blocks(self, columns: Sequence[str]) -> Iterator[Block]:
        import pyarrow as pa

        n_rows = self._file.metadata.num_rows
        row = 1
        size = max(1, min(BLOCK_ROWS, (BLOCK_ROWS << 6) // max(len(columns), 1)))
        for batch in _readably(self._file.iter_batches(size, columns=list(columns)), self.name, "parquet"):
            if batch.num_rows:
                row += batch.num_rows
                yield Block(pa.Table.from_batches([batch]), self.name, row - batch.num_rows, (row - 1) / n_rows)
