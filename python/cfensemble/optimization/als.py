"""The two half-steps of weighted alternating least squares, as functions of arrays."""

import logging

from numpy.typing import ArrayLike

from cfensemble import _core
from cfensemble._threads import resolve_threads
from cfensemble._typing import Float
from cfensemble._validation import confidence_matrix, factor_matrix, finite_matrix, number, sample_weights
from cfensemble.objectives.losses import as_factors

logger = logging.getLogger(__name__)


def update_classifier_factors(
    Y: ArrayLike,
    R: ArrayLike,
    C: ArrayLike | None,
    lambda_reg: float,
    n_threads: int | None = None,
    *,
    sample_weight: ArrayLike | None = None,
) -> Float:
    """X given Y: (Y S C_u Y' + lambda I) x_u = Y S C_u r_u for every classifier u, S = diag(sample_weight).

    Parameters
    ----------
    Y : array-like of shape (d, n)
        Instance factors.
    R : array-like of shape (m, n)
        Predictions; NaN has weight 0.
    C : array-like of shape (m, n), or None for weights of 1
        Confidence weights >= 0.
    lambda_reg : float
        Weight >= 0 of the penalty. At 0 singular systems get their minimum-norm solution.
    n_threads : int, optional
        Threads to use; None: what the process may use.
    sample_weight : array-like of shape (n,), optional
        How often each instance counts, >= 0; default once. The other half-step does not depend on it.

    Returns
    -------
    ndarray of shape (d, m), in R's precision
        A classifier without any weight gets 0.
    """
    R, C = _weighted_matrix(R, C)
    Y = factor_matrix(Y, "Y", R.dtype)
    threads = resolve_threads(n_threads)
    gram, rhs = _core.classifier_moments(Y, R, C, threads, sample_weights(sample_weight, R.shape[1]))
    X, n_degenerate = _core.classifier_step(gram, rhs, number(lambda_reg, "lambda_reg", 0), False, threads)
    _report("classifier", n_degenerate)
    return X.astype(R.dtype, copy=False)


def update_instance_factors(
    X: ArrayLike, R: ArrayLike, C: ArrayLike | None, lambda_reg: float, n_threads: int | None = None
) -> Float:
    """Y given X: (X C_i X' + lambda I) y_i = X C_i r_i for every instance i.

    Parameters
    ----------
    X : array-like of shape (d, m)
        Classifier factors.
    R, C, lambda_reg, n_threads
        As in `update_classifier_factors`.

    Returns
    -------
    ndarray of shape (d, n), in R's precision
        An instance without any weight gets 0.
    """
    R, C = _weighted_matrix(R, C)
    X = factor_matrix(X, "X", R.dtype)
    threads = resolve_threads(n_threads)
    Y, n_degenerate = _core.instance_step(X, R, C, number(lambda_reg, "lambda_reg", 0), threads)
    _report("instance", n_degenerate)
    return Y


def compute_reconstruction_error(
    X: ArrayLike,
    Y: ArrayLike,
    R: ArrayLike,
    C: ArrayLike | None,
    n_threads: int | None = None,
    *,
    sample_weight: ArrayLike | None = None,
) -> float:
    """sum_ui s_i c_ui (r_ui - x_u . y_i)^2 over what was predicted; parameters as above."""
    R, C = _weighted_matrix(R, C)
    X, Y = as_factors(X, Y, R.dtype)
    return _core.weighted_residual(X, Y, R, C, resolve_threads(n_threads), sample_weights(sample_weight, R.shape[1]))


def _weighted_matrix(R: ArrayLike, C: ArrayLike | None) -> tuple[Float, Float | None]:
    R = finite_matrix(R)
    return R, None if C is None else confidence_matrix(C, R)


def _report(kind: str, n_degenerate: int) -> None:
    if n_degenerate:
        logger.info(f"{n_degenerate} {kind} system(s) were singular; their minimum-norm solution was taken")
