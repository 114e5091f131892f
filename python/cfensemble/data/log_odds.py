"""Probabilities as log-odds."""

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
