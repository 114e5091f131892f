"""What a field of an object may hold, and how it is written to a model file and read from it.

Arrays become tensors of the file, everything else JSON. The same checks are made in both directions.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from cfensemble._validation import boolean, integer, number
from cfensemble.persistence.record import Record

Json: TypeAlias = Any
TENSOR = "tensor"
"""Stands in the JSON for an array."""


_TYPES = {"str": str, "bool": bool, "object": object, "float32": float, "float64": float} | {
    f"{sign}int{bits}": int for sign in ("", "u") for bits in (8, 16, 32, 64)
}
"""Python's types of the dtypes that values may have."""


class Field(ABC):
    """A kind of value."""

    @abstractmethod
    def write(self, value: Any, name: str, record: Record) -> Json:
        """Put the arrays of a value into the record and return the rest of it; TypeError or ValueError if it cannot."""

    @abstractmethod
    def read(self, node: Json, name: str, record: Record) -> Any:
        """Return the value that was written; TypeError or ValueError if there is none that is valid."""


class Array(Field):
    """An array with named axes; axes of one name have one length throughout an object.

    Parameters
    ----------
    *axes : str
        Their names, such as 'm', or 'm+1' for one that is longer by 1.
    dtype : str, default='float64'
        'float32', 'float64', 'int64', or 'float': either of the first two, the same throughout an object.
    low, high : float
        What values lie in; never infinite or NaN.
    """

    def __init__(self, *axes: str, dtype: str = "float64", low: float = -np.inf, high: float = np.inf) -> None:
        self.axes, self.dtype, self.low, self.high = axes, dtype, low, high

    def write(self, value: Any, name: str, record: Record) -> Json:
        """Put the array into the record."""
        array = np.asarray(value, order="C")
        self._check(array, record.path(name), record)
        record.tensors[record.path(name)] = array
        return TENSOR

    def read(self, node: Json, name: str, record: Record) -> NDArray[Any]:
        """Take the array out of the record."""
        path = record.path(name)
        if node != TENSOR or path not in record.tensors:
            raise ValueError(f"tensor {path} is missing")
        array = record.tensors.pop(path)
        self._check(array, path, record)
        return array

    def _check(self, array: NDArray[Any], path: str, record: Record) -> None:
        dtype = array.dtype.name
        if self.dtype == "float" and dtype not in ("float32", "float64"):
            raise ValueError(f"tensor {path} must hold float32 or float64, got {dtype}")
        expected = record.agree("float", dtype) if self.dtype == "float" else self.dtype
        if dtype != expected:
            raise ValueError(f"tensor {path} must hold {expected}, got {dtype}")
        if array.ndim != len(self.axes):
            raise ValueError(f"tensor {path} must have {len(self.axes)} axes, got shape {array.shape}")
        for axis, size in zip(self.axes, array.shape, strict=True):
            base, _, longer = axis.partition("+")
            rest = size - int(longer or 0)
            if rest != record.agree(base, rest) or rest < 0:
                known = record.agree(base, rest)
                raise ValueError(
                    f"tensor {path} must have shape ({', '.join(self.axes)}) with {base} = {known}, got {array.shape}"
                )
        if array.size and not (self.low <= array.min() and array.max() <= self.high and np.isfinite(array).all()):
            limits = "" if self.low == -np.inf else f" and in [{self.low:g}, {self.high:g}]"
            raise ValueError(f"tensor {path} must be finite{limits}")


class Plain(Field):
    """None, a boolean, number or string, or a mapping of such; whoever takes it over checks it further."""

    def write(self, value: Any, name: str, record: Record) -> Json:
        """Return it; a mapping as a list of pairs."""
        if isinstance(value, Mapping):
            return [[_plain(part, record.path(name)) for part in pair] for pair in value.items()]
        return _plain(value, record.path(name))

    def read(self, node: Json, name: str, record: Record) -> Any:
        """Return it."""
        path = record.path(name)
        if not isinstance(node, list):
            return _plain(node, path)
        if not all(isinstance(pair, list) and len(pair) == 2 for pair in node):
            raise ValueError(f"{path} must be a list of pairs, got {node!r}")
        return {_plain(key, path): _plain(value, path) for key, value in node}


class Scalar(Field):
    """A value of JSON's that is the same in the file."""

    @abstractmethod
    def check(self, value: Any, path: str) -> Json:
        """Return the value; TypeError or ValueError if it is not valid."""

    def write(self, value: Any, name: str, record: Record) -> Json:
        """Return it."""
        return self.check(value, record.path(name))

    def read(self, node: Json, name: str, record: Record) -> Any:
        """Return it."""
        return self.check(node, record.path(name))


class Boolean(Scalar):
    """True or False."""

    def check(self, value: Any, path: str) -> bool:
        """Return it."""
        return boolean(value, path)


class Integer(Scalar):
    """An integer in [low, high]."""

    def __init__(self, low: int = 0, high: int | None = None) -> None:
        self.low, self.high = low, high

    def check(self, value: Any, path: str) -> int:
        """Return it."""
        return integer(value, path, self.low, self.high)


class Real(Scalar):
    """A finite number in [low, high]."""

    def __init__(self, low: float = -np.inf, high: float = np.inf) -> None:
        self.low, self.high = low, high

    def check(self, value: Any, path: str) -> float:
        """Return it."""
        return number(value, path, self.low, self.high)


class OrNone(Field):
    """None, or what another field may hold."""

    def __init__(self, field: Field) -> None:
        self.field = field

    def write(self, value: Any, name: str, record: Record) -> Json:
        """Write it unless it is None."""
        return None if value is None else self.field.write(value, name, record)

    def read(self, node: Json, name: str, record: Record) -> Any:
        """Read it unless it is None."""
        return None if node is None else self.field.read(node, name, record)


class Each(Field):
    """A list, each item of which another field may hold."""

    def __init__(self, field: Field) -> None:
        self.field = field

    def write(self, value: Any, name: str, record: Record) -> Json:
        """Write the items, which are named by their numbers."""
        return [self.field.write(item, f"{name}.{i}", record) for i, item in enumerate(value)]

    def read(self, node: Json, name: str, record: Record) -> list[Any]:
        """Read the items."""
        if not isinstance(node, list):
            raise ValueError(f"{record.path(name)} must be a list, got {node!r}")
        return [self.field.read(item, f"{name}.{i}", record) for i, item in enumerate(node)]


class Values(Field):
    """A 1-D array of class labels or names: strings, booleans or numbers, or objects of these types."""

    def write(self, value: Any, name: str, record: Record) -> Json:
        """Return the dtype and the values."""
        array, path = np.asarray(value), record.path(name)
        dtype = "str" if array.dtype.kind == "U" else array.dtype.name
        if array.ndim != 1 or dtype not in _TYPES:
            raise TypeError(f"{path} cannot be written to a file: {array.dtype} of shape {array.shape}")
        return {"dtype": dtype, "values": [_plain(item, path) for item in array.tolist()]}

    def read(self, node: Json, name: str, record: Record) -> NDArray[Any]:
        """Return the array."""
        path = record.path(name)
        if not isinstance(node, dict) or set(node) != {"dtype", "values"} or not isinstance(node["values"], list):
            raise ValueError(f"{path} must be a dtype and values, got {node!r}")
        dtype, values = node["dtype"], [_plain(item, path) for item in node["values"]]
        if not isinstance(dtype, str) or dtype not in _TYPES:
            raise ValueError(f"{path} has the unknown dtype {dtype!r}")
        if dtype != "object" and any(type(item) is not _TYPES[dtype] for item in values):
            raise ValueError(f"{path} must hold values of dtype {dtype}, got {values!r}")
        return np.array(values, dtype)


def _plain(value: Any, path: str) -> Json:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return number(value, path)
    raise TypeError(f"{path}={value!r} cannot be written to a file: only None, booleans, numbers and strings can")
