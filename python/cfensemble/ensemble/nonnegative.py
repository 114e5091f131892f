"""The constraint w >= 0 on the aggregator's parameters theta = (w, b); the biases, mostly one, are free.

Newton's and quasi-Newton's steps keep to it by Bertsekas's two-metric projection (1982, "Projected Newton methods for
optimization problems with simple constraints"): they are taken in the free parameters alone and then projected.
"""

import numpy as np

from cfensemble._typing import Indices, Vector


def project(theta: Vector, nonnegative: bool, n_biases: int = 1) -> Vector:
    """Return theta (m + n_biases,) with negative weights raised to 0, or theta itself where they are allowed."""
    return np.append(np.maximum(theta[:-n_biases], 0), theta[-n_biases:]) if nonnegative else theta


def free_parameters(theta: Vector, gradient: Vector, nonnegative: bool, n_biases: int = 1) -> Indices:
    """Indices of what may move: all but weights at 0 that the gradient, theta's shape, pushes below it."""
    held = np.zeros(len(theta), np.bool_)
    if nonnegative:
        held[:-n_biases] = (theta[:-n_biases] <= 0) & (gradient[:-n_biases] > 0)
    return np.flatnonzero(~held)
