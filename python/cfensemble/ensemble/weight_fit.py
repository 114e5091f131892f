"""Weights that are best in the light of a prior: a penalised logistic regression, solved to its optimum."""

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from cfensemble import _core
from cfensemble._typing import Vector
from cfensemble.ensemble.nonnegative import free_parameters
from cfensemble.ensemble.prior import WeightPrior
from cfensemble.ensemble.projected_newton import minimise, regular

MANY = 50
"""From so many classifiers on, products of whole matrices are faster than the kernel."""
LEAST_LEFT = 1e-3
"""Of an instance's say, leaving it out leaves at least this much."""


@dataclass(frozen=True)
class WeightFit:
    """Where the objective is least.

    Attributes
    ----------
    theta : ndarray of shape (m + 1,)
        Weights and bias.
    left_out : ndarray of shape (n_labeled,)
        Each labelled instance's log-odds when it is left out itself (of those it stands for: one), to first order.
    """

    theta: Vector
    left_out: Vector

    def left_out_log_likelihood(self, y: Vector) -> Vector:
        """Of the labels y (n_labeled,), each predicted without itself: log p(t_i), (n_labeled,)."""
        return -np.logaddexp(0, np.where(y == 1, -1, 1) * self.left_out)


class WeightProblem:
    """min_{w, b} sum_i s_i CE(t_i, w . f_i + b) + prior(w, b), over w >= 0 if asked for.

    Parameters
    ----------
    features : ndarray of shape (m, n_labeled)
        What the labelled instances are judged by.
    y : ndarray of shape (n_labeled,)
        Their labels, 1 or 0.
    n_threads : int
        Threads to use.
    counts : ndarray of shape (n_labeled,), optional
        How often each of them counts, s_i > 0; default once.
    """

    def __init__(self, features: Vector, y: Vector, n_threads: int = 1, counts: Vector | None = None) -> None:
        self.features, self.y, self.n_threads = np.ascontiguousarray(features, np.float64), y, n_threads
        self._identity = np.eye(
            len(features) if len(features) < MANY else 0
        )  # the kernel's factors: its reconstruction is then the features
        self._columns = np.arange(len(y))
        self._counts = np.ones(len(y)) if counts is None else counts

    def derivatives(self, theta: Vector, prior: WeightPrior) -> tuple[float, Vector, Vector]:
        """Value, gradient (m + 1,) and Hessian (m + 1, m + 1) of the objective at theta."""
        value, gradient, curvature = prior.derivatives(theta)
        if len(self.y) == 0:
            return value, gradient, curvature
        loss, slope, hessian = (self._sums if len(self.features) < MANY else self._products)(theta)
        return value + loss, gradient + slope, curvature + hessian

    def solve(self, prior: WeightPrior, nonnegative: bool, start: Vector | None = None) -> WeightFit:
        """Return the optimum.

        The objective is convex; with a prior of positive precisions strictly so, and the optimum is unique.
        """
        begin = np.append(prior.center, 0.0) if start is None else start
        theta, gradient, hessian = minimise(lambda theta: self.derivatives(theta, prior), begin, nonnegative)
        return WeightFit(theta, self._left_out(theta, gradient, hessian, nonnegative))

    def _sums(self, theta: Vector) -> tuple[float, Vector, Vector]:
        """Value, gradient and Hessian of the losses alone, by the kernel."""
        loss, slope, hessian = _core.aggregator_loss(
            self._identity,
            self.features,
            theta[:-1],
            float(theta[-1]),
            self._columns,
            self.y,
            self._counts,
            0.0,
            True,
            self.n_threads,
        )
        assert hessian is not None
        n = float(self._counts.sum())
        return n * loss, n * slope, n * hessian

    def _products(self, theta: Vector) -> tuple[float, Vector, Vector]:
        """Return the same, by products of matrices."""
        w, b = theta[:-1], theta[-1]
        z = w @ self.features + b
        p, q = expit(z), expit(-z)
        slope = self._counts * np.where(self.y == 1, -q, p)
        root = np.sqrt(self._counts * p * q)
        scaled = self.features * root
        hessian = np.empty((len(theta), len(theta)))
        hessian[:-1, :-1] = scaled @ scaled.T
        hessian[:-1, -1] = hessian[-1, :-1] = scaled @ root
        hessian[-1, -1] = root @ root
        loss = float(self._counts @ np.logaddexp(0, np.where(self.y == 1, -z, z)))
        return loss, np.append(self.features @ slope, slope.sum()), hessian

    def _left_out(self, theta: Vector, gradient: Vector, hessian: Vector, nonnegative: bool) -> Vector:
        """Log-odds of each instance after one Newton step that takes its own term out of the objective.

        The step changes z_i by g_i h_i / (1 - c_i h_i) with g, c the first and second derivative of its loss and h_i =
        f_i' H^-1 f_i on the free parameters (Rad and Maleki 2020, "A scalable estimate of the out-of-sample
        prediction error via approximate leave-one-out cross-validation"). Of an instance that counts s_i > 1 times one
        is left out, as if it had been given so often: g_i and c_i are those of min(s_i, 1) times its loss.
        """
        if len(self.y) == 0:
            return np.zeros(0)
        free = free_parameters(theta, gradient, nonnegative)
        design = np.vstack([self.features, np.ones(len(self.y))])
        z = theta @ design
        chosen = design[free]
        leverage = np.einsum("ji,ji->i", chosen, np.linalg.solve(regular(hessian[np.ix_(free, free)]), chosen))
        p = 1 / (1 + np.exp(-np.clip(z, -500, 500)))
        leverage *= np.minimum(self._counts, 1)
        return z + (p - self.y) * leverage / np.maximum(1 - p * (1 - p) * leverage, LEAST_LEFT)
