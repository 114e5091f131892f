"""Probabilities as log-odds, of two classes or more."""

import numpy as np

from cfensemble._blocks import column_blocks
from cfensemble._typing import Float, Vector

CLIP = 1e-3
"""Probabilities are clipped to [CLIP, 1 - CLIP] before they become log-odds: one certain classifier is no proof."""


def log_odds(R: Float) -> Vector:
    """log(r / (1 - r)) of clipped probabilities, in float64; NaN stays NaN."""
    clipped = np.clip(np.asarray(R, np.float64), CLIP, 1 - CLIP)
    return np.log(clipped / (1 - clipped))


def log_odds_matrix(R: Float) -> Float:
    """The same of a large matrix (m, n), in R's precision and without temporaries of its size."""
    Z = np.empty(R.shape, R.dtype)
    for columns in column_blocks(R.shape):
        Z[:, columns] = log_odds(R[:, columns])
    return Z


def class_log_odds(P: Float) -> Vector:
    """Each class's log-odds against the geometric mean of all, for probabilities (..., K, n): clipped logs, centred.

    They add up to 0, and their softmax gives the clipped probabilities back. Of two classes with log-odds f of the
    second they are (-f / 2, f / 2).
    """
    logs = np.log(np.maximum(np.asarray(P, np.float64), CLIP))
    return logs - logs.mean(axis=-2, keepdims=True)
