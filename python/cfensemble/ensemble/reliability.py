"""How far each classifier can be trusted, from their agreement alone.

If all classifiers see one latent quantity through independent noise, r_u = mu_u + a_u s + e_u, the correlation l_u of a
classifier with s tells how little noise it adds, and the weighted sum that predicts s best has weights proportional to
l_u / (1 - l_u^2) in units of the classifiers' spread (Thomson 1938, "Methods of estimating mental factors"; here they
are applied to the probabilities as they are, for sharpness carries information: dividing by the spread ranked worse).
"""

from collections.abc import Iterator

import numpy as np

from cfensemble._typing import Float, Vector

N_ROUNDS = 3
MOST = 0.999
"""Correlations are taken as at most this: a copy of the others would otherwise get all the weight."""
LEAST = 1e-9
"""A share of the weight below this is what rounding leaves of none."""


def consensus_of_others(R: Float, weights: Vector) -> Iterator[Vector]:
    """Yield for each classifier the weighted mean (n,) of what the others predict, NaN where none of them does.

    Where the others have no weight to speak of, they count alike.
    """
    observed = ~np.isnan(R)
    filled = np.where(observed, R, 0.0)
    given, equal = ((w, w @ filled, w @ observed) for w in (weights, np.ones(len(R))))
    for u, seen in enumerate(observed):
        w, total, weight = given if weights.sum() - weights[u] > LEAST * weights.sum() else equal
        rest = weight - w[u] * seen
        with np.errstate(invalid="ignore", divide="ignore"):
            yield np.where(rest > LEAST * w.sum(), (total - w[u] * filled[u]) / rest, np.nan)


def reliability(R: Float, sample_weight: Vector | None = None) -> Vector:
    """Correlation, in [0, .999], of each classifier with the weighted mean of the others.

    Starts from equal weights and repeats with weights l / (1 - l^2) until they have been renewed `N_ROUNDS` times. A
    maximum-likelihood factor analysis follows near copies among the classifiers and ranked worse on real data.

    Parameters
    ----------
    R : ndarray of shape (m, n)
        Predictions, NaN where missing.
    sample_weight : ndarray of shape (n,), optional
        How often each instance counts; default once.

    Returns
    -------
    ndarray of shape (m,)
        0 for classifiers that do not vary, or that the others contradict.
    """
    counts = np.ones(R.shape[1]) if sample_weight is None else sample_weight
    centred = R - np.array([_mean(r, np.where(np.isnan(r), 0, counts)) for r in R])[:, None]
    weights, correlation = np.ones(len(R)), np.zeros(len(R))
    for _ in range(N_ROUNDS):
        consensus = consensus_of_others(centred, weights)
        correlation = np.array(
            [_correlation(own, others, counts) for own, others in zip(centred, consensus, strict=True)]
        )
        weights = correlation / (1 - correlation**2)
        if not weights.any():
            break
    return correlation


def reliability_weights(R: Float, sample_weight: Vector | None = None) -> Vector:
    """Weights (m,) >= 0 that add up to 1, proportional to l / (1 - l^2) of `reliability`.

    With fewer than three classifiers, or where none agrees with the others, they are equal: two classifiers agree with
    each other alike. Parameters as in `reliability`.
    """
    m = len(R)
    correlation = reliability(R, sample_weight) if m >= 3 else np.zeros(m)
    weights = correlation / (1 - correlation**2)
    total = weights.sum()
    return weights / total if total > 0 else np.full(m, 1 / m)


def _mean(values: Float, counts: Vector) -> float:
    """Mean of the values, as often as they count; 0 where none does."""
    total = counts.sum()
    return float(np.where(counts > 0, values * counts, 0).sum() / total) if total > 0 else 0.0


def _correlation(own: Float, others: Vector, counts: Vector) -> float:
    """Correlation where both are known, clipped to [0, MOST]; 0 where there is none."""
    both = ~(np.isnan(own) | np.isnan(others)) & (counts > 0)
    if np.count_nonzero(both) < 2:
        return 0.0
    s = counts[both]
    x, y = own[both] - _mean(own[both], s), others[both] - _mean(others[both], s)
    size = float(np.sqrt((s * x) @ x) * np.sqrt((s * y) @ y))
    return float(np.clip((s * x) @ y / size, 0.0, MOST)) if size > 1e-12 * s.sum() else 0.0
