"""What the fields of a column hold: numbers, identifiers, blanks."""

from typing import TYPE_CHECKING, Any

import numpy as np

from cfensemble._typing import Mask, Vector
from cfensemble.tables.sources import Block

if TYPE_CHECKING:
    import pyarrow as pa

BLANKS = (
    *("", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA"),
    *("NULL", "NaN", "None", "n/a", "nan", "null"),
)
"""The usual ways to write that there is no value."""
_TRUTH = {"true": 1.0, "false": 0.0}


def is_text(kind: "pa.DataType") -> bool:
    """Whether fields of this type are text."""
    import pyarrow as pa

    return pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)


def dense(column: "pa.ChunkedArray") -> "pa.Array":
    """Return a column as one array; categories as what they stand for, text without the blanks around it."""
    import pyarrow as pa
    from pyarrow import compute

    array = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):  # without any chunk, or too long for one array of text
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], column.type)
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    return compute.utf8_trim_whitespace(array.cast(pa.large_string())) if is_text(array.type) else array


def without_blanks(array: "pa.Array") -> "pa.Array":
    """Return an array of text with null in place of `BLANKS`."""
    import pyarrow as pa
    from pyarrow import compute

    blank = compute.is_in(array, value_set=pa.array(BLANKS, array.type))
    return compute.if_else(blank, pa.scalar(None, array.type), array)


def numbers(block: Block, column: str, role: str, expected: str) -> Vector:
    """Return a column as float64 with NaN for blanks; a ValueError at the first field that is no number."""
    import pyarrow as pa

    array, kinds = dense(block.table[column]), pa.types
    kind = array.type
    numeric = (kinds.is_floating, kinds.is_integer, kinds.is_boolean, kinds.is_decimal, kinds.is_null)
    if any(test(kind) for test in numeric):
        return np.asarray(array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), np.float64)
    if is_text(kind):
        array = without_blanks(array)
        try:
            return np.asarray(array.cast(pa.float64()).to_numpy(zero_copy_only=False), np.float64)
        except pa.ArrowInvalid:
            pass
    values = np.full(len(array), np.nan)
    for i, value in enumerate(array.to_pylist()):
        if value is not None:
            try:
                values[i] = _TRUTH[value.lower()] if str(value).lower() in _TRUTH else float(value)
            except (TypeError, ValueError):
                message = f"{block.name}: {role}, {block.place(i)}: holds {str(value)!r}; it must hold {expected}"
                raise ValueError(message) from None
    return values


def reject_first(block: Block, values: Vector, bad: Mask, role: str, rule: str) -> None:
    """Raise a ValueError that shows the first of the values marked as bad, if there is one."""
    if bad.any():
        i = int(np.argmax(bad))
        raise ValueError(f"{block.name}: {role}, {block.place(i)}: holds {float(values[i])!r}; {rule}")


def identifiers(block: Block, column: str) -> "pa.Array":
    """Return a column of identifiers as it is; a ValueError at the first blank."""
    import pyarrow as pa

    role = f"id column {column!r}"
    array = block.table[column].combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks)
    if pa.types.is_nested(array.type):
        raise ValueError(f"{block.name}: {role}: holds {array.type}; ids are text or numbers")
    if pa.types.is_dictionary(array.type):
        array = array.dictionary_decode()
    for i, value in enumerate(array.to_pylist()):
        if value is None or value == "":
            raise ValueError(
                f"{block.name}: {role}, {block.place(i)}: blank; give every row an id, or name no id column"
            )
    return array


class UniqueIdentifiers:
    """Collects identifiers and refuses one that has been there before."""

    def __init__(self) -> None:
        self._row_of: dict[Any, int] = {}

    def add(self, block: Block, column: str) -> None:
        """Add those of a block; a ValueError names both rows of the first that occurs twice."""
        for i, value in enumerate(identifiers(block, column).to_pylist()):
            row = self._row_of.setdefault(value, block.first_row + i)
            if row != block.first_row + i:
                raise ValueError(
                    f"{block.name}: id column {column!r}, {block.place(i)}: {value!r} is the id of row {row} as well; "
                    "give every row an id of its own"
                )

    @property
    def values(self) -> list[Any]:
        """All of them, in order."""
        return list(self._row_of)
