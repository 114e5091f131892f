"""Steps that lower a smooth function of the aggregator's parameters theta = (w, b)."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from cfensemble._typing import Vector
from cfensemble._validation import choice

# theta, whether the Hessian is wanted -> value, gradient, Hessian
Objective = Callable[[Vector, bool], tuple[float, Vector, Vector | None]]


class Optimizer(ABC):
    """One step at a time; state, where there is any, lives as long as the object."""

    @abstractmethod
    def step(self, theta: Vector, objective: Objective) -> Vector:
        """Return the next theta."""


class GradientDescent(Optimizer):
    """theta - lr * gradient."""

    def __init__(self, lr: float) -> None:
        self.lr = lr

    def step(self, theta: Vector, objective: Objective) -> Vector:
        """Return the next theta."""
        return theta - self.lr * objective(theta, False)[1]


class Momentum(Optimizer):
    """Heavy ball (Polyak 1964): the velocity keeps nine tenths of itself."""

    decay = 0.9

    def __init__(self, lr: float) -> None:
        self.lr = lr
        self.velocity: Vector | None = None

    def step(self, theta: Vector, objective: Objective) -> Vector:
        """Return the next theta."""
        velocity = np.zeros_like(theta) if self.velocity is None else self.velocity
        self.velocity = self.decay * velocity - self.lr * objective(theta, False)[1]
        return theta + self.velocity


class Adam(Optimizer):
    """Adam (Kingma and Ba 2015) with its customary constants."""

    decay_first, decay_second, epsilon = 0.9, 0.999, 1e-8

    def __init__(self, lr: float) -> None:
        self.lr = lr
        self.first: Vector | None = None
        self.second: Vector | None = None
        self.n_steps = 0

    def step(self, theta: Vector, objective: Objective) -> Vector:
        """Return the next theta."""
        gradient = objective(theta, False)[1]
        first = np.zeros_like(theta) if self.first is None else self.first
        second = np.zeros_like(theta) if self.second is None else self.second
        self.n_steps += 1
        self.first = self.decay_first * first + (1 - self.decay_first) * gradient
        self.second = self.decay_second * second + (1 - self.decay_second) * gradient**2
        mean = self.first / (1 - self.decay_first**self.n_steps)
        spread = np.sqrt(self.second / (1 - self.decay_second**self.n_steps))
        return theta - self.lr * mean / (spread + self.epsilon)


class Newton(Optimizer):
    """Newton's method, safeguarded: never uphill, also where the Hessian is singular or (focal loss) indefinite.

    The Hessian's eigenvalues enter by their magnitude, at least `floor` times the largest, which makes the step a
    descent direction (Nocedal and Wright 2006, section 3.4); it is halved until Armijo's condition holds. Where the
    loss is saturated its curvature underflows and that never happens; the plain gradient is then followed instead. It
    needs no learning rate.
    """

    floor = 1e-8
    least_curvature = 1e-100
    sufficient = 1e-4
    max_halvings = 30

    def __init__(self, lr: float = 1.0) -> None:
        del lr  # the step length is the line search's affair

    def step(self, theta: Vector, objective: Objective) -> Vector:
        """Return the next theta, or theta itself where no step lowers the objective."""
        value, gradient, hessian = objective(theta, True)
        assert hessian is not None
        curvature, basis = np.linalg.eigh(hessian)
        curvature = np.abs(curvature)
        curvature = np.maximum(curvature, max(self.floor * curvature.max(), self.least_curvature))
        newton = -basis @ ((basis.T @ gradient) / curvature)
        for direction in (newton, -gradient):
            slope = float(gradient @ direction)
            length = 1.0
            for _ in range(self.max_halvings):
                candidate = theta + length * direction
                if objective(candidate, False)[0] <= value + self.sufficient * length * slope:
                    return candidate
                length /= 2
        return theta


_OPTIMIZERS: dict[str, Callable[[float], Optimizer]] = {
    "gd": GradientDescent,
    "momentum": Momentum,
    "adam": Adam,
    "newton": Newton,
}
OPTIMIZER_NAMES = tuple(_OPTIMIZERS)


def make_optimizer(name: str, lr: float) -> Optimizer:
    """Return the optimizer called 'gd', 'momentum', 'adam' or 'newton'."""
    return _OPTIMIZERS[choice(name, "aggregator_optimizer", OPTIMIZER_NAMES)](lr)
