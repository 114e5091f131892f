"""CSV and TSV in blocks of whole records, with the line that each record stands on.

Every field is read as text: a type guessed from a file's first rows would be wrong for later ones, and identifiers like
007 would lose their zeros. Arrow splits the fields; the standard library's slower reader tells where a faulty one is.
"""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    import pyarrow as pa

BLOCK_BYTES = 1 << 22
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"


@dataclass(frozen=True)
class Records:
    """Some whole records, as they are written, and the line that they start on."""

    data: bytes
    first_line: int
    delimiter: str

    def line_of(self, i: int) -> int | None:
        """Return the line that record i starts on; None where only Arrow can tell records apart."""
        return next((line for index, (line, _) in enumerate(self._walk()) if index == i), None)

    def ragged(self, n_fields: int) -> tuple[int, int, int] | None:
        """Return index, line and number of fields of the first record that has not this many fields."""
        for index, (line, fields) in enumerate(self._walk()):
            if len(fields) != n_fields:
                return index, line, len(fields)
        return None

    def _walk(self) -> Iterator[tuple[int, list[str]]]:
        reader = csv.reader(io.StringIO(self.data.decode("utf-8", "replace"), newline=""), delimiter=self.delimiter)
        line = self.first_line
        try:
            for fields in reader:
                if fields:  # blank lines are no records
                    yield line, fields
                line = self.first_line + reader.line_num
        except csv.Error:  # a field that is too long for it
            return


class TextReader:
    """A text file's header and, block by block, its records.

    Parameters
    ----------
    file : binary file
        Read from its start to its end, once.
    name : str
        What messages call it.
    delimiter : str
        What separates fields.

    Raises
    ------
    ValueError
        If there is no header, or it is not UTF-8.
    """

    def __init__(self, file: BinaryIO, name: str, delimiter: str) -> None:
        self._file, self._name, self._delimiter = file, name, delimiter
        data = file.read(BLOCK_BYTES).removeprefix(_BYTE_ORDER_MARK)
        self._newline = b"\r" if b"\r" in data and b"\n" not in data else b"\n"
        self._record = _record(delimiter.encode(), self._newline)
        self._records = re.compile(b"(?:%b)*" % self._record.pattern)
        start, end = self._header_span(data)
        while end == len(data) and (more := file.read(BLOCK_BYTES)):
            data += more
            start, end = self._header_span(data)
        if start == end:
            raise ValueError(f"{name}: cannot be read as {self._kind} (it is empty); check the file")
        header = self._decode(data[start:end], 1 + data.count(self._newline, 0, start))
        self.column_names: list[str] = next(csv.reader(io.StringIO(header, newline=""), delimiter=delimiter))
        self._rest, self._line = data[end:], 1 + data.count(self._newline, 0, end)

    def blocks(self, columns: Sequence[str]) -> Iterator[tuple["pa.Table", Records]]:
        """Yield the records with these columns as text, in blocks of about `BLOCK_BYTES` or one record."""
        n_rows, more = 0, True
        while more:
            chunk = self._file.read(max(BLOCK_BYTES, len(self._rest)))
            more = bool(chunk)
            data = self._rest + chunk
            end = self._last_end(data) if more else len(data)
            records, self._rest = Records(data[:end], self._line, self._delimiter), data[end:]
            if records.data.strip():
                table = self._parse(records, columns, n_rows)
                n_rows += table.num_rows
                if table.num_rows:
                    yield table, records
            self._line += records.data.count(self._newline)

    @property
    def _kind(self) -> str:
        return "tsv" if self._delimiter == "\t" else "csv"

    def _header_span(self, data: bytes) -> tuple[int, int]:
        start = len(data) - len(data.lstrip(b"\r\n"))
        found = self._record.match(data, start)
        return start, (found.end() if found else len(data))

    def _last_end(self, data: bytes) -> int:
        """Return where the last whole record ends, given that the first starts with the data."""
        if b'"' not in data:
            return data.rfind(self._newline) + 1
        found = self._records.match(data)
        return found.end() if found else 0

    def _parse(self, records: Records, columns: Sequence[str], rows_before: int) -> "pa.Table":
        import pyarrow as pa
        from pyarrow import csv as pa_csv

        try:
            return pa_csv.read_csv(
                pa.BufferReader(records.data),
                pa_csv.ReadOptions(column_names=self.column_names, block_size=len(records.data) + 1),
                pa_csv.ParseOptions(delimiter=self._delimiter, newlines_in_values=True),
                pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(columns, pa.string()),
                    include_columns=list(columns),
                    strings_can_be_null=False,
                ),
            )
        except pa.ArrowException as error:
            self._decode(records.data, records.first_line)
            if found := records.ragged(len(self.column_names)):
                index, line, n_fields = found
                raise ValueError(
                    f"{self._name}: row {rows_before + index + 1} (line {line}) has {n_fields} fields where the header "
                    f"has {len(self.column_names)}; check the file"
                ) from error
            reason = " ".join(str(error).split())
            raise ValueError(f"{self._name}: cannot be read as {self._kind} ({reason}); check the file") from error

    def _decode(self, data: bytes, first_line: int) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            line = first_line + data.count(self._newline, 0, error.start)
            raise ValueError(f"{self._name}: line {line} is not UTF-8; save it in that encoding") from error


def _record(delimiter: bytes, newline: bytes) -> re.Pattern[bytes]:
    """Return what a record looks like.

    As Arrow has it, a quote opens a quoted field, in which line breaks may stand, at the start of a field only;
    elsewhere it is a character like any other. Either kind of line break ends a field. There are no two ways to match,
    so that the time is proportional to the length: what follows the quote that closes a field is no quote.
    """
    ends = re.escape(delimiter + b"\r\n")
    field = b'(?:"[^"]*(?:""[^"]*)*"(?!")|(?!"))[^%b]*' % ends
    return re.compile(b"(?:%b[%b])*%b%b" % (field, ends.replace(re.escape(newline), b""), field, re.escape(newline)))
