"""The table of predictions as arrays."""

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cfensemble._typing import Float, Vector
from cfensemble.tables.classifier_columns import SEPARATOR, ClassifierColumns, listed
from cfensemble.tables.fields import UniqueIdentifiers
from cfensemble.tables.formats import check_output
from cfensemble.tables.labels import Label, LabelReader
from cfensemble.tables.results import open_results
from cfensemble.tables.sources import Source, open_source


@dataclass(frozen=True, eq=False)
class PredictionTable:
    """The predictions of m classifiers for n instances, and the labels that are known.

    Attributes
    ----------
    ids : sequence of length n
        Identifier of each instance: the id column's values, or else the row numbers 1 to n.
    R : array of shape (m, n), or (m, K, n) of K > 2 classes, float64
        Probabilities in [0, 1], with two classes those of the second; NaN = not predicted.
    labels : array of shape (n,), float64
        Index of the instance's class, 1 and 0 of two classes; NaN = unlabelled.
    classifiers : tuple of str, length m
        Name of each classifier, in the order of the file.
    id_column : str or None
        Column that the ids came from; None = row numbers.
    label_column : str
        Column that the labels came from.
    classes : tuple of length K
        The labels as the table has them, sorted.
    """

    ids: Sequence[Any]
    R: Float
    labels: Vector
    classifiers: tuple[str, ...]
    id_column: str | None
    label_column: str
    classes: tuple[Label, ...] = (0, 1)

    @property
    def is_multiclass(self) -> bool:
        """Whether there are more than two classes."""
        return len(self.classes) > 2

    def label_counts(self) -> dict[Label, int]:
        """Count the labelled instances of each class."""
        return {label: int(np.sum(self.labels == code)) for code, label in enumerate(self.classes)}


def read_table(
    path: str | os.PathLike[str],
    label_column: str,
    id_column: str | None = None,
    classifiers: Sequence[str] | None = None,
    on_progress: Callable[[float], object] | None = None,
) -> PredictionTable:
    """Read a table of predictions.

    Every column but the label and id columns is taken for a classifier's. Blank fields and the usual spellings of a
    missing value (NA, NaN, null, ...) are missing; booleans count as probabilities 0 and 1. The ids of a text file stay
    text, so that 007 remains 007.

    Parameters
    ----------
    path : path
        A .csv, .tsv or .parquet file, or `-`: CSV on standard input.
    label_column : str
        Column holding the labels: two different values or, where the classifiers' columns are named `model:class`, some
        of the classes; blank = unlabelled. A table whose labels are all 0, all 1 or all blank can be read as well.
    id_column : str, optional
        Column holding identifiers, each once; by default rows are numbered from 1.
    classifiers : sequence of str, optional
        The classifiers to use, in this order; by default all.
    on_progress : callable, optional
        Called with the share of the file that has been read, in [0, 1], where it is known.

    Returns
    -------
    PredictionTable

    Raises
    ------
    ValueError
        If the file cannot be read or is of another type, has no rows, no classifier, a column name twice
        or not the columns asked for, or if a column holds what it must not; naming the file, the column
        and the first such row, in text files with its line.
    """
    with open_source(path) as source:
        columns = _classifier_columns(source, label_column, id_column, classifiers)
        named = [label_column] if id_column is None else [label_column, id_column]
        labels, ids, parts = LabelReader(label_column, columns), UniqueIdentifiers(), []
        for block in source.blocks([*columns.column_names, *named]):
            labels.add(block)
            if id_column is not None:
                ids.add(block, id_column)
            parts.append(columns.read(block))
            if on_progress is not None and block.share is not None:
                on_progress(block.share)
        if not parts:
            raise ValueError(f"{source.name}: the table has no rows; add one row per instance")
        in_order, classes, codes = labels.finish()
    R = np.concatenate(parts, axis=-1)
    if columns.classes is not None and in_order.classes is not None:
        R = R[:, [columns.classes.index(label) for label in in_order.classes]]
        if len(classes) == 2:
            R = np.ascontiguousarray(R[:, 1])
    values = range(1, codes.size + 1) if id_column is None else ids.values
    return PredictionTable(values, R, codes, columns.classifiers, id_column, label_column, classes)


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
        As `check_output`; or if names of classifiers and classes are such that the columns would be read as others.
    """
    check_output(path, force)
    layout = ClassifierColumns(table.classifiers, tuple(map(str, table.classes)) if table.is_multiclass else None)
    if ClassifierColumns.of(layout.column_names) != layout:
        raise ValueError(
            f"{path}: columns {listed(layout.column_names)} would be read as those of other classifiers or classes; "
            f"choose names without {SEPARATOR!r}"
        )
    columns: dict[str, Sequence[Any]] = {} if table.id_column is None else {table.id_column: list(table.ids)}
    P = table.R.reshape(len(layout.column_names), -1)
    columns |= {name: _blanks(p) for name, p in zip(layout.column_names, P, strict=True)}
    columns[table.label_column] = [None if np.isnan(code) else table.classes[int(code)] for code in table.labels]
    with open_results(path, force) as results:
        results.write(columns)


def _classifier_columns(
    source: Source, label_column: str, id_column: str | None, chosen: Sequence[str] | None
) -> ClassifierColumns:
    name, names = source.name, source.column_names
    for role, column in (("label", label_column), ("id", id_column)):
        if column is not None and column not in names:
            raise ValueError(f"{name}: no {role} column {column!r}; the columns are {listed(names)}")
    if label_column == id_column:
        raise ValueError(f"{name}: column {label_column!r} cannot hold both labels and ids; name two columns")
    columns = [column for column in names if column not in (label_column, id_column)]
    if not columns:
        raise ValueError(f"{name}: no classifier columns; add a column of probabilities for each classifier")
    return ClassifierColumns.of(columns) if chosen is None else _chosen(name, columns, chosen)


def _chosen(name: str, columns: Sequence[str], chosen: Sequence[str]) -> ClassifierColumns:
    """Return the columns that these names choose: each the name of a column, or each of a model's columns."""
    for i, classifier in enumerate(chosen):
        if classifier in chosen[:i]:
            raise ValueError(f"{name}: classifier {classifier!r} is chosen twice")
    if set(chosen) <= set(columns):
        return ClassifierColumns.of(chosen)
    parts = [column.rpartition(SEPARATOR) for column in columns]
    grouped = ClassifierColumns.of([f"{model}:{label}" for u in chosen for model, _, label in parts if model == u])
    if set(chosen) <= set(grouped.classifiers) and grouped.classes is not None:
        return grouped
    unknown = [classifier for classifier in chosen if classifier not in columns]
    raise ValueError(f"{name}: no classifier column {listed(unknown)}; the columns are {listed(columns)}")


def _blanks(values: Float) -> list[float | None]:
    return [None if np.isnan(value) else value for value in values.tolist()]
