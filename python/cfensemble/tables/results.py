"""Results as they go out: to a file that is there as a whole or not at all, or as CSV to standard output."""

import csv
import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Protocol

import numpy as np

from cfensemble._atomic import replacing
from cfensemble._typing import Float
from cfensemble.tables.formats import DELIMITERS, STANDARD_STREAM, check_output, suffix_of
from cfensemble.tables.labels import Label

if TYPE_CHECKING:
    from pyarrow import parquet


class ResultWriter(Protocol):
    """Writes a table, some rows at a time."""

    def write(self, columns: Mapping[str, Any]) -> None:
        """Append rows: columns of equal length (lists, NumPy or Arrow arrays), the same ones each time."""


@contextmanager
def open_results(path: str | os.PathLike[str], force: bool = False) -> Iterator[ResultWriter]:
    """Open a table for writing.

    Parameters
    ----------
    path : path
        A .csv, .tsv or .parquet file, which appears when everything has been written, or `-`: CSV on standard output.
    force : bool, default False
        Replace an existing file.

    Yields
    ------
    ResultWriter

    Raises
    ------
    ValueError
        As `check_output`.
    OSError
        If the disk is full, say; an existing file is then as it was.
    """
    check_output(path, force)
    suffix = suffix_of(path)
    if os.fspath(path) == STANDARD_STREAM:
        try:
            with _TextWriter(sys.stdout.buffer, ",") as writer:
                yield writer
        except OSError as error:
            error.filename = error.filename or "standard output"  # a failed write does not know it
            raise
        return
    with replacing(path) as file:
        with _ParquetWriter(file) if suffix == ".parquet" else _TextWriter(file, DELIMITERS[suffix]) as writer:
            yield writer
        check_output(path, force)  # again: a file may have appeared since


def result_columns(ids: Any, P: Float, classes: Sequence[Label], threshold: float = 0.5) -> dict[str, Any]:
    """Lay out combined probabilities as columns.

    Parameters
    ----------
    ids : sequence of length n, or Arrow array
        Identifiers.
    P : array of shape (n, K)
        Probability of each class, in the order of `classes`.
    classes : sequence of length K
        The labels.
    threshold : float, default 0.5
        Of two classes the second is the label where its probability is at least this; of more, the most probable is.

    Returns
    -------
    dict
        Columns id, probability (of the second of two classes) or `probability:<class>` for each of more, and label.
    """
    if len(classes) == 2:
        p = P[:, 1]
        return {"id": ids, "probability": p, "label": np.array(classes)[(p >= threshold).astype(int)]}
    columns = {f"probability:{label}": P[:, k] for k, label in enumerate(classes)}
    return {"id": ids, **columns, "label": np.array(classes)[P.argmax(axis=1)]}


def write_results(
    path: str | os.PathLike[str],
    ids: Sequence[Any],
    P: Float,
    classes: Sequence[Label] = (0, 1),
    threshold: float = 0.5,
    force: bool = False,
) -> None:
    """Write identifier, probabilities and label of every instance, atomically.

    Parameters
    ----------
    path : path
        A .csv, .tsv or .parquet file, or `-`: CSV on standard output.
    ids : sequence of length n
        Identifiers.
    P : array of shape (n, K)
        Probability of each class.
    classes : sequence of length K, default (0, 1)
        The labels, in the order of P's columns.
    threshold : float, default 0.5
        Of two classes the second is the label where its probability is at least this; of more, the most probable is.
    force : bool, default False
        Replace an existing file.

    Raises
    ------
    ValueError
        If ids and P, or P and classes, differ in length; as `check_output`.
    OSError
        If the file cannot be written.
    """
    if P.shape != (len(ids), len(classes)):
        raise ValueError(f"P must have a row per id and a column per class, {len(ids), len(classes)}, got {P.shape}")
    with open_results(path, force) as results:
        results.write(result_columns(ids, P, classes, threshold))


class _TextWriter:
    def __init__(self, file: BinaryIO, delimiter: str) -> None:
        self._text = io.TextIOWrapper(file, encoding="utf-8", newline="", write_through=True)
        self._writer = csv.writer(self._text, delimiter=delimiter, lineterminator="\n")
        self._has_header = False

    def __enter__(self) -> "_TextWriter":
        return self

    def __exit__(self, *failure: object) -> None:
        try:
            if failure[0] is None:
                self._text.flush()
        finally:
            self._text.detach()

    def write(self, columns: Mapping[str, Any]) -> None:
        if not self._has_header:
            self._writer.writerow(columns)
            self._has_header = True
        self._writer.writerows(zip(*map(_listed, columns.values()), strict=True))


class _ParquetWriter:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._writer: parquet.ParquetWriter | None = None

    def __enter__(self) -> "_ParquetWriter":
        return self

    def __exit__(self, *failure: object) -> None:
        if self._writer is not None:
            self._writer.close()

    def write(self, columns: Mapping[str, Any]) -> None:
        import pyarrow as pa
        from pyarrow import parquet

        table = pa.table(dict(columns))
        if self._writer is None:
            self._writer = parquet.ParquetWriter(self._file, table.schema)
        self._writer.write_table(table)


def _listed(values: Any) -> list[Any]:
    if isinstance(values, np.ndarray):
        return values.tolist()
    return values.to_pylist() if hasattr(values, "to_pylist") else list(values)
