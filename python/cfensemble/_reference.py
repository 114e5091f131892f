"""NumPy twins of the compiled kernels: the definition of what each computes, one instance or classifier at a time.

Same names, signatures and results as in `cfensemble._core` (`n_threads` is accepted and ignored). Tests run the
kernels and every solver against them; benchmarks measure against them.
"""

from collections.abc import Sequence

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit

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


def classifier_moments(
    Y: Float, R: Float, C: Confidence | None, n_threads: int = 1, sample_weight: Vector | None = None
) -> tuple[Vector, Vector]:
    """Packed Y S C_u Y' for every classifier and, in the last row, Y S Y'; and Y S C_u r_u."""
    r, c = (values.astype(np.float64) for values in _observed(R, C))
    s = _sample_weights(sample_weight, Y.shape[1])
    lower = np.tril_indices(len(Y))
    Y = Y.astype(np.float64)
    gram = np.array([((Y * weight) @ Y.T)[lower] for weight in [*(s * c), s]])
    return gram, (s * c * r) @ Y.T


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
    sample_weight: Vector | None = None,
) -> tuple[Vector, Vector, float, int, float, Vector | None]:
    """The instance step, written to Y (d, n); moments, residual and the aggregator's loss and gradient there."""
    Y[:], n_degenerate = instance_step(X, R, C, lambda_reg)
    loss, gradient = 0.0, None
    if supervision is not None:
        loss, gradient, _ = aggregator_loss(X, Y, *supervision, with_hessian=False)
    moments = classifier_moments(Y, R, C, sample_weight=sample_weight)
    residual = weighted_residual(X, Y, R, C, sample_weight=sample_weight)
    return *moments, residual, n_degenerate, loss, gradient


def joint_sweep(
    X: Float,
    R: Float,
    C: Confidence | None,
    lambda_reg: float,
    rho: float,
    Y: Float,
    supervision: Supervision | None,
    logistic: bool,
    n_threads: int = 1,
    sample_weight: Vector | None = None,
) -> tuple[float, float, Vector, Vector, Vector, Vector, int]:
    """Y = argmin L_CF, written to Y (d, n); L_recon and L_sup there, the gradient in X and (w, b), and the moments.

    `logistic` tells whether z = w . R_hat + b are log-odds, or probabilities to be clipped. The last results but one
    are `classifier_moments`' gram and sum_i h_i (y_i, 1) (y_i, 1)' over the labelled, h_i being the curvature of their
    loss, as reduced by y giving way.
    """
    (d, m), exact = X.shape, X.astype(np.float64)
    Y[:], n_degenerate = instance_step(X, R, C, lambda_reg)
    s = _sample_weights(sample_weight, R.shape[1])
    supervised, on_v, P, w = 0.0, np.zeros(d + 1), np.zeros((d + 1, d + 1)), np.zeros(m)
    if supervision is not None:
        w, b, columns, labels, weights, gamma = supervision
        v, omega = exact @ w, weights / weights.sum()
        c = _observed(R, C)[1]
        for i, label, share in zip(columns, labels, omega, strict=True):
            response = np.linalg.pinv(exact * c[:, i] @ exact.T + lambda_reg * np.eye(d), hermitian=True) @ v
            spread, pull = float(v @ response), float((1 - rho) / rho * share / s[i]) if s[i] > 0 else 0.0
            z0 = float(v @ Y[:, i]) + b
            if spread > 0 and pull > 0:
                z = _label_step(z0, spread, pull, label, gamma, logistic)
                Y[:, i] += (z - z0) / spread * response
            feature = np.append(Y[:, i], 1.0)
            loss, slope, curvature = _label_loss(_score(float(v @ Y[:, i]) + b, label, logistic), gamma, logistic)
            half = pull * spread / 2
            kept, slope = max(curvature, 0) / (1 + half * max(curvature, 0)), slope if label else -slope
            z, edge = float(v @ Y[:, i]) + b, 1 - 2e-7
            if not logistic and half > 0 and _score(z0, label, False) < edge <= _score(z, label, False):
                kept, slope = 1 / half, (z0 - z) / half  # held by the clip, z does not follow z0
            supervised += share * loss
            on_v += share * slope * feature
            P += share * kept * np.outer(feature, feature) if rho < 1 else 0
    gram, rhs = classifier_moments(Y, R, C, sample_weight=s)
    recon = weighted_residual(X, Y, R, C, sample_weight=s)
    recon += lambda_reg * float(np.sum(exact**2) + np.sum(s * Y.astype(np.float64) ** 2))
    on_X = np.array([_unpack(gram[u], d) @ exact[:, u] + lambda_reg * exact[:, u] - rhs[u] for u in range(m)]).T
    gradient_X = 2 * rho * on_X + (1 - rho) * np.outer(on_v[:-1], w)
    gradient_theta = (1 - rho) * np.append(exact.T @ on_v[:-1], on_v[-1])
    return recon, supervised, gradient_X, gradient_theta, gram, P, n_degenerate


def _score(z: float, label: float, logistic: bool) -> float:
    """What z gives to the truth."""
    return z if label else -z if logistic else 1 - z


def _label_loss(s: float, gamma: float, logistic: bool) -> tuple[float, float, float]:
    """The focal loss of a score, and its first two derivatives."""
    if logistic:
        p, q, entropy = float(expit(s)), float(expit(-s)), float(np.logaddexp(0, -s))
        power = float(np.exp(-gamma * np.logaddexp(0, s)))
        second = power * p * (gamma**2 * p * entropy + gamma * q * (2 - entropy) + q)
        return power * entropy, -power * (gamma * p * entropy + q), second
    p = float(np.clip(s, 1e-7, 1 - 1e-7))
    q, entropy = 1 - p, -np.log(p)
    power, slope = q**gamma, gamma * q ** (gamma - 1)
    if p != s:
        return power * entropy, 0.0, 0.0
    return (
        power * entropy,
        -slope * entropy - power / p,
        (gamma - 1) * slope / q * entropy + 2 * slope / p + power / p**2,
    )


def _label_step(z0: float, spread: float, pull: float, label: float, gamma: float, logistic: bool) -> float:
    """The z with the least (z - z0)^2 / spread + pull f(z): of the stationary ones that a fine grid brackets."""
    s0 = _score(z0, label, logistic)
    low, high = (s0, s0 + pull * spread / 2 * (1 + gamma)) if logistic else (max(s0, 1e-7), 1 - 1e-7)

    def slope(s: float) -> float:
        return 2 * (s - s0) / spread + pull * _label_loss(s, gamma, logistic)[1]

    def value(s: float) -> float:
        return (s - s0) ** 2 / spread + pull * _label_loss(s, gamma, logistic)[0]

    grid = np.linspace(low, high, 200) if high > low else np.array([])
    slopes = [slope(s) for s in grid]
    rising = [k for k in range(len(grid) - 1) if slopes[k] <= 0 < slopes[k + 1]]
    candidates = [s0, *([high] if high > low else []), *(brentq(slope, *grid[[k, k + 1]], xtol=1e-14) for k in rising)]
    return _score(min(candidates, key=value), label, logistic)


def apply_inverse_curvature(
    gram: Vector,
    curvature: Vector,
    X: Vector,
    w: Vector,
    prior: Vector,
    lambda_reg: float,
    rho: float,
    learns: bool,
    gradient_X: Vector,
    gradient_theta: Vector,
    n_threads: int = 1,
) -> tuple[Vector, Vector]:
    """H^-1 (G, g), H the model of the joint objective's Hessian (derived in joint_step.hpp).

    `curvature` (d + 1, d + 1) is `joint_sweep`'s, `prior` (m,) the curvature of what is added to L_sup.
    """
    d, m = X.shape
    P = (1 - rho) * curvature
    reach = np.vstack([np.hstack([X, np.zeros((d, 1))]), np.append(np.zeros(m), 1.0)])  # (dv, db) of (dw, db)
    free = 1e-5 * (reach.T @ P @ reach).diagonal().max()
    H = np.zeros((d * m + m + 1,) * 2)
    for u in range(m):
        H[u * d : (u + 1) * d, u * d : (u + 1) * d] = 2 * rho * (_unpack(gram[u], d) + lambda_reg * np.eye(d))
    H[d * m :, d * m :] = np.diag(np.append((1 - rho) * prior, 0.0) + free)
    B = np.hstack([np.vstack([w[u] * np.eye(d), np.zeros(d)]) for u in range(m)] + [reach])
    right = np.append(gradient_X.T, gradient_theta)
    if not learns:
        H, B, right = H[: d * m, : d * m], B[:, : d * m], right[: d * m]
    solution = np.append(np.linalg.solve(H + B.T @ P @ B, right), np.zeros(0 if learns else m + 1))
    return solution[: d * m].reshape(m, d).T, solution[d * m :]


def weighted_residual(
    X: Float, Y: Float, R: Float, C: Confidence | None, n_threads: int = 1, sample_weight: Vector | None = None
) -> float:
    """sum_ui s_i c_ui (r_ui - x_u . y_i)^2."""
    r, c = _observed(R, C)
    return float(np.sum(_sample_weights(sample_weight, R.shape[1]) * c * (r - X.T @ Y) ** 2, dtype=np.float64))


def _sample_weights(sample_weight: Vector | None, n: int) -> Vector:
    """How often each instance counts: s."""
    return np.ones(n) if sample_weight is None else sample_weight


def factor_moments(
    X: Vector, mean: Vector, noise: Vector, R: Float, n_threads: int = 1, sample_weight: Vector | None = None
) -> tuple[Vector, Vector, float]:
    """Expected moments of (y, 1) per classifier and over all instances, packed; with r - mean; the log-likelihood."""
    d, m = X.shape
    lower = np.tril_indices(d + 1)
    gram, rhs, log_likelihood = np.zeros((m + 1, len(lower[0]))), np.zeros((m, d + 1)), 0.0
    for r, s in zip(R.T.astype(np.float64), _sample_weights(sample_weight, R.shape[1]), strict=True):
        u = np.flatnonzero(~np.isnan(r) & (noise > 0))
        error, factors = r[u] - mean[u], X[:, u]
        V = np.linalg.inv(np.eye(d) + factors / noise[u] @ factors.T)
        y = V @ (factors / noise[u] @ error)
        covariance = factors.T @ factors + np.diag(noise[u])  # of the predictions
        log_det = np.linalg.slogdet(2 * np.pi * covariance)[1]
        log_likelihood -= 0.5 * s * (log_det + error @ np.linalg.solve(covariance, error))
        second = np.outer(np.append(y, 1), np.append(y, 1))
        second[:d, :d] += V
        gram[np.append(u, m)] += s * second[lower]
        rhs[u] += s * np.outer(error, np.append(y, 1))
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


class Mixture:
    """The combiner's prediction: completes, reads and mixes; defined in mixture.hpp."""

    def __init__(
        self,
        X: Vector,
        mean: Vector,
        noise: Vector,
        curves: Sequence[tuple[Vector, Vector]],
        aggregators: Sequence[tuple[Vector, Vector]],
        clip: float,
        base_rate: float,
    ) -> None:
        """Take the factor model; knots and values, weights (k, m + 1) and shares (k,) of the three readings."""
        self.X, self.mean, self.noise, self.curves = X, mean, noise, curves
        self.aggregators, self.clip, self.base_rate = aggregators, clip, base_rate

    def predict(self, R: Float, n_threads: int = 1) -> Vector:
        """Probabilities (n,) of the columns of R (m, n), NaN where missing."""
        return np.array([self._predict_one(r) for r in R.T.astype(np.float64)])

    def _predict_one(self, r: Vector) -> float:
        if np.isnan(r).all():
            return self.base_rate
        u = np.flatnonzero(~np.isnan(r) & (self.noise > 0))
        precise = self.X[:, u] / self.noise[u]
        y = np.linalg.solve(np.eye(len(self.X)) + precise @ self.X[:, u].T, precise @ (r[u] - self.mean[u]))
        reconstructed = np.clip(y @ self.X + self.mean, 0, 1)
        completed = np.where(np.isnan(r), reconstructed, r)
        consensus = np.array([np.interp(value, *curve) for value, curve in zip(completed, self.curves, strict=True)])
        p = 0.0
        for reading, (theta, share) in zip((completed, consensus, reconstructed), self.aggregators, strict=True):
            f = logit(np.clip(reading, self.clip, 1 - self.clip))
            p += float(share @ expit(theta[:, :-1] @ f + theta[:, -1]))
        return min(max(p, 0.0), 1.0)


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
