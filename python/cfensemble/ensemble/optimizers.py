"""Steps that lower a smooth function of the aggregator's parameters theta = (w, b)."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from cfensemble._typing import Vector
from cfensemble._validation import choice
from cfensemble.ensemble.nonnegative import free_parameters, project

# theta, whether the Hessian is wanted -> value, gradient, Hessian
Objective = Callable[[Vector, bool], tuple[float, Vector, Vector | None]]


class Optimizer(ABC):
    """One step at a time; state, where there is any, lives as long as the object."""

    @abstractmethod
    def step(self, theta: Vector, objective: Objective) -> Vector:
        """Return the next theta."""


class FirstOrder(Optimizer):
    """Steps along the gradient, projected where weights must not be negative."""

    def __init__(self, lr: float, nonnegative: bool = False) -> None:
        self.lr, self.nonnegative = lr, nonnegative

    def step(self, theta: Vector, objective: Objective) -> Vector:
        """Return the next theta."""
        return project(theta + self.move(objective(theta, False)[1]), self.nonnegative)

    @abstractmethod
    def move(self, gradient: Vector) -> Vector:
        """Return the step for a gradient."""


class GradientDescent(FirstOrder):
    """theta - lr * gradient."""

    def move(self, gradient: Vector) -> Vector:
        """Return the step for a gradient."""
        return -self.lr * gradient


class Momentum(FirstOrder):
    """Heavy ball (Polyak 1964): the velocity keeps nine tenths of itself."""

    decay = 0.9

    def __init__(self, lr: float, nonnegative: bool = False) -> None:
        super().__init__(lr, nonnegative)
        self.velocity: Vector | None = None

    def move(self, gradient: Vector) -> Vector:
        """Return the step for a gradient."""
        velocity = np.zeros_like(gradient) if self.velocity is None else self.velocity
        self.velocity = self.decay * velocity - self.lr * gradient
        return self.velocity


class Adam(FirstOrder):
    """Adam (Kingma and Ba 2015) with its customary constants."""

    decay_first, decay_second, epsilon = 0.9, 0.999, 1e-8

    def __init__(self, lr: float, nonnegative: bool = False) -> None:
        super().__init__(lr, nonnegative)
        self.first: Vector | None = None
        self.second: Vector | None = None
        self.n_steps = 0

    def move(self, gradient: Vector) -> Vector:
        """Return the step for a gradient."""
        first = np.zeros_like(gradient) if self.first is None else self.first
        second = np.zeros_like(gradient) if self.second is None else self.second
        self.n_steps += 1
        self.first = self.decay_first * first + (1 - self.decay_first) * gradient
        self.second = self.decay_second * second + (1 - self.decay_second) * gradient**2
        mean = self.first / (1 - self.decay_first**self.n_steps)
        spread = np.sqrt(self.second / (1 - self.decay_second**self.n_steps))
        return -self.lr * mean / (spread + self.epsilon)


class Newton(Optimizer):
    """Newton's method, safeguarded: never uphill, also where the Hessian is singular or (focal loss) indefinite.

    The Hessian's eigenvalues enter by their magnitude, at least `floor` times the largest, which makes the step a
    descent direction (Nocedal and Wright 2006, section 3.4); it is halved until Armijo's condition holds. Where the
    loss is saturated its curvature underflows and that never happens; the plain gradient is then followed instead. It
    needs no learning rate. Where weights must not be negative the steps are projected, see `nonnegative`.
    """

    floor = 1e-8
    least_curvature = 1e-100
    sufficient = 1e-4
    max_halvings = 30

    def __init__(self, lr: float = 1.0, nonnegative: bool = False) -> None:
        del lr  # the step length is the line search's affair
        self.nonnegative = nonnegative

    def step(self, theta: Vector, objective: Objective) -> Vector:
        """Return the next theta, or theta itself where no step lowers the objective."""
        value, gradient, hessian = objective(theta, True)
        assert hessian is not None
        free = free_parameters(theta, gradient, self.nonnegative)
        curvature, basis = np.linalg.eigh(hessian[np.ix_(free, free)])
        curvature = np.abs(curvature)
        curvature = np.maximum(curvature, max(self.floor * curvature.max(), self.least_curvature))
        newton = -basis @ ((basis.T @ gradient[free]) / curvature)
        for move in (newton, -gradient[free]):
            direction = np.zeros_like(theta)
            direction[free] = move
            length = 1.0
            for _ in range(self.max_halvings):
                candidate = project(theta + length * direction, self.nonnegative)
                expected = min(float(gradient @ (candidate - theta)), 0.0)
                if objective(candidate, False)[0] <= value + self.sufficient * expected:
                    return candidate
                length /= 2
        return theta


_OPTIMIZERS: dict[str, Callable[[float, bool], Optimizer]] = {
    "gd": GradientDescent,
    "momentum": Momentum,
    "adam": Adam,
    "newton": Newton,
}
OPTIMIZER_NAMES = tuple(_OPTIMIZERS)


def make_optimizer(name: str, lr: float, nonnegative: bool = False) -> Optimizer:
    """Return the optimizer called 'gd', 'momentum', 'adam' or 'newton', which keeps w >= 0 if asked to."""
    return _OPTIMIZERS[choice(name, "aggregator_optimizer", OPTIMIZER_NAMES)](lr, nonnegative)
