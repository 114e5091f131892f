"""Weights that are best in the light of a prior where there are several classes: a penalised softmax regression.

With f_i (m, K) the features of instance i, z_i = f_i' w + b and p_i = softmax(z_i), the loss -log p_i(t_i) has, with
respect to z_i, the gradient g_i = p_i - t_i (t_i one-hot) and the Hessian

    W_i = diag(p_i) - p_i p_i'  <=  B = (I - 1 1' / K) / 2                                          (Boehning 1992)

whatever p_i is. As z_i is linear in theta = (w, b), z_i = A_i theta with A_i = (f_i', I), the objective has the
gradient sum_i A_i' g_i and the Hessian sum_i A_i' W_i A_i, and a step that decreases its quadratic majoriser, with B in
the place of W_i, decreases the objective itself. Newton's step, with W_i, is far better near the optimum and may be no
good elsewhere: there, the majoriser's is taken.

Leaving instance i out, by one Newton step from the optimum, changes theta by (H - A_i' W_i A_i)^-1 A_i' g_i. With the
leverage L_i = A_i H^-1 A_i' (K, K) and the identity of Woodbury, z_i changes by

    A_i (H - A_i' W_i A_i)^-1 A_i' g_i = (I - L_i W_i)^-1 L_i g_i.

With root' root = H^-1, root being lower triangular and the biases coming first, so that root = (P, 0; Q, U), it is
L_i = P' P + Z_i' Z_i with Z_i = Q + U f_i, of which P' P is the same for all instances.

A softmax does not change when the same number is added to all of its scores. All features are therefore taken relative
to those of the instance's own class: its score is then 0, and what is left of an instance that is predicted with
certainty (p_k of the other classes, of whatever smallness) is not lost in rounding, nor are g_i and W_i.

For two classes, f_i = (-f / 2, f / 2) and biases (-b / 2, b / 2), all this is what `WeightProblem` does with f and b.

D. Boehning, Multinomial logistic regression algorithm, Annals of the Institute of Statistical Mathematics 44 (1992).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.special import log_softmax, logsumexp

from cfensemble._blocks import column_blocks
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
        What each labelled instance's softmax is taken of when it is left out itself, to first order, but for a number
        that is the same for all classes.
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
        What the labelled instances are judged by.
    y : ndarray of shape (n_labeled,)
        Their classes, 0 to K - 1.
    counts : ndarray of shape (n_labeled,), optional
        How often each of them counts, s_i > 0; default once.
    """

    def __init__(self, features: Vector, y: Indices, counts: Vector | None = None) -> None:
        self.shape = features.shape
        m, K, n = features.shape
        self._y, self._own = y, np.arange(K)[:, None] == y
        own = features[:, y, np.arange(n)].astype(np.float64)
        self.features = np.ascontiguousarray(features - own[:, None]).reshape(m, K * n)
        self._counts = np.ones(n) if counts is None else counts

    def derivatives(self, theta: Vector, prior: WeightPrior) -> Derivatives:
        """Value, gradient (m + K,) and Hessian (m + K, m + K) of the objective at theta."""
        m, K, _ = self.shape
        curvature = self._prior_hessian(prior)
        deviation = theta - np.append(prior.center, np.zeros(K))
        gradient = curvature @ deviation
        value = float(deviation @ gradient) / 2
        z = self._scores(theta)
        losses = self._losses(z)
        value += float(losses @ self._counts)
        p = np.exp(z - losses)
        slope = self._slope(p) * self._counts
        gradient += np.append(self.features @ slope.ravel(), slope.sum(axis=1))
        weighted = self._counts * p
        features = self.features.reshape(self.shape)
        centred = features - (features * p).sum(axis=1, keepdims=True)
        spread = centred * weighted
        curvature[:m, :m] += spread.reshape(m, -1) @ centred.reshape(m, -1).T
        cross = spread.sum(axis=2)
        curvature[:m, m:] += cross
        curvature[m:, :m] += cross.T
        exchange = p @ weighted.T
        np.fill_diagonal(exchange, 0)
        curvature[m:, m:] += np.diag(exchange.sum(axis=1)) - exchange
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
        """Scores (K, n), 0 for an instance's own class."""
        m, K, n = self.shape
        z = (theta[:m] @ self.features).reshape(K, n) + theta[m:, None]
        z -= z[self._y, np.arange(n)]
        return z

    def _losses(self, z: Vector) -> Vector:
        """-log p(t_i) (n,) for such scores."""
        return np.logaddexp(0, logsumexp(np.where(self._own, -np.inf, z), axis=0))

    def _slope(self, p: Vector) -> Vector:
        """Return p - t (K, n)."""
        slope = np.where(self._own, 0, p)
        return slope - self._own * slope.sum(axis=0)

    def _prior_hessian(self, prior: WeightPrior) -> Vector:
        m, K, _ = self.shape
        hessian = np.zeros((m + K, m + K))
        hessian[:m, :m] = prior.hessian()[:m, :m]
        hessian[m:, m:] = 4 * prior.bias_precision * np.eye(K)
        return hessian

    @cached_property
    def _loss_bound(self) -> Vector:
        m, K, _ = self.shape
        features = self.features.reshape(self.shape)
        centred = features - features.mean(axis=1, keepdims=True)
        spread = centred * self._counts
        total = spread.sum(axis=2)
        biases = self._counts.sum() * (np.eye(K) - 1 / K)
        return np.block([[spread.reshape(m, -1) @ centred.reshape(m, -1).T, total], [total.T, biases]]) / 2

    def _left_out(self, theta: Vector, gradient: Vector, hessian: Vector, nonnegative: bool) -> Vector:
        """Scores of each instance when it, or of one that counts more than once a single copy, is left out."""
        _, K, n = self.shape
        free = free_parameters(theta, gradient, nonnegative, K)
        weights, order = free[:-K], np.roll(free, K)  # the biases first
        root = np.linalg.inv(np.linalg.cholesky(regular(hessian[np.ix_(order, order)])))  # root' root = H^-1
        common = root[:K, :K].T @ root[:K, :K]
        features = self.features.reshape(self.shape)[weights]
        removed = np.minimum(self._counts, 1)
        z = self._scores(theta)
        p = np.exp(z - self._losses(z))
        slope = self._slope(p) * removed
        for columns in column_blocks((K * K, n)):
            some = p[:, columns].T
            Z = np.tensordot(features[:, :, columns], root[K:, K:], (0, 1)) + root[K:, :K].T[:, None]
            leverage = Z.transpose(1, 0, 2) @ Z.transpose(1, 2, 0) + common
            change = np.einsum("ikl,li->ik", leverage, slope[:, columns])
            leverage *= some[:, None]  # now leverage @ W, without forming W
            leverage -= leverage.sum(axis=2, keepdims=True) * some[:, None]
            # The factor keeps the matrix regular.
            left = np.eye(K) - (1 - LEAST_LEFT) * removed[columns, None, None] * leverage
            z[:, columns] += np.linalg.solve(left, change[:, :, None])[:, :, 0].T
        return z


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
