"""Omega, the part of the supervised loss that is about the aggregator's parameters alone."""

from dataclasses import dataclass

import numpy as np

from cfensemble._typing import Vector
from cfensemble.ensemble.prior import WeightPrior


@dataclass(frozen=True)
class WeightPenalty:
    """Omega(theta) = l2 / 2 |w - 1/m|^2 + prior(theta) / n_labeled, theta = (w, b).

    The prior is worth so many labels and their loss is a mean, hence the division.

    Attributes
    ----------
    l2 : float
        At least 0.
    prior : WeightPrior, optional
    n_labeled : float
        Labelled instances, as often as they count.
    """

    l2: float
    prior: WeightPrior | None = None
    n_labeled: float = 1

    def value(self, theta: Vector) -> float:
        """Omega at theta (m + 1,)."""
        value = 0.0
        if self.l2:
            deviation = theta[:-1] - 1 / (len(theta) - 1)
            value += self.l2 / 2 * float(deviation @ deviation)
        if self.prior is not None:
            value += self.prior.derivatives(theta)[0] / self.n_labeled
        return value

    def gradient(self, theta: Vector) -> Vector:
        """Its gradient, (m + 1,)."""
        gradient = np.append(self.l2 * (theta[:-1] - 1 / (len(theta) - 1)), 0.0)
        if self.prior is not None:
            gradient += self.prior.derivatives(theta)[1] / self.n_labeled
        return gradient

    def hessian(self, m: int) -> Vector:
        """Its Hessian (m + 1, m + 1), the same everywhere."""
        hessian = self.l2 * np.diag(np.append(np.ones(m), 0.0))
        return hessian if self.prior is None else hessian + self.prior.hessian() / self.n_labeled

    def curvature(self, m: int) -> tuple[float, Vector, Vector]:
        """The Hessian in parts, as `WeightPrior.curvature` gives its own."""
        if self.prior is None:
            return self.l2, np.zeros((m + 1, 0)), np.zeros(0)
        diagonal, directions, curvatures = self.prior.curvature()
        return self.l2 + diagonal / self.n_labeled, directions, curvatures / self.n_labeled

    def steepest(self) -> float:
        """Largest curvature of the prior: gradient steps longer than twice its inverse diverge."""
        return 0.0 if self.prior is None else float(np.linalg.eigvalsh(self.prior.hessian())[-1]) / self.n_labeled
