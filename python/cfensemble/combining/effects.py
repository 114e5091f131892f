"""How much each classifier counts in a mixture: its average marginal effect on the combined log-odds, standardised.

A mixture's parameters do not tell. Its views have scales of their own, a classifier of the second or third view speaks
through what others say, and where readings are collinear the parameters are arbitrary while their sum is not. What they
do together is not: let g(l_u) be the combined log-odds of an instance as a function of classifier u's log-odds, all
other predictions, the missing ones too, as they are. The effect of u is the standard deviation sd_u of its log-odds
times the mean over instances of

    [g(l_u + h) - g(l_u - h)] / 2 h,    h = STEP.

With one aggregator w . f + b of complete predictions' own log-odds it is w_u sd_u. Of K > 2 classes, l_u are the
log-odds of one class against the rest, whose proportions are kept, and so are the combined ones; the effect is the mean
over classes. It is per standard deviation, and not per unit of log-odds, because of two classifiers that rank alike the
one that is less sure of itself would otherwise seem to count more.

The step is not infinitesimal, because the consensus view is piecewise constant in places. Readings are flat beyond
CLIP; what is nearer to it than the step reaches is moved inside first, so that both ends are within. A classifier that
says nothing has no effect.
"""

from collections.abc import Callable

import numpy as np

from cfensemble._typing import Indices, Vector
from cfensemble.data.log_odds import CLIP, log_odds

STEP = 0.5
INSIDE = 2 * CLIP
"""Probabilities are moved to at least this; a step of -.5 from there leads to 1.2 CLIP."""
CERTAIN = 1e-12
"""Combined probabilities are taken for at least this far from 0 and 1, where float64 still tells them apart."""
BUDGET = 500_000
"""Instances per classifier times (m K)^2 K (K = 1 of two classes), so that the time hardly depends on m and K."""
MOST, LEAST = 1000, 8
"""Instances that an effect is averaged over."""


def marginal_effects(P: Vector, predict: Callable[[Vector], Vector], sample_weight: Vector | None = None) -> Vector:
    """Average marginal effects of the classifiers.

    Parameters
    ----------
    P : ndarray of shape (m, n) or (m, K, n)
        Probabilities, NaN where missing. For each classifier instances that it predicted, evenly spaced, are looked at:
        all or 1000 of up to 20 classifiers, fewer of more, not less than 8.
    predict : callable
        Predictions like P for k instances -> the mixture's probabilities (k,) or (K, k).
    sample_weight : ndarray of shape (n,), optional
        How often each instance counts; default once.

    Returns
    -------
    ndarray of shape (m,)
        The change of the combined log-odds when the classifier's change by their standard deviation.
    """
    n_rows, n_classes = int(np.prod(P.shape[:-1])), int(np.prod(P.shape[1:-1]))
    most = int(np.clip(BUDGET // (n_rows**2 * n_classes), LEAST, MOST))
    effects = np.zeros(len(P))
    for u, own in enumerate(P):
        stated = ~np.isnan(own if own.ndim == 1 else own[0])
        if sample_weight is not None:
            stated &= sample_weight > 0
        columns = np.flatnonzero(stated)
        if len(columns):
            spread = _spread(log_odds(own[..., columns]), None if sample_weight is None else sample_weight[columns])
            columns = columns[np.linspace(0, len(columns) - 1, min(len(columns), most)).astype(np.int64)]
            slopes = _slopes(P, u, columns, predict)
            weights = None if sample_weight is None else sample_weight[columns]
            effects[u] = spread * np.average(slopes, weights=weights)
    return effects


def _spread(values: Vector, weights: Vector | None) -> float:
    """Standard deviation of values (k,), or the mean of those of values (K, k)."""
    mean = np.average(values, axis=-1, weights=weights)[..., None]
    return float(np.mean(np.sqrt(np.average((values - mean) ** 2, axis=-1, weights=weights))))


def _slopes(P: Vector, u: int, columns: Indices, predict: Callable[[Vector], Vector]) -> Vector:
    """Slopes of the combined log-odds of these instances in those of classifier u, (k,)."""
    block = P[..., columns]
    own = block[u]
    if own.ndim == 1:
        ends = [_shift(own, step) for step in (-STEP, STEP)]
        return _slope(predict(_with(block, u, ends)))
    own = np.maximum(own, INSIDE)
    own /= own.sum(axis=0)
    ends = []
    for k, p in enumerate(own):
        for step in (-STEP, STEP):
            shifted = _shift(p, step)
            end = own * ((1 - shifted) / (1 - p))
            end[k] = shifted
            ends.append(end)
    combined = predict(_with(block, u, ends)).reshape(len(own), len(own), -1)
    return np.mean([_slope(combined[k, k]) for k in range(len(own))], axis=0)


def _shift(p: Vector, step: float) -> Vector:
    """The probabilities after a step of their log-odds."""
    p = np.clip(p, INSIDE, 1 - INSIDE)
    return p / (p + (1 - p) * np.exp(-step))


def _with(block: Vector, u: int, replacements: list[Vector]) -> Vector:
    """The block with each of the replacements for classifier u, side by side."""
    copies = np.concatenate([block] * len(replacements), axis=-1)
    copies[u] = np.concatenate(replacements, axis=-1)
    return copies


def _slope(p: Vector) -> Vector:
    """Slopes (k,) given the combined probabilities (2 k,) of the lower ends, then of the upper ones."""
    p = np.clip(p, CERTAIN, 1 - CERTAIN)
    low, high = np.split(np.log(p / (1 - p)), 2)
    return (high - low) / (2 * STEP)
