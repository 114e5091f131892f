"""The steps that are measured, as NumPy users write them: a loop with one small solve in each turn.

The twins in `cfensemble._reference` look after singular systems and missing predictions, which takes most of their
time. This side leaves that out.
"""

import numpy as np
from contender import Contender
from problem import LAMBDA, Problem
from scipy.special import expit

from cfensemble._typing import Float, Indices, Vector


class NumpyLoop(Contender):
    """X a classifier at a time, Y an instance at a time; each solve as the textbook writes it."""

    name = "NumPy loop"

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem)
        self.X, self.Y = problem.X, problem.Y

    def iterate(self) -> None:
        R, C = self.problem.R, self.problem.C
        self.X = self.ridge_steps(self.problem.Y, R.T, C.T)
        self.Y = self.ridge_steps(self.X, R, C)

    def factors(self) -> tuple[Float, Float]:
        return self.X, self.Y

    def ridge_steps(self, factors: Float, R: Float, C: Float) -> Float:
        """For every column k: the s that minimises sum_j C[j, k] (R[j, k] - factors[:, j] . s)^2 + lambda |s|^2."""
        ridge = LAMBDA * np.eye(len(factors))
        solutions = np.empty((R.shape[1], len(factors)))
        for k, (r, c) in enumerate(zip(R.T, C.T, strict=True)):
            weighted = factors * c
            solutions[k] = np.linalg.solve(weighted @ factors.T + ridge, weighted @ r)
        return solutions.T


class TunedNumpyLoop(NumpyLoop):
    """The same loop, as careful as a loop can be.

    All right-hand sides are one product; a matrix times its own transpose, which NumPy computes with half the work,
    makes each normal matrix; and weights are read in memory's order.
    """

    name = "NumPy loop, tuned"

    def ridge_steps(self, factors: Float, R: Float, C: Float) -> Float:
        """The same, faster."""
        ridge = LAMBDA * np.eye(len(factors))
        targets = (C * R).T @ factors.T
        solutions = np.empty_like(targets)
        for k, root in enumerate(np.sqrt(C.T, order="C")):
            design = factors * root
            solutions[k] = np.linalg.solve(design @ design.T + ridge, targets[k])
        return solutions.T


def aggregator_gradient(
    X: Float, Y: Float, w: Vector, b: float, columns: Indices, labels: Vector, weights: Vector
) -> Vector:
    """Gradient of the weighted mean cross-entropy in (w, b), a labelled instance at a time."""
    v = X @ w  # w . R_hat[:, i] = v . y_i: one product of length d, not one with each classifier
    slope_sum, slope_y_sum = 0.0, np.zeros(len(Y))
    for y, label, weight in zip(Y.T[columns], labels, weights / weights.sum(), strict=True):
        slope = weight * (1 / (1 + np.exp(-(v @ y + b))) - label)
        slope_sum += slope
        slope_y_sum += slope * y
    return np.append(X.T @ slope_y_sum, slope_sum)


def aggregator_gradient_vectorised(
    X: Float, Y: Float, w: Vector, b: float, columns: Indices, labels: Vector, weights: Vector
) -> Vector:
    """Return the same without a loop, which is how most would write this one."""
    r_hat = X.T @ Y[:, columns]
    slope = weights / weights.sum() * (expit(w @ r_hat + b) - labels)
    return np.append(r_hat @ slope, slope.sum())
