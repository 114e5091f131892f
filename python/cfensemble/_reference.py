"""NumPy twins of the compiled kernels: the definition of what each computes, one instance or classifier at a time.

Same names, signatures and results as in `cfensemble._core` (`n_threads` is accepted and ignored). Tests run the
kernels and every solver against them; benchmarks measure against them.
"""

import numpy as np
from scipy.special import expit

from cfensemble._typing import Float, Indices, Mask, Supervision, Vector
from cfensemble.data.confidence_rule import Confidence, ConfidenceRule


def _observed(R: Float, C: Confidence | None) -> tuple[Float, Float]:
    """Predictions and weights with 0 in place of what is missing."""
    missing = np.isnan(R)
    weights = C.weights(R) if isinstance(C, ConfidenceRule) else 1 if C is None else C
    return np.where(missing, 0, R), np.where(missing, 0, weights).astype(R.dtype)


def has_weight(R: Float, C: Confidence | None, n_threads: int = 1) -> Mask:
    """Whether any prediction for an instance has a positive weight, (n,)."""
    return np.any(_observed(R, C)[1] > 0, axis=0)


def _solve_ridge(factors: Float, target: Float, weight: Float, lambda_reg: float) -> tuple[Float, int]:
    """Minimise sum_k weight_k (target_k - factors[:, k] . s)^2 + lambda |s|^2; 1 where the system is degenerate."""
    d = len(factors)
    if not weight.any():
        return np.zeros(d, factors.dtype), 0
    weighted = factors * weight
    matrix = weighted @ factors.T + lambda_reg * np.eye(d, dtype=factors.dtype)
    if np.linalg.matrix_rank(matrix, hermitian=True) == d:
        return np.linalg.solve(matrix, weighted @ target), 0
    root = np.sqrt(weight)
    design = np.vstack([(factors * root).T, np.sqrt(lambda_reg) * np.eye(d, dtype=factors.dtype)])
    return np.linalg.lstsq(design, np.append(target * root, np.zeros(d, factors.dtype)))[0], 1


def instance_step(
    X: Float, R: Float, C: Confidence | None, lambda_reg: float, n_threads: int = 1, form: str | None = None
) -> tuple[Float, int]:
    """Y (d, n) from X (d, m), R and C (m, n), and how many instances were degenerate."""
    r, c = _observed(R, C)
    steps = [_solve_ridge(X, r[:, i], c[:, i], lambda_reg) for i in range(R.shape[1])]
    return np.array([y for y, _ in steps], R.dtype).T, sum(degenerate for _, degenerate in steps)


def classifier_moments(Y: Float, R: Float, C: Confidence | None, n_threads: int = 1) -> tuple[Vector, Vector]:
    """Packed Y C_u Y' for every classifier and, in the last row, Y Y'; and Y C_u r_u."""
    r, c = (values.astype(np.float64) for values in _observed(R, C))
    lower = np.tril_indices(len(Y))
    Y = Y.astype(np.float64)
    gram = np.array([((Y * weight) @ Y.T)[lower] for weight in [*c, np.ones(Y.shape[1])]])
    return gram, (c * r) @ Y.T


def classifier_step(
    gram: Vector, rhs: Vector, lambda_reg: float, balance: bool, n_threads: int = 1
) -> tuple[Vector, int]:
    """X (d, m) from the moments, rescaled if `balance`, and how many classifiers were degenerate."""
    m, d = rhs.shape
    X, n_degenerate = np.zeros((d, m)), 0
    for u in range(m):
        matrix = _unpack(gram[u], d)
        if matrix.any():
            matrix += lambda_reg * np.eye(d)
            X[:, u] = np.linalg.lstsq(matrix, rhs[u])[0]
            n_degenerate += int(np.linalg.matrix_rank(matrix, hermitian=True) < d)
    if balance:
        X = _balance_factors(X, _unpack(gram[m], d))
    return X, n_degenerate


def sweep(
    X: Float,
    R: Float,
    C: Confidence | None,
    lambda_reg: float,
    Y: Float,
    supervision: Supervision | None,
    n_threads: int = 1,
) -> tuple[Vector, Vector, float, int, float, Vector | None]:
    """The instance step, written to Y (d, n); moments, residual and the aggregator's loss and gradient there."""
    Y[:], n_degenerate = instance_step(X, R, C, lambda_reg)
    loss, gradient = 0.0, None
    if supervision is not None:
        loss, gradient, _ = aggregator_loss(X, Y, *supervision, with_hessian=False)
    return *classifier_moments(Y, R, C), weighted_residual(X, Y, R, C), n_degenerate, loss, gradient


def weighted_residual(X: Float, Y: Float, R: Float, C: Confidence | None, n_threads: int = 1) -> float:
    """sum_ui c_ui (r_ui - x_u . y_i)^2."""
    r, c = _observed(R, C)
    return float(np.sum(c * (r - X.T @ Y) ** 2, dtype=np.float64))


def factor_moments(
    X: Vector, mean: Vector, noise: Vector, R: Float, n_threads: int = 1
) -> tuple[Vector, Vector, float]:
    """Expected moments of (y, 1) per classifier and over all instances, packed; with r - mean; the log-likelihood."""
    d, m = X.shape
    lower = np.tril_indices(d + 1)
    gram, rhs, log_likelihood = np.zeros((m + 1, len(lower[0]))), np.zeros((m, d + 1)), 0.0
    for r in R.T.astype(np.float64):
        u = np.flatnonzero(~np.isnan(r) & (noise > 0))
        error, factors = r[u] - mean[u], X[:, u]
        V = np.linalg.inv(np.eye(d) + factors / noise[u] @ factors.T)
        y = V @ (factors / noise[u] @ error)
        covariance = factors.T @ factors + np.diag(noise[u])  # of the predictions
        log_det = np.linalg.slogdet(2 * np.pi * covariance)[1]
        log_likelihood -= 0.5 * (log_det + error @ np.linalg.solve(covariance, error))
        second = np.outer(np.append(y, 1), np.append(y, 1))
        second[:d, :d] += V
        gram[np.append(u, m)] += second[lower]
        rhs[u] += np.outer(error, np.append(y, 1))
    return gram, rhs, log_likelihood


def aggregator_loss(
    X: Float,
    Y: Float,
    w: Vector,
    b: float,
    columns: Indices,
    labels: Vector,
    weights: Vector,
    focal_gamma: float,
    with_hessian: bool,
    n_threads: int = 1,
) -> tuple[float, Vector, Vector | None]:
    """Weighted mean focal loss of the labelled columns, its gradient and its Hessian in (w, b)."""
    features = np.vstack([X.astype(np.float64).T @ Y[:, columns], np.ones(len(columns))])
    sign = np.where(labels == 1, 1.0, -1.0)
    s = sign * (np.append(w, b) @ features)
    p, q, cross_entropy = expit(s), expit(-s), np.logaddexp(0, -s)
    omega = weights / weights.sum()
    modulation = np.exp(-focal_gamma * np.logaddexp(0, s))
    slope = -sign * modulation * (focal_gamma * p * cross_entropy + q)
    curvature = modulation * p * (focal_gamma**2 * p * cross_entropy + focal_gamma * q * (2 - cross_entropy) + q)
    hessian = (features * (omega * curvature)) @ features.T if with_hessian else None
    return float(omega @ (modulation * cross_entropy)), features @ (omega * slope), hessian


def predict(X: Float, Y: Float, w: Vector, b: float, n_threads: int = 1) -> Float:
    """sigmoid(w . R_hat + b) for every instance."""
    p: Float = expit((X.astype(np.float64) @ w) @ Y + b).astype(Y.dtype)
    return p


def _unpack(packed: Vector, d: int) -> Vector:
    full = np.zeros((d, d))
    full[np.tril_indices(d)] = packed
    return full + np.tril(full, -1).T


def _balance_factors(X: Vector, H: Vector) -> Vector:
    """T X with |TX|^2 + |T^-T Y|^2 least, H = YY' (derived in balance.hpp)."""
    values, vectors = np.linalg.eigh(H)
    root = vectors * np.sqrt(np.maximum(values, 0))
    P, singular_values, _ = np.linalg.svd(X.T @ root, full_matrices=False)
    balanced = np.zeros_like(X)
    balanced[: len(singular_values)] = np.sqrt(singular_values)[:, None] * P.T
    return balanced
