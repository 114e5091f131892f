"""How far each classifier can be trusted, from their agreement alone.

If all classifiers see one latent quantity through independent noise, r_u = mu_u + a_u s + e_u, the correlation l_u of a
classifier with s tells how little noise it adds, and the weighted sum that predicts s best has weights proportional to
l_u / (1 - l_u^2) in units of the classifiers' spread (Thomson 1938, "Methods of estimating mental factors"; here they
are applied to the probabilities as they are, for sharpness carries information: dividing by the spread ranked worse).
"""

import numpy as np

from cfensemble._typing import Float, Vector

N_ROUNDS = 3
MOST = 0.999
"""Correlations are taken as at most this: a copy of the others would otherwise get all the weight."""


def consensus_of_others(R: Float, weights: Vector, u: int) -> Vector:
    """Weighted mean (n,) of what the classifiers but u predict, NaN where none of them does; plain if they weigh 0."""
    others = np.where(np.arange(len(R)) == u, 0.0, weights)
    if not others.any():
        others = (np.arange(len(R)) != u).astype(np.float64)
    observed = ~np.isnan(R)
    total = others @ observed
    with np.errstate(invalid="ignore"):
        return np.asarray(others @ np.where(observed, R, 0.0) / total)


def reliability(R: Float) -> Vector:
    """Correlation, in [0, .999], of each classifier with the weighted mean of the others.

    Starts from equal weights and repeats with weights l / (1 - l^2) until they have been renewed `N_ROUNDS` times. A
    maximum-likelihood factor analysis follows near copies among the classifiers and ranked worse on real data.

    Parameters
    ----------
    R : ndarray of shape (m, n)
        Predictions, NaN where missing.

    Returns
    -------
    ndarray of shape (m,)
        0 for classifiers that do not vary, or that the others contradict.
    """
    m = len(R)
    observed = ~np.isnan(R)
    count = np.maximum(observed.sum(axis=1), 1)
    filled = np.where(observed, R, 0.0)
    deviation = np.where(observed, R - (filled.sum(axis=1) / count)[:, None], 0.0)
    weights, correlation = np.ones(m), np.zeros(m)
    for _ in range(N_ROUNDS):
        total, weight = weights @ deviation, weights @ observed
        correlation = np.array(
            [
                _correlation(deviation[u], total - weights[u] * deviation[u], weight - weights[u] * observed[u], seen)
                for u, seen in enumerate(observed)
            ]
        )
        weights = correlation / (1 - correlation**2)
        if not weights.any():
            break
    return correlation


def reliability_weights(R: Float) -> Vector:
    """Weights (m,) >= 0 that add up to 1, proportional to l / (1 - l^2) of `reliability`.

    With fewer than three classifiers, or where none agrees with the others, they are equal: two classifiers agree with
    each other alike.
    """
    m = len(R)
    correlation = reliability(R) if m >= 3 else np.zeros(m)
    weights = correlation / (1 - correlation**2)
    total = weights.sum()
    return weights / total if total > 0 else np.full(m, 1 / m)


def _correlation(own: Vector, total: Vector, weight: Vector, seen: np.ndarray) -> float:
    """Correlation of own with total / weight where both are known, clipped to [0, MOST]."""
    both = seen & (weight > 1e-9 * max(weight.max(), 1e-300))
    if np.count_nonzero(both) < 2:
        return 0.0
    x, y = own[both], total[both] / weight[both]
    x, y = x - x.mean(), y - y.mean()
    size = float(np.sqrt((x @ x) * (y @ y)))
    return float(np.clip(x @ y / size, 0.0, MOST)) if size > 1e-12 * len(x) else 0.0
