"""An ALS iteration by this package."""

from types import ModuleType

import numpy as np
from contender import Contender
from native import levels
from numpy.typing import DTypeLike
from peak import peak_name
from problem import LAMBDA, N_THREADS, Problem

from cfensemble._typing import Float


class CFEnsemble(Contender):
    """X from the sums that the last iteration left; then in one pass Y, the residual and the next X's sums.

    So it does a little more than is asked of the others.
    """

    def __init__(self, problem: Problem, level: str, dtype: DTypeLike = np.float64, n_threads: int = N_THREADS) -> None:
        super().__init__(problem)
        self.dtype, self.n_threads = np.dtype(dtype), n_threads
        self.peak = peak_name(level, str(self.dtype), n_threads)
        self.name = name_of(level, str(self.dtype), n_threads)
        if self.dtype == np.float32:
            self.tolerance = 1e-3  # rounding times the condition of the systems
        self.module: ModuleType = levels()[level]
        self.R, self.C = (np.ascontiguousarray(values, self.dtype) for values in (problem.R, problem.C))
        self.X: Float = np.empty(0)
        self.Y = problem.Y.astype(self.dtype)
        self.gram, self.rhs = self.module.classifier_moments(self.Y, self.R, self.C, n_threads)

    def iterate(self) -> None:
        X, _ = self.module.classifier_step(self.gram, self.rhs, LAMBDA, False, self.n_threads)
        self.X = X.astype(self.dtype, copy=False)
        self.module.sweep(self.X, self.R, self.C, LAMBDA, self.Y, None, self.n_threads)

    def factors(self) -> tuple[Float, Float]:
        return self.X, self.Y


def name_of(level: str, dtype: str, n_threads: int) -> str:
    return f"cfensemble {peak_name(level, dtype, n_threads)}"


HEADLINE = f"cfensemble {Contender.peak}"
"""The best level in float64 with all threads: what others are compared with."""
