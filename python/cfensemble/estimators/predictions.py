"""Predictions as users have them: arrays, tables with a column per classifier, or what `predict_proba` returned."""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from cfensemble._typing import Float
from cfensemble._validation import SUM_TOLERANCE, float_array


def read_predictions(P: Any) -> tuple[Float, list[str] | None]:
    """Return predictions as an array with the classifiers' names, where they have some.

    Parameters
    ----------
    P : array-like, data frame, list or mapping
        Shape (n, m): probabilities of the positive class. Shape (n, m, K): of every class. A data frame (pandas,
        polars, pyarrow and others that narwhals knows) has a column per classifier. A list or a mapping by name holds m
        arrays or frames (n, K), as `predict_proba` returns them; those of a mapping may be (n,) as well. NaN or null
        where a classifier predicted nothing.

    Returns
    -------
    values : ndarray of shape (n, m) or (n, m, K)
        Checked probabilities; float32 and float64 are kept.
    names : list of str, or None

    Raises
    ------
    TypeError
        If it holds no numbers, or is a sparse matrix or a lazy frame.
    ValueError
        If the shape is another, values lie outside [0, 1], or those of all classes do not add up to 1.
    """
    values, names = convert_predictions(P)
    check_predictions(values, names)
    return values, names


def convert_predictions(P: Any) -> tuple[Float, list[str] | None]:
    """`read_predictions` of what is yet to be checked."""
    names: list[str] | None = None
    if not isinstance(P, np.ndarray):
        P, names = _to_array(P)
    return float_array(P, "P", (2, 3), "instances x classifiers, or instances x classifiers x classes"), names


def check_predictions(values: Float, names: list[str] | None) -> None:
    """Raise a ValueError if converted predictions are no probabilities, or do not add up to 1."""
    _check_probabilities(values, names)
    if values.ndim == 3:
        _check_sums(values)


def _to_array(P: Any) -> tuple[Any, list[str] | None]:
    if isinstance(P, Mapping):
        return _stack(list(P.values()), [f"P[{name!r}]" for name in P]), _all_strings(P)
    if isinstance(P, list | tuple):
        if P and all(len(getattr(part, "shape", ())) == 2 for part in P):
            return _stack(list(P), [f"P[{u}]" for u in range(len(P))]), None
        return P, None
    import narwhals as nw
    from narwhals.exceptions import DuplicateError

    try:
        frame = nw.from_native(P, eager_only=True, pass_through=True)
    except DuplicateError as error:
        names = " ".join(str(error).split())
        raise ValueError(f"P has columns of the same name, but classifiers are told apart by it: {names}") from error
    if not isinstance(frame, nw.DataFrame):
        if np.asarray(P).ndim == 0:
            raise TypeError(f"P must be an array or a data frame of probabilities, got {_described(P)}")
        return P, None
    columns = []
    for name, column in zip(frame.columns, frame.iter_columns(), strict=True):
        numeric = column.dtype.is_numeric() or column.dtype in (nw.Boolean, nw.Object, nw.Unknown)
        try:
            if not numeric:
                raise TypeError(f"of type {column.dtype}")
            columns.append(column.to_numpy() if column.dtype == nw.Float32 else column.cast(nw.Float64).to_numpy())
        except (TypeError, ValueError) as error:  # objects may be numbers or not
            message = f"P: column {name!r} holds no probabilities ({error}); drop it, or convert it to numbers"
            raise TypeError(message) from error
    return (np.column_stack(columns) if columns else np.empty((len(frame), 0))), _all_strings(frame.columns)


def _described(P: Any) -> str:
    """What was passed that holds no values, and what to pass instead."""
    found = f"{type(P).__module__.partition('.')[0]}'s {type(P).__name__}".removeprefix("builtins's ")
    if hasattr(P, "toarray"):
        return f"{found}: pass P.toarray(), with NaN where a prediction is missing"
    return f"{found}: pass P.collect()" if hasattr(P, "collect") else "None" if P is None else found


def _all_strings(names: Iterable[Any]) -> list[str] | None:
    """The names, or None where not all are strings: numbers tell nothing."""
    listed = list(names)
    return listed if all(isinstance(name, str) for name in listed) else None


def _stack(parts: list[Any], places: list[str]) -> Float:
    """Arrays (n,) or (n, K), one per classifier, as one (n, m) or (n, m, K)."""
    arrays = [np.asarray(part) for part in parts]
    if not arrays:
        raise ValueError("P is empty: it needs the predictions of at least one classifier")
    for array, place in zip(arrays, places, strict=True):
        if array.ndim not in (1, 2):
            raise ValueError(
                f"{place} has shape {array.shape}: each classifier needs an array of its probabilities, of the "
                "positive class (n,) or of every class (n, K)"
            )
        if array.shape != arrays[0].shape:
            raise ValueError(
                f"{place} has shape {array.shape} and {places[0]} {arrays[0].shape}: the classifiers' arrays, (n,) "
                "or instances x classes, must be of one shape"
            )
    return np.stack(arrays, axis=1)


def _check_probabilities(values: Float, names: list[str] | None) -> None:
    if np.fmin.reduce(values, axis=None) < 0 or np.fmax.reduce(values, axis=None) > 1:
        place = [int(k) for k in np.unravel_index(int(np.argmax((values < 0) | (values > 1))), values.shape)]
        column = "" if names is None else f" (column {names[place[1]]!r})"
        raise ValueError(
            f"P[{', '.join(map(str, place))}]{column} is {values[tuple(place)]}: probabilities lie in [0, 1], missing "
            "ones are NaN"
        )


def _check_sums(values: Float) -> None:
    sums = values.sum(axis=2)
    wrong = np.abs(sums - 1) > SUM_TOLERANCE  # False for NaN
    wrong |= np.isnan(sums) & ~np.isnan(values).all(axis=2)
    if wrong.any():
        i, u = (int(k) for k in np.unravel_index(int(np.argmax(wrong)), wrong.shape))
        found = (
            f"is missing for some classes only: {values[i, u]}" if np.isnan(sums[i, u]) else f"sums to {sums[i, u]:g}"
        )
        raise ValueError(
            f"P[{i}, {u}] {found}; the probabilities of all classes add up to 1 within {SUM_TOLERANCE:g}, or all of "
            "them are NaN"
        )
