"""Predictions of base models for rows that they were not trained on."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from joblib import Parallel, delayed
from numpy.typing import NDArray

from cfensemble._typing import Indices, Vector
from cfensemble.estimators.base_models import classes_of, predict_rows, take_rows, train
from cfensemble.estimators.splits import Split


@dataclass(frozen=True, eq=False)
class HeldOut:
    """What m base models predict of n rows.

    Attributes
    ----------
    P : ndarray of shape (n, m, K)
        Probabilities, NaN where there is none.
    models : list of length m
        The models trained on all labelled rows, None where that failed.
    errors : list of length m
        What kept each model from giving some of its predictions, or None.
    classes : list of length m
        What each model calls the classes, ndarrays (K,).
    """

    P: Vector
    models: list[Any]
    errors: list[Exception | None]
    classes: list[NDArray[Any]]


def predict_held_out(
    estimators: Sequence[Any],
    X: Any,
    codes: Indices,
    splits: Sequence[Split],
    fit_params: Sequence[Mapping[str, Any]],
    n_jobs: int | None,
    one_by_one: bool,
) -> HeldOut:
    """Train copies of the estimators, on splits of the labelled rows and on all of these.

    The former predict the rows held out, and where there are several predictions of a row their mean is taken; the
    latter predict the rows without a label.

    Parameters
    ----------
    estimators : sequence of m estimators
    X : array-like, sparse matrix or data frame of n rows
    codes : ndarray of shape (n,)
        The rows' classes, 0 to K - 1, or -1 where unlabelled.
    splits : sequence of (train, test)
        Indices of rows.
    fit_params : sequence of m mappings
        What each `fit` gets besides.
    n_jobs : int, optional
        Processes to use.
    one_by_one : bool
        Count what fails as a missing prediction, instead of failing.

    Returns
    -------
    HeldOut
    """
    everything: Split = (np.flatnonzero(codes >= 0), np.flatnonzero(codes < 0))
    jobs = [(u, split) for u in range(len(estimators)) for split in (*splits, everything)]
    done = Parallel(n_jobs=n_jobs)(
        delayed(_train_and_predict)(estimators[u], X, codes, split, fit_params[u], one_by_one) for u, split in jobs
    )
    P = np.zeros((len(codes), len(estimators), int(codes.max()) + 1))
    count = np.zeros(P.shape[:2])
    models: list[Any] = [None] * len(estimators)
    errors: list[Exception | None] = [None] * len(estimators)
    for (u, (_, test)), (model, p, error) in zip(jobs, done, strict=True):
        models[u] = model  # in the end the one trained on everything
        errors[u] = error or errors[u]
        given = ~np.isnan(p).any(axis=1)
        P[test[given], u] += p[given]
        count[test[given], u] += 1
    P[count == 0] = np.nan
    P /= np.maximum(count, 1)[:, :, None]
    return HeldOut(P, models, errors, [np.arange(P.shape[2])] * len(models))


def predict_prefit(models: Sequence[Any], X: Any, classes: NDArray[Any], one_by_one: bool) -> HeldOut:
    """Let models predict all rows that are fitted already, to these classes or to their indices."""
    called = [classes_of(model, classes) for model in models]
    scored = [predict_rows(model, X, known, one_by_one) for model, known in zip(models, called, strict=True)]
    return HeldOut(np.stack([p for p, _ in scored], axis=1), list(models), [error for _, error in scored], called)


def _train_and_predict(
    estimator: Any, X: Any, codes: Indices, split: Split, fit_params: Mapping[str, Any], one_by_one: bool
) -> tuple[Any, Vector, Exception | None]:
    rows, test = split
    classes = np.arange(int(codes.max()) + 1)
    try:
        model = train(estimator, X, codes, rows, fit_params)
    except Exception as error:
        if not one_by_one:
            raise
        return None, np.full((len(test), len(classes)), np.nan), error
    p, failure = predict_rows(model, take_rows(X, test), classes, one_by_one)
    is_final = len(rows) == np.count_nonzero(codes >= 0)  # others need not travel from process to process
    return model if is_final else None, p, failure
