"""Base models: training them, and the probabilities they give, where they give some."""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, softmax
from sklearn.base import clone
from sklearn.utils import _safe_indexing

from cfensemble._typing import Indices, Vector
from cfensemble._validation import SUM_TOLERANCE

N_PROBES = 20
"""Rows that a model is tried on one by one when it has failed for all of them together."""


def train(estimator: Any, X: Any, codes: NDArray[Any], rows: Indices, fit_params: Mapping[str, Any]) -> Any:
    """Return a copy of the estimator fitted to some rows of X and of their classes (n,).

    Of the parameters of its `fit`, those with an entry per row of X are cut to the same rows.
    """
    params = {
        name: take_rows(value, rows) if _is_per_row(value, len(codes)) else value for name, value in fit_params.items()
    }
    return clone(estimator).fit(take_rows(X, rows), codes[rows], **params)


def predict_rows(model: Any, X: Any, classes: NDArray[Any], one_by_one: bool) -> tuple[Vector, Exception | None]:
    """Return the model's probability of each class for the rows of X, and what kept it from giving some.

    Parameters
    ----------
    model : estimator
        With `predict_proba`; else its `decision_function` is squashed, or its `predict` counts as certain.
    X : array-like, sparse matrix or data frame
        Where it has more named columns than the model was fitted with, the model gets its own.
    classes : ndarray of shape (K,)
        Those of the result; the model may know fewer of them.
    one_by_one : bool
        Where the model fails for X as a whole, find the rows for which it does (by halves, unless it fails for each of
        some that are picked at random), instead of failing.

    Returns
    -------
    p : ndarray of shape (n, K)
        NaN where the model failed, or predicted NaN.
    error : Exception or None
        The last of its errors.
    """
    X = _columns_of(model, X)
    n = number_of_rows(X)
    p = np.full((n, len(classes)), np.nan)
    error: Exception | None = None

    def succeeds(rows: Indices) -> bool:
        nonlocal error
        try:
            p[rows] = _probabilities(model, X if len(rows) == n else take_rows(X, rows), classes)
        except Exception as failure:
            if not one_by_one:
                raise
            error = failure
            return False
        return True

    if n and not succeeds(np.arange(n)):
        probes = np.random.default_rng(0).choice(n, min(n, N_PROBES), replace=False)
        pending = [np.arange(n)] if any(succeeds(probe) for probe in probes[:, None]) else []
        while pending:
            halves = [half for half in np.array_split(pending.pop(), 2) if len(half)]
            pending += [half for half in halves if not succeeds(half) and len(half) > 1]
    silent = np.isnan(p).any(axis=1)
    if error is None and silent.any():
        error = ValueError(f"it predicts NaN for {np.count_nonzero(silent)} rows, row {np.argmax(silent)} the first")
        if not one_by_one:
            raise error
    p[silent] = np.nan
    return p, error


def take_rows(X: Any, rows: Indices) -> Any:
    """Some rows of anything with rows."""
    return _safe_indexing(X, rows)


def classes_of(model: Any, classes: NDArray[Any]) -> NDArray[Any]:
    """What the classes are called by a fitted model: as they are, or 0 to K - 1 where it only knows numbers."""
    known = set(np.asarray(model.classes_).tolist())
    codes = np.arange(len(classes))
    return codes if not known <= set(classes.tolist()) and known <= set(codes.tolist()) else classes


def number_of_rows(X: Any) -> int:
    """Count the rows of anything with rows."""
    return int(X.shape[0]) if hasattr(X, "shape") else len(X)


def as_rows(X: Any) -> Any:
    """Return X as it is if its rows can be taken, else what they can be taken of; texts may be the rows of a list.

    Raises
    ------
    ValueError
        If it is a single row of numbers.
    """
    if hasattr(X, "tocsr"):
        return X.tocsr()  # rows of other sparse formats cannot be taken
    if not hasattr(X, "shape"):
        array = np.asarray(X)
        X = X if array.ndim == 1 and array.dtype.kind not in "biufc" else array
    if isinstance(X, np.ndarray) and (X.ndim == 0 or (X.ndim == 1 and X.dtype.kind in "biufc")):
        raise ValueError(
            f"X has shape {X.shape}, but rows x features are expected. Reshape your data: X.reshape(-1, 1) if it has a "
            "single feature, X.reshape(1, -1) if it is a single row"
        )
    return X


def _probabilities(model: Any, X: Any, classes: NDArray[Any]) -> Vector:
    known = _positions(model, classes)
    if hasattr(model, "predict_proba"):
        given = np.asarray(model.predict_proba(X), np.float64)
    elif hasattr(model, "decision_function"):
        scores = np.asarray(model.decision_function(X), np.float64)
        given = np.column_stack([expit(-scores), expit(scores)]) if scores.ndim == 1 else softmax(scores, axis=1)
    else:
        given = (np.asarray(model.predict(X))[:, None] == model.classes_).astype(np.float64)
    if given.ndim != 2 or given.shape[1] != len(known):
        raise ValueError(
            f"{type(model).__name__} knows {len(known)} classes, but its predictions have shape {given.shape}"
        )
    off = np.abs(given.sum(axis=1) - 1) > SUM_TOLERANCE  # False for NaN
    off |= (given < -SUM_TOLERANCE).any(axis=1)
    if off.any():
        raise ValueError(f"its predictions are no probabilities: of a row they are {given[np.argmax(off)]}")
    p = np.zeros((len(given), len(classes)))
    p[:, known] = np.clip(given, 0, 1)
    return p


def _positions(model: Any, classes: NDArray[Any]) -> Indices:
    """Where the model's classes are among these."""
    own = np.asarray(model.classes_)
    positions = {label: k for k, label in enumerate(classes.tolist())}
    unknown = [label for label in own.tolist() if label not in positions]
    if unknown:
        raise ValueError(
            f"{type(model).__name__} predicts class {unknown[0]!r}, which y never has; its classes are {own.tolist()}, "
            f"those of y {classes.tolist()}"
        )
    return np.array([positions[label] for label in own.tolist()])


def _columns_of(model: Any, X: Any) -> Any:
    """The columns of a data frame that the model was fitted with, if it has them and others."""
    own = getattr(model, "feature_names_in_", None)
    if own is None or isinstance(X, np.ndarray):
        return X
    import narwhals as nw

    if not nw.dependencies.is_into_dataframe(X):
        return X
    frame = nw.from_native(X)
    given = list(frame.columns)
    if given == list(own) or not set(own) <= set(given):
        return X  # as it is, or for the model to complain about
    return frame.select(list(own)).to_native()


def _is_per_row(value: Any, n: int) -> bool:
    return not isinstance(value, str | bytes) and np.ndim(value) > 0 and number_of_rows(value) == n
