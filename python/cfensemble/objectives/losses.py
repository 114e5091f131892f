"""The losses: L_CF = rho L_recon + (1 - rho) L_sup.

L_recon = sum_ui c_ui (r_ui - x_u . y_i)^2 + lambda (|X|^2 + |Y|^2), a sum; L_sup is the weighted mean over the
labelled instances of the focal loss (1 - p_t)^gamma CE.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from cfensemble import _core
from cfensemble._threads import resolve_threads
from cfensemble._typing import Float
from cfensemble._validation import (
    confidence_matrix,
    factor_matrix,
    float_matrix,
    instance_mask,
    number,
    reject_first,
    sample_weights,
)
from cfensemble.objectives.label_weights import LabelledInstances

if TYPE_CHECKING:
    from cfensemble.ensemble.base import BaseAggregator


def reconstruction_loss(
    R: ArrayLike,
    X: ArrayLike,
    Y: ArrayLike,
    C: ArrayLike | None,
    lambda_reg: float,
    n_threads: int | None = None,
    *,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Weighted squared error of the reconstruction and its penalty.

    Parameters
    ----------
    R : array-like of shape (m, n)
        Predictions; NaN entries are left out.
    X, Y : array-like of shape (d, m) and (d, n)
        Factors.
    C : array-like of shape (m, n), or None for weights of 1
        Confidence weights >= 0.
    lambda_reg : float
        Weight >= 0 of |X|^2 + |Y|^2.
    n_threads : int, optional
        Threads to use; None: what the process may use.
    sample_weight : array-like of shape (n,), optional
        How often each instance counts, s_i >= 0; default once.

    Returns
    -------
    float
        sum_ui s_i c_ui (r_ui - x_u . y_i)^2 + lambda_reg (|X|^2 + sum_i s_i |y_i|^2).
    """
    R = float_matrix(R, "R")
    X, Y = as_factors(X, Y, R.dtype)
    C = None if C is None else confidence_matrix(C, R)
    s = sample_weights(sample_weight, R.shape[1])
    residual = _core.weighted_residual(X, Y, R, C, resolve_threads(n_threads), s)
    squares = squared_norm(Y) if s is None else float(np.einsum("ij,ij,j->", Y, Y, s))
    return residual + number(lambda_reg, "lambda_reg", 0) * (squared_norm(X) + squares)


def supervised_loss(
    X: ArrayLike,
    Y: ArrayLike,
    labels: ArrayLike,
    labeled_idx: ArrayLike,
    aggregator: "BaseAggregator",
    use_class_weights: bool = False,
    focal_gamma: float = 0.0,
    n_threads: int | None = None,
    *,
    sample_weight: ArrayLike | None = None,
) -> float:
    """Weighted mean focal loss of the aggregator's predictions on the labelled instances; 0 if there is none.

    Parameters
    ----------
    X, Y : array-like of shape (d, m) and (d, n)
        Factors.
    labels : array-like of shape (n,)
        1 or 0 where labelled.
    labeled_idx : array-like
        Boolean mask (n,) or integer indices of the labelled instances.
    aggregator : BaseAggregator
        What turns the reconstruction into a probability.
    use_class_weights : bool, default=False
        Give both classes the same total weight.
    focal_gamma : float, default=0.0
        Focusing exponent >= 0; 0 is cross-entropy.
    n_threads : int, optional
        Threads to use; None: what the process may use.
    sample_weight : array-like of shape (n,), optional
        How often each instance counts, >= 0; default once.

    Returns
    -------
    float
        At least 0.
    """
    X, Y = as_factors(X, Y)
    mask = instance_mask(labeled_idx, Y.shape[1])
    s = sample_weights(sample_weight, Y.shape[1])
    if s is not None:
        mask = mask & (s > 0)
    if not mask.any():
        return 0.0
    labelled = LabelledInstances.of(labels, mask, use_class_weights, s)
    return aggregator.loss(X, Y, labelled, focal_gamma, n_threads)


def combined_loss(
    R: ArrayLike,
    X: ArrayLike,
    Y: ArrayLike,
    C: ArrayLike | None,
    labels: ArrayLike,
    labeled_idx: ArrayLike,
    aggregator: "BaseAggregator",
    rho: float,
    lambda_reg: float,
    use_class_weights: bool = False,
    focal_gamma: float = 0.0,
    n_threads: int | None = None,
    *,
    sample_weight: ArrayLike | None = None,
) -> tuple[float, dict[str, float]]:
    """L_CF and its terms.

    Parameters
    ----------
    R, X, Y, C, lambda_reg
        As in `reconstruction_loss`.
    labels, labeled_idx, aggregator, use_class_weights, focal_gamma
        As in `supervised_loss`.
    rho : float
        Weight of the reconstruction, in [0, 1].
    n_threads, sample_weight
        As in `reconstruction_loss`.

    Returns
    -------
    total : float
        rho * reconstruction + (1 - rho) * supervised; without labels supervised is 0.
    terms : dict
        total, reconstruction, supervised, recon_weighted, sup_weighted and rho.
    """
    reconstruction = reconstruction_loss(R, X, Y, C, lambda_reg, n_threads, sample_weight=sample_weight)
    supervised = supervised_loss(
        X,
        Y,
        labels,
        labeled_idx,
        aggregator,
        use_class_weights,
        focal_gamma,
        n_threads,
        sample_weight=sample_weight,
    )
    terms = weigh_terms(reconstruction, supervised, number(rho, "rho", 0, 1))
    return terms["total"], terms


def weigh_terms(reconstruction: float, supervised: float, rho: float) -> dict[str, float]:
    """Return the terms of L_CF, and their total, by name."""
    recon_weighted, sup_weighted = rho * reconstruction, (1 - rho) * supervised
    return {
        "total": recon_weighted + sup_weighted,
        "reconstruction": reconstruction,
        "supervised": supervised,
        "recon_weighted": recon_weighted,
        "sup_weighted": sup_weighted,
        "rho": rho,
    }


def compute_rmse(R: ArrayLike, R_hat: ArrayLike, mask: ArrayLike | None = None) -> float:
    """Root mean squared error of a reconstruction.

    Parameters
    ----------
    R, R_hat : array-like of shape (m, n)
        Predictions, NaN where missing, and their reconstruction.
    mask : array-like, optional
        What to count: a boolean mask of shape (m, n), or instances as a mask (n,) or as integer indices. Default all.
        Missing entries never count.

    Returns
    -------
    float
        In units of probability.

    Raises
    ------
    ValueError
        If shapes differ or nothing is left to count.
    """
    R, R_hat = float_matrix(R, "R"), float_matrix(R_hat, "R_hat")
    if R.shape != R_hat.shape:
        raise ValueError(f"R_hat must have R's shape {R.shape}, got {R_hat.shape}")
    counted = ~np.isnan(R)
    if mask is not None:
        chosen = np.asarray(mask)
        if chosen.ndim == 2 and (chosen.dtype != np.bool_ or chosen.shape != R.shape):
            raise ValueError(f"mask must be boolean with R's shape {R.shape}, got {chosen.dtype} {chosen.shape}")
        counted &= chosen if chosen.ndim == 2 else instance_mask(chosen, R.shape[1], "mask")
    if not counted.any():
        raise ValueError("mask leaves no observed entry of R to compare")
    reject_first(R_hat, counted & ~np.isfinite(R_hat), "R_hat", "a reconstruction is finite")
    return float(np.sqrt(np.mean((R[counted].astype(np.float64) - R_hat[counted]) ** 2)))


def squared_norm(factors: Float) -> float:
    """Sum of squares, in float64."""
    return float(np.einsum("ij,ij->", factors, factors, dtype=np.float64))


def as_factors(X: ArrayLike, Y: ArrayLike, dtype: DTypeLike | None = None) -> tuple[Float, Float]:
    """Return X (d, m) and Y (d, n) with the same d, in one precision (`dtype`, else Y's)."""
    Y = factor_matrix(Y, "Y", dtype)
    X = factor_matrix(X, "X", Y.dtype)
    if X.shape[0] != Y.shape[0]:
        raise ValueError(f"X and Y must have the same latent dimension, got shapes {X.shape} and {Y.shape}")
    return X, Y
