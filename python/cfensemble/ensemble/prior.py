"""What is believed of the aggregator's weights before any label is seen."""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from cfensemble._typing import Float, Vector
from cfensemble._validation import number
from cfensemble.ensemble.reliability import reliability_weights

PriorName = Literal["reliability", "average", "zero"]
PRIOR_NAMES = ("reliability", "average", "zero")


@dataclass(frozen=True)
class WeightPrior:
    """A quadratic penalty on theta = (w, b), in nats: what so many labelled instances would have to say against it.

        strength m |w - s center|^2 + scale_precision (s - 1)^2 + bias_precision b^2,     s = w . center / |center|^2

    The direction of w is held as firmly as `strength` says, its length (how sharp the probabilities are) and the bias
    loosely: those are learned from a few labels. With center 0 there is no such direction, and the penalty is
    strength m |w|^2 + bias_precision b^2.

    Attributes
    ----------
    center : ndarray of shape (m,)
        The weights believed in.
    strength : float
        At least 0.
    scale_precision, bias_precision : float
        At least 0.

    Raises
    ------
    ValueError
        If the center is not a finite vector, or a precision is negative or not finite.
    """

    center: Vector
    strength: float
    scale_precision: float = 10.0
    bias_precision: float = 3.0

    def __post_init__(self) -> None:
        center = np.asarray(self.center, np.float64)
        if center.ndim != 1 or not np.isfinite(center).all():
            raise ValueError(f"center must be a finite vector of weights, got {self.center!r}")
        object.__setattr__(self, "center", center)
        for name in ("strength", "scale_precision", "bias_precision"):
            object.__setattr__(self, name, number(getattr(self, name), name, 0))

    def derivatives(self, theta: Vector) -> tuple[float, Vector, Vector]:
        """Value, gradient (m + 1,) and Hessian (m + 1, m + 1) of the penalty at theta."""
        hessian = self.hessian()
        deviation = theta - np.append(self.center, 0.0)
        gradient = hessian @ deviation
        return float(deviation @ gradient) / 2, gradient, hessian

    def hessian(self) -> Vector:
        """The constant Hessian H; the penalty is (theta - (center, 0))' H (theta - (center, 0)) / 2."""
        m = len(self.center)
        diagonal, directions, curvatures = self.curvature()
        hessian = np.zeros((m + 1, m + 1))
        hessian[:m, :m] = diagonal * np.eye(m)
        for direction, curvature in zip(directions.T, curvatures, strict=True):
            hessian += curvature * np.outer(direction, direction)
        return hessian

    def curvature(self) -> tuple[float, Vector, Vector]:
        """The Hessian in parts: what w has in every direction, two directions (m + 1, 2), what these have besides."""
        m = len(self.center)
        firm = 2 * self.strength * m
        directions, curvatures = np.zeros((m + 1, 2)), np.zeros(2)
        length = float(self.center @ self.center)
        if length > 0:
            # (s - 1)^2 = (unit . (w - center))^2 / |center|^2; the strength acts across that direction only.
            directions[:m, 0] = self.center / np.sqrt(length)
            curvatures[0] = 2 * (self.scale_precision / length - self.strength * m)
        directions[m, 1], curvatures[1] = 1, 2 * self.bias_precision
        return firm, directions, curvatures


def prior_center(name: PriorName, R: Float, sample_weight: Vector | None = None) -> Vector:
    """Return the weights (m,) that a prior of this name believes in, given the predictions R (m, n).

    Each instance counts as often as `sample_weight` (n,) says, by default once.
    """
    m = len(R)
    if name == "reliability":
        return reliability_weights(R, sample_weight)
    return np.full(m, 1 / m) if name == "average" else np.zeros(m)
