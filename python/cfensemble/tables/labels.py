"""The label column: any values, read block by block, and their classes."""

import re
from collections.abc import Callable, Sequence
from numbers import Number
from typing import Any

import numpy as np

from cfensemble._typing import Vector
from cfensemble.tables.classifier_columns import ClassifierColumns, listed
from cfensemble.tables.fields import dense, is_text, without_blanks
from cfensemble.tables.sources import Block

Label = int | str | bool

_KINDS = {int: "numbers", str: "text", bool: "true or false"}
_TOO_MANY = 1000
"""Nobody has so many classes: the column holds something else."""


class LabelReader:
    """Collects the labels of a table's blocks.

    Numbers are whole ones, also where they are written 1.0, as a column with blanks often is; other values are text or,
    in Parquet files, booleans.

    Parameters
    ----------
    column : str
        The label column.
    columns : ClassifierColumns
        The classifiers'.
    """

    def __init__(self, column: str, columns: ClassifierColumns) -> None:
        self.column = column
        self._columns = columns
        self._code_of: dict[Label, int] = {}
        self._code_of_value: dict[Any, int] = {}  # as it is written
        self._codes: list[Vector] = []
        self._name = ""

    def add(self, block: Block) -> None:
        """Add a block's labels; a ValueError at one that is none, no class of the columns, or of another type."""
        import pyarrow as pa

        array = dense(block.table[self.column])
        self._name = block.name
        role = f"{block.name}: label column {self.column!r}"
        if is_text(array.type):
            array = without_blanks(array)
        elif pa.types.is_nested(array.type):
            raise ValueError(f"{role}: holds {array.type}; labels are whole numbers or text")
        encoded = array.dictionary_encode()
        indices = encoded.indices.to_numpy(zero_copy_only=False)
        indices = np.where(np.isnan(indices), -1, indices).astype(np.int64) if indices.dtype.kind == "f" else indices
        code_of_index = np.full(len(encoded.dictionary) + 1, np.nan)  # the last one: blank
        for index, value in enumerate(encoded.dictionary.to_pylist()):
            if value is None or value != value:
                continue
            if value not in self._code_of_value:

                def place(index: int = index) -> str:  # slow to find: only where it is to be told
                    return f"{role}, {block.place(int(np.argmax(indices == index)))}"

                label = self._label(value, place)
                self._code_of_value[value] = self._code_of.setdefault(label, len(self._code_of))
                if len(self._code_of) > _TOO_MANY:
                    raise ValueError(f"{role}: holds more than {_TOO_MANY} different labels; name the label column")
            code_of_index[index] = self._code_of_value[value]
        self._codes.append(code_of_index[indices])

    def _label(self, value: Any, place: Callable[[], str]) -> Label:
        if isinstance(value, str):
            label: Label = _from_text(value, place)
        elif isinstance(value, bool):
            label = value
        elif isinstance(value, Number):
            label = _whole(value, place)
        else:
            raise ValueError(f"{place()}: holds {str(value)!r}; labels are whole numbers or text")
        first = next(iter(self._code_of), label)
        if type(first) is not type(label):
            raise ValueError(
                f"{place()}: holds {label!r}, which is {_KINDS[type(label)]}, after {first!r}, which is "
                f"{_KINDS[type(first)]}; write all labels alike, and leave blank what is unknown"
            )
        if self._columns.classes is not None and str(label) not in self._columns.classes:
            raise ValueError(
                f"{place()}: holds {label!r}, which is no class of the columns ({listed(self._columns.classes)}); "
                "correct it, add its columns, or rename columns that are no `model:class` columns"
            )
        return label

    def finish(self) -> tuple[ClassifierColumns, tuple[Label, ...], Vector]:
        """Relate the labels to the classifiers' columns.

        Returns
        -------
        columns : ClassifierColumns
            The classifiers', their classes in sorted order.
        classes : tuple of length K
            The classes in sorted order, of the labels' own type. A table with labels of one class only, or of none, is
            taken for one of 0 and 1 if they are.
        codes : array of shape (n,), float64
            Index into the classes; NaN = unlabelled.

        Raises
        ------
        ValueError
            If there are other than two labels without `model:class` columns.
        """
        codes = np.concatenate(self._codes) if self._codes else np.empty(0)
        found = sorted(self._code_of)  # all of one type
        columns = self._columns
        if columns.classes is None:
            classes = self._two_classes(found, columns.classifiers)
        else:
            classes = _of_type(columns.classes, type(found[0]) if found else None)
            columns = ClassifierColumns(columns.classifiers, tuple(map(str, classes)))
        final = np.array([classes.index(label) for label in self._code_of] + [np.nan])
        return columns, classes, final[np.where(np.isnan(codes), -1, codes).astype(np.int64)]

    def _two_classes(self, found: Sequence[Label], names: Sequence[str]) -> tuple[Label, ...]:
        role = f"{self._name}: label column {self.column!r}"
        if len(found) == 2:
            return tuple(found)
        if len(found) > 2:
            raise ValueError(
                f"{role}: holds {len(found)} different labels ({listed([str(label) for label in found])}); more than "
                f"two need a column `model:class` for each class of each classifier{_incomplete(names)}"
            )
        for zero, one in ((0, 1), (False, True)):
            if all(type(label) is type(zero) and label in (zero, one) for label in found):
                return (zero, one)
        raise ValueError(f"{role}: holds {found[0]!r} and nothing else; label rows of both classes")


def _from_text(text: str, place: Callable[[], str]) -> int | str:
    """Return whole numbers as numbers unless they are written like codes, 007 say."""
    if re.fullmatch(r"[+-]?(0|[1-9][0-9]{0,99})(\.0*)?", text):
        return int(text.partition(".")[0])
    try:
        number = float(text)
    except ValueError:
        return text
    return text if number.is_integer() or not np.isfinite(number) else _whole(number, place)


def _whole(number: Any, place: Callable[[], str]) -> int:
    """Return a whole number of any size as it is: not all of them are floats."""
    if not np.isfinite(float(number)) or int(number) != number:
        raise ValueError(f"{place()}: holds {number!s}; labels are whole numbers or text, blank where unknown")
    return int(number)


def _of_type(names: Sequence[str], kind: type | None) -> tuple[Label, ...]:
    """Return the classes that columns are named after, sorted, as whole numbers or booleans if all of them are."""
    if kind is bool and set(names) == {"False", "True"}:
        return (False, True)
    try:
        whole = [int(name) for name in names]
    except ValueError:
        return tuple(sorted(names))
    if kind is not str and [str(label) for label in whole] == list(names):
        return tuple(sorted(whole))
    return tuple(sorted(names))


def _incomplete(names: Sequence[str]) -> str:
    """Say which `model:class` columns are missing, where all columns look like such."""
    parts = [name.rpartition(":") for name in names]
    if not all(model for model, _, _ in parts):
        return ""
    models = dict.fromkeys(model for model, _, _ in parts)
    labels = dict.fromkeys(label for _, _, label in parts)
    missing = [f"{model}:{label}" for model in models for label in labels if f"{model}:{label}" not in names]
    return f"; missing: {listed(missing)}" if missing else ""
