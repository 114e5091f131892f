"""Limited-memory BFGS, with a model of the curvature given from outside."""

from collections.abc import Callable

import numpy as np
from scipy.linalg.lapack import dtrtrs

from cfensemble._typing import Vector


class Memory:
    """The last steps and the changes of the gradient along them.

    Parameters
    ----------
    size : int, default=10
        How many are remembered.

    References
    ----------
    Nocedal and Wright, Numerical Optimization, 2006, section 7.2. The two loops over the pairs are written as two
    triangular systems in the matrix of the products s_i . y_j.
    """

    _least_cosine = 1e-10  # between a step and the change of the gradient: below, there is no curvature to be learned

    def __init__(self, size: int = 10) -> None:
        self.size = size
        self.clear()

    def clear(self) -> None:
        """Forget everything."""
        self._steps: list[Vector] = []
        self._changes: list[Vector] = []

    def __len__(self) -> int:
        return len(self._steps)

    def add(self, step: Vector, change: Vector) -> None:
        """Remember a step (N,) and the gradient's change (N,) along it, unless the function curves downwards there."""
        if step @ change > self._least_cosine * np.sqrt((step @ step) * (change @ change)):
            self._steps = [*self._steps, step][-self.size :]
            self._changes = [*self._changes, change][-self.size :]

    def direction(self, gradient: Vector, solve: Callable[[Vector], Vector]) -> Vector:
        """Return -H^-1 gradient (N,), H being the model `solve` inverts as corrected by what is remembered."""
        if not self._steps:
            return -solve(gradient)
        steps, changes = np.array(self._steps), np.array(self._changes)
        products = np.triu(steps @ changes.T)
        along = dtrtrs(products, steps @ gradient)[0]
        newton = solve(gradient - along @ changes)
        along = products.diagonal() * along - changes @ newton
        return -(newton + dtrtrs(products, along, trans=1)[0] @ steps)
