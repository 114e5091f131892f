"""The constraint w >= 0 on the aggregator's parameters theta = (w, b); the bias is free.

Newton's and quasi-Newton's steps keep to it by Bertsekas's two-metric projection (1982, "Projected Newton methods for
optimization problems with simple constraints"): they are taken in the free parameters alone and then projected.
"""

import numpy as np

from cfensemble._typing import Indices, Vector


def project(theta: Vector, nonnegative: bool) -> Vector:
    """Return theta (m + 1,) with negative weights raised to 0, or theta itself where they are allowed."""
    return np.append(np.maximum(theta[:-1], 0), theta[-1]) if nonnegative else theta


def free_parameters(theta: Vector, gradient: Vector, nonnegative: bool) -> Indices:
    """Indices of what may move: all but weights at 0 that the gradient (m + 1,) pushes below it."""
    held = np.zeros(len(theta), np.bool_)
    if nonnegative:
        held[:-1] = (theta[:-1] <= 0) & (gradient[:-1] > 0)
    return np.flatnonzero(~held)
