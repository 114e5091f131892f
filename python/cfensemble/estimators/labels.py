"""Labels as users write them, some of them not known."""

from dataclasses import dataclass
from numbers import Number
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from cfensemble._typing import Indices, Mask, Vector

MARKER_LIKE = (
    "",
    "-1",
    "-1.0",
    "?",
    "nan",
    "none",
    "null",
    "na",
    "n/a",
    "<na>",
    "nat",
    "unknown",
    "unlabeled",
    "unlabelled",
)
"""Strings that often stand for no label."""


@dataclass(frozen=True, eq=False)
class Labels:
    """Which class each instance has, as far as that is known.

    Attributes
    ----------
    classes : ndarray of shape (K,)
        The classes that occur, sorted.
    codes : ndarray of shape (n,)
        Index of each instance's class, NaN where it is unlabelled.
    """

    classes: NDArray[Any]
    codes: Vector

    @property
    def known(self) -> Indices:
        """The labelled instances."""
        return np.flatnonzero(~np.isnan(self.codes))

    def decoded(self) -> NDArray[Any]:
        """Return the classes themselves (n,), None where unlabelled."""
        out = np.full(len(self.codes), None, object)
        out[self.known] = self.classes[self.codes[self.known].astype(np.int64)]
        return out


def encode_labels(y: Any, n_instances: int, unlabeled: Any = -1, n_classifiers: int | None = None) -> Labels:
    """Encode the labels of at least two classes.

    Parameters
    ----------
    y : array-like of shape (n_instances,)
        Numbers, booleans or strings. None, NaN and the like are unlabelled, and so is the marker.
    n_instances : int
        How many labels there must be.
    unlabeled : scalar, default=-1
        The marker. With None there is none.
    n_classifiers : int, optional
        Of the predictions that the labels belong to: as many labels mean that these are transposed.

    Returns
    -------
    Labels

    Raises
    ------
    ValueError
        If y has another length, labels of mixed types or of a continuous quantity, no label, or those of one class.
    """
    values = _one_dimensional(y)
    if len(values) != n_instances:
        message = f"y has {len(values)} labels for {n_instances} instances: one per instance is needed"
        if len(values) == n_classifiers:
            message += (
                f". P has {n_classifiers} columns, and should be instances x classifiers: is it transposed? "
                "(np.column_stack makes columns of a list with an array per classifier)"
            )
        raise ValueError(message)
    unknown = unlabelled(values, unlabeled)
    if unknown.all():
        found = "is empty" if not len(values) else f"has no label: all {len(values)} rows are unlabelled"
        raise ValueError(f"y {found}; label rows of each class (without labels there is cfensemble.combine)")
    known = _of_one_type(values, unknown)
    if known.dtype.kind == "f" and not np.isfinite(known).all():
        raise ValueError(
            f"y[{np.flatnonzero(~unknown)[np.argmax(~np.isfinite(known))]}] is infinite: labels are finite"
        )
    check_classification_targets(known)
    classes, indices = np.unique(known, return_inverse=True)
    if len(classes) == 1:
        only = f"y has labels of one class only, {classes.tolist()[0]!r}, and needs labels of two"
        if unlabeled == -1 and classes[0] == 1 and values.dtype.kind == "i" and unknown.any():
            only += ": -1 means unlabelled here; if it is a class, say unlabeled=None, or another marker"
        raise ValueError(only)
    codes = np.full(n_instances, np.nan)
    codes[~unknown] = indices
    return Labels(classes, codes)


def unlabelled(y: Any, unlabeled: Any = -1) -> Mask:
    """Which of the labels y (n,) are not known: None, NaN and the like, or the marker."""
    values = _one_dimensional(y)
    if values.dtype == object:
        return np.array([_is_missing(value) or _equal(value, unlabeled) for value in values], np.bool_)
    marked = np.zeros(len(values), np.bool_)
    if values.dtype.kind == "f":
        marked |= np.isnan(values)
    elif values.dtype.kind in "mM":
        marked |= np.isnat(values)
    if isinstance(unlabeled, str) == (values.dtype.kind in "US") and unlabeled is not None:
        marked |= values == unlabeled
    return marked


def hint_at_marker(classes: NDArray[Any]) -> str:
    """What to say of classes one of which looks like a marker that became a string among strings, or nothing."""
    for label in classes.tolist():
        if isinstance(label, str) and label.strip().lower() in MARKER_LIKE:
            return f"; if {label!r} stands for no label, say unlabeled={label!r}"
    return ""


def _one_dimensional(y: Any) -> NDArray[Any]:
    """Return an array, of Python's own objects where NumPy would turn labels of mixed types into strings."""
    if y is None:
        raise ValueError("requires y to be passed, but the target y is None")
    if isinstance(y, list | tuple):
        array = np.asarray(y, object)
        if array.ndim != 1 or not any(isinstance(value, str) or value is None for value in y):
            array = np.asarray(y)
    elif isinstance(y, np.ndarray):
        array = y
    else:
        import narwhals as nw

        series = nw.from_native(y, series_only=True, pass_through=True)
        if not isinstance(series, nw.Series):
            array = np.asarray(y)
        elif series.dtype.is_float() or not series.is_null().any():
            array = series.to_numpy()
        else:  # an array would turn integers into floating-point numbers
            array = np.empty(len(series), object)
            array[:] = series.to_list()
    return np.asarray(column_or_1d(array, warn=True))


def _is_missing(value: Any) -> bool:
    return value is None or type(value).__name__ in ("NAType", "NaTType") or bool(_equal(value, value) is False)


def _equal(value: Any, other: Any) -> bool:
    return bool(value == other)


def _of_one_type(values: NDArray[Any], unknown: Mask) -> NDArray[Any]:
    """The known labels in an array that can be sorted."""
    known = values[~unknown]
    if known.dtype != object:
        return known
    kinds = ["number" if isinstance(value, Number) else type(value).__name__ for value in known]
    for i, kind in enumerate(kinds):
        if kind != kinds[0]:
            first, other = np.flatnonzero(~unknown)[[0, i]]
            raise ValueError(
                f"y holds labels of mixed types: y[{first}] is {known[0]!r} and y[{other}] is {known[i]!r}; "
                "make them all numbers or all strings"
            )
    return np.array(known.tolist()) if kinds[0] == "number" else known


def drop_unlabelled(y: Any, known: Indices) -> NDArray[Any]:
    """Return the labels of these rows, which all have one, as an array that can be sorted."""
    values = _one_dimensional(y)[known]
    return _of_one_type(values, np.zeros(len(values), np.bool_))
