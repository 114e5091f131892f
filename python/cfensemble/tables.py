"""Tables of predictions: read from and written to CSV, TSV and Parquet files.

A table has one row per instance, one column per classifier with its probabilities (blank = not
predicted), one label column (0 or 1, blank = unlabelled) and, if it is named, a column of identifiers.
Rows are counted from 1 and without the header, in messages as in default identifiers.
"""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np

from cfensemble._typing import Float, Mask, Vector

if TYPE_CHECKING:
    import pyarrow as pa

_DELIMITERS = {".csv": ",", ".tsv": "\t"}
_SUFFIXES = (*_DELIMITERS, ".parquet")


@dataclass(frozen=True, eq=False)
class PredictionTable:
    """The predictions of m classifiers for n instances, and the labels that are known.

    Attributes
    ----------
    ids : sequence of length n
        Identifier of each instance: the id column's values, or else the row numbers 1 to n.
    R : array of shape (m, n), float64
        Probabilities in [0, 1]; NaN = not predicted.
    labels : array of shape (n,), float64
        1, 0, or NaN = unlabelled.
    classifiers : tuple of str, length m
        Column name of each classifier, in the order of the file.
    id_column : str or None
        Column that the ids came from; None = row numbers.
    label_column : str
        Column that the labels came from.
    """

    ids: Sequence[Any]
    R: Float
    labels: Vector
    classifiers: tuple[str, ...]
    id_column: str | None
    label_column: str


def read_table(path: str | os.PathLike[str], label_column: str, id_column: str | None = None) -> PredictionTable:
    """Read a table of predictions.

    Every column but the label and id columns is taken for a classifier. Blank fields and the usual
    spellings of a missing value (NA, NaN, null, ...) are missing; booleans count as 0 and 1. The ids of a
    text file stay text, so that 007 remains 007.

    Parameters
    ----------
    path : path
        A .csv, .tsv or .parquet file.
    label_column : str
        Column holding 0, 1, or blank = unlabelled.
    id_column : str, optional
        Column holding identifiers; by default rows are numbered from 1.

    Returns
    -------
    PredictionTable

    Raises
    ------
    ValueError
        If the file cannot be read or is of another type, has no rows, no classifier, a column name twice
        or not the columns asked for, or if a column holds what it must not; naming the file, the column
        and the first such row.
    """
    path = Path(path)
    columns = _read_columns(path, id_column)
    names = columns.column_names
    for name in names:
        if names.count(name) > 1:
            raise ValueError(f"{path}: column {name!r} occurs {names.count(name)} times; rename or drop all but one")
    for role, name in (("label", label_column), ("id", id_column)):
        if name is not None and name not in names:
            raise ValueError(f"{path}: no {role} column {name!r}; the columns are {_listed(names)}")
    if label_column == id_column:
        raise ValueError(f"{path}: column {label_column!r} cannot hold both labels and ids; name two columns")
    classifiers = tuple(name for name in names if name not in (label_column, id_column))
    if not classifiers:
        raise ValueError(f"{path}: no classifier columns; add a column of probabilities for each classifier")
    n = columns.num_rows
    if n == 0:
        raise ValueError(f"{path}: the table has no rows; add one row per instance")

    where = f"{path}: label column {label_column!r}"
    labels = _numbers(columns[label_column], where, "0, 1 or blank")
    _check(labels, np.isin(labels, (0, 1)), where, "recode labels: 1 is positive, 0 negative, blank unknown")
    R = np.empty((len(classifiers), n))
    for row, name in zip(R, classifiers, strict=True):
        where = f"{path}: classifier column {name!r}"
        row[:] = _numbers(columns[name], where, "numbers; drop it, or name it as the id column if it is one")
        _check(
            row,
            (row >= 0) & (row <= 1),
            where,
            "probabilities lie in [0, 1]; divide percentages by 100, drop it, or name it as the id column if it is one",
        )
    ids = range(1, n + 1) if id_column is None else _ids(columns[id_column], f"{path}: id column {id_column!r}")
    return PredictionTable(ids, R, labels, classifiers, id_column, label_column)


def write_table(path: str | os.PathLike[str], table: PredictionTable, force: bool = False) -> None:
    """Write a table of predictions in the form that `read_table` reads, atomically.

    Parameters
    ----------
    path : path
        A .csv, .tsv or .parquet file.
    table : PredictionTable
        What to write. The ids are written only if they have a column name.
    force : bool, default False
        Replace an existing file.

    Raises
    ------
    ValueError
        As `check_output`.
    """
    columns = {} if table.id_column is None else {table.id_column: list(table.ids)}
    columns |= {name: _blanks(row) for name, row in zip(table.classifiers, table.R, strict=True)}
    columns[table.label_column] = [None if np.isnan(t) else int(t) for t in table.labels]
    _write(Path(path), columns, force)


def write_results(
    path: str | os.PathLike[str],
    ids: Sequence[Any],
    p: Float,
    threshold: float = 0.5,
    force: bool = False,
) -> None:
    """Write the columns id, probability and label of every instance, atomically.

    Parameters
    ----------
    path : path
        A .csv, .tsv or .parquet file.
    ids : sequence of length n
        Identifiers.
    p : array of shape (n,)
        Probabilities.
    threshold : float, default 0.5
        The label is 1 where the probability is at least this, else 0.
    force : bool, default False
        Replace an existing file.

    Raises
    ------
    ValueError
        If ids and p differ in length; as `check_output`.
    """
    if len(ids) != len(p):
        raise ValueError(f"ids and p must be of equal length, got {len(ids)} and {len(p)}")
    label = (p >= threshold).astype(int).tolist()
    _write(Path(path), {"id": list(ids), "probability": p.tolist(), "label": label}, force)


def check_output(path: str | os.PathLike[str], force: bool = False) -> None:
    """Check that a file can be written, before anything is computed for it.

    Parameters
    ----------
    path : path
        The file to be written.
    force : bool, default False
        Whether it may exist.

    Raises
    ------
    ValueError
        If its type is not known, its folder does not exist, it is a folder itself, or it exists and
        `force` is not set.
    """
    path = Path(path)
    _suffix(path)
    if not path.parent.is_dir():
        raise ValueError(f"{path}: its folder does not exist; create {path.parent} first")
    if path.exists() and not force:
        raise ValueError(f"{path}: exists already; name another file, or force it to be replaced (--force)")


def _listed(names: Sequence[str]) -> str:
    """Return the names as one sees them, spaces and all, and what a single one may mean."""
    listed = ", ".join(map(repr, names))
    separators = [separator for separator in ";\t|" if len(names) == 1 and separator in names[0]]
    if separators:
        return f"{listed}: fields seem to be separated by {separators[0]!r}; save them separated by commas (.tsv: tabs)"
    return listed


def _suffix(path: Path) -> str:
    if path.is_dir():
        raise ValueError(f"{path}: is a folder; name a file")
    suffix = path.suffix.lower()
    if suffix not in _SUFFIXES:
        raise ValueError(f"{path}: unknown file type {path.suffix!r}; use one of {', '.join(_SUFFIXES)}")
    return suffix


def _read_columns(path: Path, id_column: str | None) -> "pa.Table":
    suffix = _suffix(path)
    import pyarrow as pa
    from pyarrow import csv as pa_csv
    from pyarrow import parquet

    try:
        with path.open("rb") as file:
            if suffix == ".parquet":
                columns = parquet.read_table(file)
            else:
                columns = pa_csv.read_csv(
                    file,
                    parse_options=pa_csv.ParseOptions(delimiter=_DELIMITERS[suffix]),
                    convert_options=pa_csv.ConvertOptions(
                        column_types={} if id_column is None else {id_column: pa.string()}
                    ),
                )
            columns.column_names  # noqa: B018  (raises where a name is not UTF-8)
    except OSError as error:
        raise ValueError(f"{path}: cannot be opened ({error.strerror or error}); check the path") from error
    except (pa.ArrowException, UnicodeDecodeError) as error:
        if "UTF" in str(error) or isinstance(error, UnicodeDecodeError):
            raise ValueError(f"{path}: is not UTF-8; save it in that encoding") from error
        reason = " ".join(str(error).split())
        raise ValueError(f"{path}: cannot be read as {suffix[1:]} ({reason}); check the file") from error
    return columns


def _numbers(column: "pa.ChunkedArray", where: str, expected: str) -> Vector:
    """Return the column as float64 with NaN for blanks; a ValueError at the first value that is no number."""
    import pyarrow as pa
    from pyarrow import csv as pa_csv

    kind, numeric = column.type, pa.types
    if (
        numeric.is_floating(kind)
        or numeric.is_integer(kind)
        or numeric.is_boolean(kind)
        or numeric.is_decimal(kind)
        or numeric.is_null(kind)
    ):
        return np.asarray(column.cast(pa.float64(), safe=False).to_numpy())
    blanks = set(pa_csv.ConvertOptions().null_values)
    numbers = np.full(len(column), np.nan)
    for row, value in enumerate(column.to_pylist()):
        if value is None or str(value).strip() in blanks:
            continue
        try:
            numbers[row] = float(value)
        except (TypeError, ValueError):
            raise ValueError(f"{where}, row {row + 1}: holds {str(value)!r}; it must hold {expected}") from None
    return numbers


def _ids(column: "pa.ChunkedArray", where: str) -> list[Any]:
    ids: list[Any] = column.to_pylist()
    for row, value in enumerate(ids, start=1):
        if value is None or value == "":
            raise ValueError(f"{where}, row {row}: blank; give every row an id, or name no id column")
    return ids


def _check(values: Vector, valid: Mask, where: str, rule: str) -> None:
    wrong = ~valid & ~np.isnan(values)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise ValueError(f"{where}, row {row + 1}: holds {float(values[row])!r}; {rule}")


def _blanks(values: Vector) -> list[float | None]:
    return [None if np.isnan(value) else value for value in values.tolist()]


def _write(path: Path, columns: Mapping[str, list[Any]], force: bool) -> None:
    """Write to a temporary file beside `path`, then rename it, so that `path` is never seen half written."""
    check_output(path, force)
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with partial.open("xb") as file:
            if _suffix(path) == ".parquet":
                _dump_parquet(file, columns)
            else:
                _dump_text(file, columns, _DELIMITERS[_suffix(path)])
            file.flush()
            os.fsync(file.fileno())
        check_output(path, force)  # again: a file may have appeared since
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def _dump_parquet(file: BinaryIO, columns: Mapping[str, list[Any]]) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    parquet.write_table(pa.table(dict(columns)), file)


def _dump_text(file: BinaryIO, columns: Mapping[str, list[Any]], delimiter: str) -> None:
    text = io.TextIOWrapper(file, encoding="utf-8", newline="")
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    text.flush()
    text.detach()
