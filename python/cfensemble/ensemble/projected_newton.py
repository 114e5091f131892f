"""Newton's method for a smooth convex objective, some of whose parameters may have to be >= 0."""

from collections.abc import Callable, Iterator
from typing import TypeAlias

import numpy as np

from cfensemble._typing import Vector
from cfensemble.ensemble.nonnegative import free_parameters, project

MAX_STEPS = 100
MAX_HALVINGS = 40
FEW_HALVINGS = 6
TOLERANCE = 1e-9
SUFFICIENT = 1e-4

Derivatives: TypeAlias = tuple[float, Vector, Vector]
"""Value, gradient (p,) and Hessian (p, p) of an objective."""


def minimise(
    derivatives: Callable[[Vector], Derivatives],
    start: Vector,
    nonnegative: bool,
    n_biases: int = 1,
    sure_step: Callable[[Vector, Vector], Vector] | None = None,
) -> tuple[Vector, Vector, Vector]:
    """Go down from `start` by projected Newton steps (Bertsekas 1982): quadratic convergence on the active set.

    Parameters
    ----------
    derivatives : callable
        theta (p,) -> value, gradient and Hessian.
    start : ndarray of shape (p,)
        Where to begin.
    nonnegative : bool
        Whether all parameters but the biases are >= 0.
    n_biases : int, default=1
        How many of the last parameters are biases.
    sure_step : callable, optional
        (theta, gradient) -> a theta that is certainly lower, for when a Newton step was halved a few times and is
        still no good. Without it, it is halved on.

    Returns
    -------
    theta, gradient, hessian
        The optimum and what holds there.
    """

    def candidates(theta: Vector, gradient: Vector, step: Vector) -> Iterator[Vector]:
        for halvings in range(MAX_HALVINGS if sure_step is None else FEW_HALVINGS):
            yield project(theta + step / 2**halvings, nonnegative, n_biases)
        if sure_step is not None:
            yield sure_step(theta, gradient)

    theta = start.copy()
    value, gradient, hessian = derivatives(theta)
    for _ in range(MAX_STEPS):
        free = free_parameters(theta, gradient, nonnegative, n_biases)
        step = np.zeros_like(theta)
        step[free] = -np.linalg.solve(regular(hessian[np.ix_(free, free)]), gradient[free])
        if -float(gradient @ step) <= TOLERANCE * (1 + abs(value)):  # twice the decrease to be had
            break
        for candidate in candidates(theta, gradient, step):
            new_value, new_gradient, new_hessian = derivatives(candidate)
            if new_value <= value + SUFFICIENT * float(gradient @ (candidate - theta)):
                break
        else:
            break  # rounding: nothing lower is to be found
        theta, value, gradient, hessian = candidate, new_value, new_gradient, new_hessian
    return theta, gradient, hessian


def regular(hessian: Vector) -> Vector:
    """The matrix, with a ridge that keeps it positive definite where a saturated loss or a strength of 0 does not."""
    return hessian + 1e-12 * max(float(np.trace(hessian)), 1e-300) * np.eye(len(hessian))
