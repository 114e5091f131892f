"""Omega, the part of the supervised loss that is about the aggregator's weights alone."""

from dataclasses import dataclass

import numpy as np

from cfensemble._typing import Vector


@dataclass(frozen=True)
class WeightPrior:
    """strength / 2 |w - 1/m|^2: the weights stay near the plain average's."""

    strength: float

    def value(self, w: Vector) -> float:
        """Omega at w (m,)."""
        if self.strength == 0:
            return 0.0
        deviation = w - 1 / len(w)
        return self.strength / 2 * float(deviation @ deviation)

    def gradient(self, w: Vector) -> Vector:
        """Its gradient, (m,)."""
        return self.strength * (w - 1 / len(w))

    def curvature(self, w: Vector) -> Vector:
        """The diagonal of its Hessian, (m,), which has no other entries."""
        return np.full(len(w), self.strength)
