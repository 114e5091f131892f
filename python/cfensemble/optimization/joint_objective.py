"""What the joint solver minimises: L_CF with every y_i at its best, a smooth function of X, w and b."""

from dataclasses import dataclass

import numpy as np

from cfensemble import _core
from cfensemble._typing import Float, Indices, Vector
from cfensemble.data.confidence_rule import Confidence
from cfensemble.ensemble.penalty import WeightPenalty
from cfensemble.objectives.label_weights import LabelledInstances
from cfensemble.objectives.losses import weigh_terms


@dataclass(frozen=True)
class JointPoint:
    """F(X, w, b) = min_Y L_CF, its gradient, and what its curvature is modelled from.

    Attributes
    ----------
    X : ndarray of shape (d, m)
    theta : ndarray of shape (m + 1,)
        w and b.
    value, reconstruction, supervised : float
        L_CF, L_recon and L_sup.
    gradient : ndarray of shape (d m + m + 1,)
        Of F in X, row by row, then w and b.
    gram, curvature : ndarray
        See `_core.joint_sweep`.
    n_degenerate : int
        Instances whose system was singular to working precision.
    """

    X: Float
    theta: Vector
    value: float
    reconstruction: float
    supervised: float
    gradient: Vector
    gram: Vector
    curvature: Vector
    n_degenerate: int


@dataclass
class JointObjective:
    """Evaluates F; every evaluation leaves the minimising Y in `Y`.

    Parameters
    ----------
    R, C
        Predictions (m, n) and their confidence weights.
    Y : ndarray of shape (d, n)
        Overwritten.
    lambda_reg, rho, focal_gamma : float
        As in L_CF; rho in (0, 1].
    logistic : bool
        Whether z = w . R_hat + b are log-odds, or probabilities to be clipped (the plain average).
    learns : bool
        Whether w and b are variables, or fixed.
    penalty : WeightPenalty
        Omega, which L_sup contains.
    threads : int
    labelled : LabelledInstances, optional
        Labelled instances and their weights.
    sample_weight : ndarray of shape (n,), optional
        How often each instance counts, if not once.
    """

    R: Float
    C: Confidence
    Y: Float
    lambda_reg: float
    rho: float
    focal_gamma: float
    logistic: bool
    learns: bool
    penalty: WeightPenalty
    threads: int
    labelled: LabelledInstances | None = None
    sample_weight: Vector | None = None

    def evaluate(self, X: Float, theta: Vector) -> JointPoint:
        """Minimise over Y at X (d, m) and theta = (w, b), in one pass over R."""
        supervision = None
        if self.labelled is not None:
            instances = self.labelled.columns, self.labelled.labels, self.labelled.weights
            supervision = theta[:-1], float(theta[-1]), *instances, self.focal_gamma
        reconstruction, supervised, gradient_X, gradient, gram, curvature, n_degenerate = _core.joint_sweep(
            X,
            self.R,
            self.C,
            self.lambda_reg,
            self.rho,
            self.Y,
            supervision,
            self.logistic,
            self.threads,
            self.sample_weight,
        )
        if self.learns:
            with np.errstate(over="ignore"):  # a step too far, which the line search will take back
                supervised += self.penalty.value(theta)
                gradient += (1 - self.rho) * self.penalty.gradient(theta)
        else:
            gradient[:] = 0
        value = weigh_terms(reconstruction, supervised, self.rho)["total"]
        whole = np.concatenate([gradient_X.ravel(), gradient])
        return JointPoint(X, theta, value, reconstruction, supervised, whole, gram, curvature, n_degenerate)

    def solve(self, point: JointPoint, right: Vector, held: Indices) -> Vector:
        """H^-1 right, both (d m + m + 1,), with the model H of F's Hessian at a point.

        The variables at the indices `held` are fixed: H is that of the others, and the result 0 there.
        """
        size, m = point.X.size, point.X.shape[1]
        diagonal, directions, curvatures = self.penalty.curvature(m)
        if self.learns and curvatures.any():
            # The kernel's H has the penalty's diagonal; its few directions besides are added by Woodbury's identity.
            besides = np.zeros((size + m + 1, len(curvatures)))
            besides[size:] = directions
            besides[held] = 0
            solved = np.column_stack([self._solve(point, column, held, diagonal) for column in (*besides.T, right)])
            reached, plain = solved[:, :-1], solved[:, -1]
            added = (1 - self.rho) * curvatures[:, None]
            inner = np.eye(len(curvatures)) + added * (besides.T @ reached)
            return plain - reached @ np.linalg.solve(inner, added[:, 0] * (besides.T @ plain))
        return self._solve(point, right, held, diagonal)

    def coupling(self, point: JointPoint, change: Vector) -> Vector:
        """H (0, change), (d m + m + 1,): what a change of theta (m + 1,) does to the gradient, by the model."""
        rho, d = self.rho, len(point.X)
        seen = (1 - rho) * (point.curvature @ np.append(point.X @ change[:-1], change[-1]))
        on_theta = np.append(point.X.T @ seen[:d], seen[d])
        on_theta += (1 - rho) * (self.penalty.hessian(len(change) - 1) @ change)
        return np.concatenate([np.outer(seen[:d], point.theta[:-1]).ravel(), on_theta])

    def _solve(self, point: JointPoint, right: Vector, held: Indices, diagonal: float) -> Vector:
        size = point.X.size
        prior = np.full(point.X.shape[1], diagonal)
        prior[held - size] = np.inf
        on_X, on_theta = _core.apply_inverse_curvature(
            point.gram,
            point.curvature,
            point.X.astype(np.float64, copy=False),
            point.theta[:-1],
            prior,
            self.lambda_reg,
            self.rho,
            self.learns,
            right[:size].reshape(point.X.shape),
            right[size:],
            self.threads,
        )
        return np.concatenate([on_X.ravel(), on_theta])
