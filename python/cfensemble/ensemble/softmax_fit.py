"""Weights that are best in the light of a prior where there are several classes: a penalised softmax regression.

With f_i (m, K) the features of instance i, centred over the classes, z_i = f_i' w + b and p_i = softmax(z_i), the loss
-log p_i(t_i) has, with respect to z_i, the gradient g_i = p_i - t_i (t_i one-hot) and the Hessian

    W_i = diag(p_i) - p_i p_i'  <=  B = (I - 1 1' / K) / 2                                          (Boehning 1992)

whatever p_i is. As z_i is linear in theta = (w, b), z_i = A_i theta with A_i = (f_i', I), the objective has the
gradient sum_i A_i' g_i and the Hessian sum_i A_i' W_i A_i, and a step that decreases its quadratic majoriser, with B in
the place of W_i, decreases the objective itself. Newton's step, with W_i, is far better near the optimum and may be no
good elsewhere: there, the majoriser's is taken.

Leaving instance i out, by one Newton step from the optimum, changes theta by (H - A_i' W_i A_i)^-1 A_i' g_i. With the
leverage L_i = A_i H^-1 A_i' (K, K) and the identity of Woodbury, z_i changes by

    A_i (H - A_i' W_i A_i)^-1 A_i' g_i = (I - L_i W_i)^-1 L_i g_i.

For two classes, f_i = (-f / 2, f / 2) and biases (-b / 2, b / 2), all this is what `WeightProblem` does with f and b.

D. Boehning, Multinomial logistic regression algorithm, Annals of the Institute of Statistical Mathematics 44 (1992).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import log_softmax, softmax

from cfensemble._typing import Indices, Vector
from cfensemble.ensemble.nonnegative import free_parameters
from cfensemble.ensemble.prior import WeightPrior
from cfensemble.ensemble.projected_newton import Derivatives, minimise, regular
from cfensemble.ensemble.weight_fit import LEAST_LEFT

N_SWEEPS = 10
"""Rounds of coordinate descent on the majoriser."""


@dataclass(frozen=True)
class SoftmaxFit:
    """Where the objective is least.

    Attributes
    ----------
    theta : ndarray of shape (m + K,)
        Weights and biases.
    left_out : ndarray of shape (K, n_labeled)
        What each labelled instance's softmax is taken of when it is left out itself, to first order.
    """

    theta: Vector
    left_out: Vector

    def left_out_log_likelihood(self, y: Indices) -> Vector:
        """Of the classes y (n_labeled,), each predicted without itself: log p(t_i), (n_labeled,)."""
        return np.asarray(log_softmax(self.left_out, axis=0)[y, np.arange(len(y))])


class SoftmaxProblem:
    """min_{w, b} sum_i s_i CE(t_i, softmax(w . f_i + b)) + prior(w, b), over w >= 0 if asked for.

    The prior on w is a `WeightPrior`'s. The biases' is 2 bias_precision |b|^2: for (-b / 2, b / 2), that of a bias b.

    Parameters
    ----------
    features : ndarray of shape (m, K, n_labeled)
        What the labelled instances are judged by, centred over the classes.
    y : ndarray of shape (n_labeled,)
        Their classes, 0 to K - 1.
    counts : ndarray of shape (n_labeled,), optional
        How often each of them counts, s_i > 0; default once.
    """

    def __init__(self, features: Vector, y: Indices, counts: Vector | None = None) -> None:
        self.shape = features.shape
        m, K, n = features.shape
        self.features = np.ascontiguousarray(features, np.float64).reshape(m, K * n)
        self._counts = np.ones(n) if counts is None else counts
        self._targets = np.zeros((K, n))
        self._targets[y, np.arange(n)] = 1

    def derivatives(self, theta: Vector, prior: WeightPrior) -> Derivatives:
        """Value, gradient (m + K,) and Hessian (m + K, m + K) of the objective at theta."""
        m, K, _ = self.shape
        curvature = self._prior_hessian(prior)
        deviation = theta - np.append(prior.center, np.zeros(K))
        gradient = curvature @ deviation
        value = float(deviation @ gradient) / 2
        log_p = log_softmax(self._scores(theta), axis=0)
        p = np.exp(log_p)
        value -= float(np.sum(self._targets * log_p, axis=0) @ self._counts)
        slope = (p - self._targets) * self._counts
        gradient += np.append(self.features @ slope.ravel(), slope.sum(axis=1))
        weighted = self._counts * p
        spread = self.features * weighted.ravel()
        mean = (self.features * p.ravel()).reshape(self.shape).sum(axis=1)  # of each instance's features under p
        curvature[:m, :m] += spread @ self.features.T - (mean * self._counts) @ mean.T
        cross = spread.reshape(self.shape).sum(axis=2) - mean @ weighted.T
        curvature[:m, m:] += cross
        curvature[m:, :m] += cross.T
        curvature[m:, m:] += np.diag(weighted.sum(axis=1)) - p @ weighted.T
        return value, gradient, curvature

    def bound(self, prior: WeightPrior) -> Vector:
        """Majorise the Hessian (m + K, m + K) everywhere."""
        return self._loss_bound + self._prior_hessian(prior)

    def solve(self, prior: WeightPrior, nonnegative: bool, start: Vector | None = None) -> SoftmaxFit:
        """Return the optimum."""
        m, K, _ = self.shape

        def sure_step(theta: Vector, gradient: Vector) -> Vector:
            return _descend(theta, gradient, self.bound(prior), m if nonnegative else 0)

        theta, gradient, hessian = minimise(
            lambda theta: self.derivatives(theta, prior),
            np.append(prior.center, np.zeros(K)) if start is None else start,
            nonnegative,
            K,
            sure_step,
        )
        return SoftmaxFit(theta, self._left_out(theta, gradient, hessian, nonnegative))

    def _scores(self, theta: Vector) -> Vector:
        m, K, n = self.shape
        return (theta[:m] @ self.features).reshape(K, n) + theta[m:, None]

    def _prior_hessian(self, prior: WeightPrior) -> Vector:
        m, K, _ = self.shape
        hessian = np.zeros((m + K, m + K))
        hessian[:m, :m] = prior.hessian()[:m, :m]
        hessian[m:, m:] = 4 * prior.bias_precision * np.eye(K)
        return hessian

    @cached_property
    def _loss_bound(self) -> Vector:
        K = self.shape[1]
        spread = self.features * np.tile(self._counts, K)
        total = spread.reshape(self.shape).sum(axis=2)
        biases = self._counts.sum() * (np.eye(K) - 1 / K)
        return np.block([[spread @ self.features.T, total], [total.T, biases]]) / 2

    def _left_out(self, theta: Vector, gradient: Vector, hessian: Vector, nonnegative: bool) -> Vector:
        """Scores of each instance when it, or of one that counts more than once a single copy, is left out."""
        m, K, _ = self.shape
        free = free_parameters(theta, gradient, nonnegative, K)
        weights = free[free < m]
        root = np.linalg.inv(np.linalg.cholesky(regular(hessian[np.ix_(free, free)])))  # root' root = H^-1
        design = np.tensordot(root[:, : len(weights)], self.features.reshape(self.shape)[weights], 1)
        design += root[:, len(weights) :, None]
        leverage = np.einsum("jki,jli->ikl", design, design, optimize=True)
        z = self._scores(theta)
        p = softmax(z, axis=0)
        removed = np.minimum(self._counts, 1)
        change = np.einsum("ikl,li->ik", leverage, (p - self._targets) * removed)
        # leverage @ W without forming W; the factor keeps the matrix regular.
        product = leverage * p.T[:, None, :] - np.einsum("ikl,li,ji->ikj", leverage, p, p, optimize=True)
        left = np.eye(K) - (1 - LEAST_LEFT) * removed[:, None, None] * product
        return z + np.linalg.solve(left, change[:, :, None])[:, :, 0].T


def _descend(theta: Vector, gradient: Vector, curvature: Vector, n_bounded: int) -> Vector:
    """Lower a quadratic with that gradient at theta by coordinate descent; the first n_bounded entries stay >= 0."""
    least = np.where(np.arange(len(theta)) < n_bounded, 0.0, -np.inf)
    theta, gradient = theta.copy(), gradient.copy()
    for _ in range(N_SWEEPS):
        for j, along in enumerate(curvature):
            if along[j] > 0:
                step = max(least[j], theta[j] - gradient[j] / along[j]) - theta[j]
                theta[j] += step
                gradient += step * along
    return theta
